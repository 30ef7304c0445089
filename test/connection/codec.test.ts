import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { STRUCTS } from '../../src/connection/generated/protocol-table.js';
import { encodeCall, procedureOf } from '../../src/connection/procedures.js';
import { codecOf, structCodec } from '../../src/connection/wire/codec.js';
import type { Codec } from '../../src/connection/wire/scalars.js';
import { FieldError, XdrReader, XdrWriter } from '../../src/connection/wire/xdr.js';
import { LibvirtCanonicalError } from '../../src/errors.js';
import { FIELD_LISTS, structArbitrary } from '../support/wire-types.js';
import { DOM } from './helpers.js';

const encode = (codec: Codec, value: unknown): Buffer => {
  const writer = new XdrWriter();
  writer.begin(0);
  codec.write(writer, value);
  return writer.finish();
};
const decode = (codec: Codec, bytes: Buffer): unknown => codec.read(new XdrReader(bytes));
const hex = (codec: Codec, value: unknown): string => encode(codec, value).toString('hex');

const GOLDEN: [type: string, value: unknown, bytes: string][] = [
  ['int', -2, 'fffffffe'],
  ['uint', 0xffffffff, 'ffffffff'],
  ['hyper', -1n, 'ffffffffffffffff'],
  ['hyper', 0x0102030405060708n, '0102030405060708'],
  ['uhyper', 0xffffffffffffffffn, 'ffffffffffffffff'],
  ['double', 1.5, '3ff8000000000000'],
  ['char', -1, 'ffffffff'],
  ['uchar', 255, '000000ff'],
  ['ushort', 65535, '0000ffff'],
  ['string', '', '00000000'],
  ['string', 'abcde', '000000056162636465000000'],
  ['string', 'ä€𝄞', '00000009c3a4e282acf09d849e000000'],
  ['string?', null, '00000000'],
  ['string?', 'a', '000000010000000161000000'],
  ['uuid', '00112233-4455-6677-8899-aabbccddeeff', '00112233445566778899aabbccddeeff'],
  ['opaque<8>', new Uint8Array([1, 2, 3, 4, 5]), '000000050102030405000000'],
  ['opaque[3]', new Uint8Array([1, 2, 3]), '01020300'],
  ['char[4]', 'hi', '00000068000000690000000000000000'],
  ['char<8>', 'é', '00000002ffffffc3ffffffa9'],
  ['int<3>', [1, -1], '0000000200000001ffffffff'],
  ['string<3>', ['a', ''], '00000002000000016100000000000000'],
  ['remote_nonnull_domain', { ...DOM, id: 3 }, `0000000477656231${DOM.uuid.replaceAll('-', '')}00000003`],
  ['remote_typed_param_value', { type: 'boolean', value: true }, '0000000600000001'],
  ['remote_typed_param_value', { type: 'ullong', value: 5n }, '000000040000000000000005'],
];
for (const [type, value, bytes] of GOLDEN) {
  test(`${type} is ${bytes} on the wire`, () => {
    assert.is(hex(codecOf(type), value), bytes);
    assert.equal(decode(codecOf(type), Buffer.from(bytes, 'hex')), value);
  });
}

test('a whole call is as libvirt sends it', () => {
  const frame = encodeCall(procedureOf('DOMAIN_GET_XML_DESC'), { dom: DOM, flags: 3 });
  const header = '0000003c' + '20008086' + '00000001' + '0000000e' + '00000000' + '00000000' + '00000000';
  const payload = `0000000477656231${DOM.uuid.replaceAll('-', '')}ffffffff00000003`;
  assert.is(frame.toString('hex'), header + payload);
});

test('64-bit arguments may be safe integers', () => {
  assert.is(hex(codecOf('uhyper'), 2 ** 40), '0000010000000000');
  assert.is(hex(codecOf('hyper'), -1), 'ffffffffffffffff');
});

test('flags take the signed number that | makes of bit 31', () => {
  assert.is(hex(codecOf('flags'), 2147483648 | 16), '80000010');
  assert.is(hex(codecOf('flags'), 2147483664), '80000010');
});

test('opaque results are copies of what was received', () => {
  const received = Buffer.from('0000000401020304', 'hex');
  const value = decode(codecOf('opaque<8>'), received) as Uint8Array;
  received.fill(0);
  assert.equal([...value], [1, 2, 3, 4]);
  assert.is(value.buffer.byteLength, 4);
});

test('char arrays end at their first zero', () => {
  const codec = codecOf('char<8>');
  assert.is(decode(codec, Buffer.from('0000000400000061000000000000006200000063', 'hex')), 'a');
});

test('bytes after the value are ignored: a newer daemon may append', () => {
  assert.is(decode(codecOf('uint'), Buffer.from('0000000700000008', 'hex')), 7);
});

const BAD: [type: string, value: unknown, message: RegExp][] = [
  ['int', 2 ** 31, /outside/],
  ['int', 1.5, /integer/],
  ['int', '1', /integer/],
  ['uint', -1, /outside/],
  ['uchar', 256, /outside/],
  ['ushort', 65536, /outside/],
  ['hyper', 2n ** 63n, /outside/],
  ['uhyper', -1, /outside/],
  ['uhyper', 2 ** 53, /safe integer/],
  ['uhyper', 1.5, /safe integer/],
  ['uhyper', '5', /safe integer/],
  ['double', '1', /number/],
  ['string', 5, /string/],
  ['string', undefined, /string/],
  ['string', 'on\0x', /NUL/],
  ['string', 'x'.repeat(4_194_305), /longer/],
  ['string', 'é'.repeat(2_097_153), /longer/],
  ['char<8>', 'a\0', /NUL/],
  ['char[2]', 'abc', /at most 2/],
  ['uuid', '00112233-4455-6677-8899-aabbccddeef', /UUID/],
  ['uuid', '0011223344556677-8899-aabbccddeeff', /UUID/],
  ['opaque<2>', new Uint8Array(3), /at most 2/],
  ['opaque[2]', new Uint8Array(1), /must have 2/],
  ['opaque<2>', 'ab', /Uint8Array/],
  ['int<1>', [1, 2], /at most 1/],
  ['int<1>', { 0: 1, length: 1 }, /array/],
  ['remote_typed_param_value', { type: 'float', value: 1 }, /int, uint, llong/],
  ['remote_typed_param_value', null, /must be one of/],
  ['remote_nonnull_domain', null, /object/],
];
for (const [type, value, message] of BAD) {
  test(`${type} refuses ${message}`, () => {
    assert.throws(
      () => encode(codecOf(type), value),
      (error: unknown) => error instanceof FieldError && message.test(error.message),
    );
  });
}

test('a string of exactly 4 MiB goes through', () => {
  assert.is(encode(codecOf('string'), 'x'.repeat(4_194_304)).length, 4 + 4_194_304);
});

test('an argument error names the field and never shows the value', () => {
  const secret = 'hunter2\0';
  const attempt = (args: unknown) => () => encodeCall(procedureOf('DOMAIN_SET_BLOCK_IO_TUNE'), args);
  const params = [
    { field: 'a', value: { type: 'string', value: 'fine' } },
    { field: 'b', value: { type: 'string', value: secret } },
  ];
  assert.throws(attempt({ dom: DOM, disk: 'vda', params, flags: 0 }), (error: unknown) => {
    assert.instance(error, LibvirtCanonicalError);
    const { code, path, message } = error as LibvirtCanonicalError;
    assert.is(code, 'ARGUMENT_INVALID');
    assert.is(path, 'params[1].value.value');
    assert.not.match(message, 'hunter2');
    return true;
  });
});

test('a message larger than the daemon takes is refused', () => {
  const models = Array.from({ length: 9 }, () => 'x'.repeat(4_194_304));
  const args = { xmlCPUs: models, flags: 0 };
  assert.throws(
    () => encodeCall(procedureOf('CONNECT_BASELINE_CPU'), args),
    (error: unknown) => error instanceof LibvirtCanonicalError && error.code === 'ARGUMENT_INVALID',
  );
});

const HOSTILE: [type: string, bytes: string, why: string][] = [
  ['int', '000000', 'too few bytes'],
  ['hyper', '00000000000000', 'too few bytes'],
  ['string', '0000000561', 'a string past the end'],
  ['string', 'ffffffff61616161', 'a string of 4 GiB'],
  ['string', '00000001', 'a string without its bytes'],
  ['string', '0000000161', 'a string without its padding'],
  ['string?', '0000000200000000', 'a flag that is neither 0 nor 1'],
  ['opaque<8>', '000000090102030405060708090a0b0c', 'more bytes than the type allows'],
  ['char<65536>', '0000ffff', 'a count of bytes that are not there'],
  ['remote_typed_param<262144>', '00040000', 'a count of structs that are not there'],
  ['int<16384>', '0000400000000001', 'a count of numbers that are not there'],
  ['int<3>', '0000000400000001000000010000000100000001', 'more elements than the type allows'],
  ['remote_typed_param_value', '0000000800000001', 'an unknown arm'],
];
for (const [type, bytes, why] of HOSTILE) {
  test(`reading ${type}: ${why} is a protocol violation`, () => {
    assert.throws(
      () => decode(codecOf(type), Buffer.from(bytes, 'hex')),
      (error: unknown) => error instanceof LibvirtCanonicalError && error.code === 'PROTOCOL_VIOLATION',
    );
  });
}

test('a hostile count allocates nothing', () => {
  const bytes = Buffer.from('0003fffffeedfeed', 'hex');
  const before = process.memoryUsage().heapUsed;
  for (let round = 0; round < 1000; round++) {
    assert.throws(() => decode(codecOf('remote_typed_param<262144>'), bytes));
  }
  assert.ok(process.memoryUsage().heapUsed - before < 32 << 20);
});

test(`every struct, argument list, result and event comes back as it was written (${FIELD_LISTS.size})`, () => {
  assert.ok(FIELD_LISTS.size > 850);
  for (const [name, fields] of FIELD_LISTS) {
    const codec = structCodec(fields);
    fc.assert(
      fc.property(structArbitrary(fields), (value) => {
        const bytes = encode(codec, value);
        assert.is(bytes.length % 4, 0, name);
        assert.ok(bytes.length >= codec.size, `${name} takes fewer bytes than its least size`);
        assert.equal(decode(codec, bytes), value, name);
      }),
      { numRuns: 8 },
    );
  }
});

test('a value cut off anywhere is a protocol violation, never another value', () => {
  const fields = STRUCTS.remote_domain_stats_record;
  const codec = structCodec(fields);
  fc.assert(
    fc.property(structArbitrary(fields), (value) => {
      const bytes = encode(codec, value);
      for (let length = 0; length < bytes.length; length++) {
        assert.throws(
          () => decode(codec, bytes.subarray(0, length)),
          (error: unknown) => error instanceof LibvirtCanonicalError && error.code === 'PROTOCOL_VIOLATION',
        );
      }
    }),
    { numRuns: 50 },
  );
});

test('random bytes either decode or are a protocol violation', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(...FIELD_LISTS.values()), (bytes, fields) => {
      try {
        decode(structCodec(fields), Buffer.from(bytes));
      } catch (error) {
        assert.instance(error, LibvirtCanonicalError);
        assert.is((error as LibvirtCanonicalError).code, 'PROTOCOL_VIOLATION');
      }
    }),
    { numRuns: 3000 },
  );
});

test('half of a surrogate pair is refused, since UTF-8 would carry another text', () => {
  for (const name of ['\ud800', 'a\udc00b', '\udc00\ud800'])
    assert.throws(
      () => encodeCall(procedureOf('DOMAIN_LOOKUP_BY_NAME'), { name }),
      (error: { code: string; message: string }) =>
        error.code === 'ARGUMENT_INVALID' && /half of a surrogate pair/.test(error.message),
    );
  encodeCall(procedureOf('DOMAIN_LOOKUP_BY_NAME'), { name: '\ud83d\ude00' });
});

test.run();
