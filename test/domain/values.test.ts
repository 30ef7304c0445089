import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  bytesOf,
  bytesOfXml,
  formatBytes,
  formatValue,
  isSize,
  kibOf,
  macOf,
  type Size,
  uuidOf,
} from '../../src/domain/values.js';
import { failureNow } from '../support/deadline.js';

const refused = (attempt: () => unknown) => assert.is(failureNow(attempt, 'SPEC_INVALID').path, 'here');

test('sizes are read exactly', () => {
  for (const [size, bytes] of [
    [0, 0n],
    [1024, 1024n],
    [2n ** 70n, 2n ** 70n],
    ['1 B', 1n],
    ['2 GiB', 2n << 30n],
    ['2GiB', 2n << 30n],
    ['  2   GiB  ', 2n << 30n],
    ['1.5 GiB', 3n << 29n],
    ['0.25 KiB', 256n],
    ['1 KB', 1000n],
    ['1 MB', 1_000_000n],
    ['1 GB', 1_000_000_000n],
    ['3 TiB', 3n << 40n],
    ['123456789012345 TiB', 123456789012345n << 40n],
  ] as const)
    assert.is(bytesOf(size as Size, 'here'), bytes, String(size));
});

test('what is no size is refused, with its path', () => {
  for (const size of [
    -1,
    -1n,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    '',
    '5',
    'GiB',
    '1 gib',
    '1 Gib',
    '-1 GiB',
    '1e3 B',
    '1,5 GiB',
    '1 GiB x',
    '0x10 B',
    '1 PiB',
    '1.1234567 GiB',
    null,
    undefined,
    true,
    {},
    [],
    '1\u00a0GiB\u0000',
  ])
    refused(() => bytesOf(size as never, 'here'));
});

test('a size that is not whole bytes is refused, not rounded', () => {
  for (const size of ['0.5 B', '0.3 KiB', '1.0001 KiB'] as const) refused(() => bytesOf(size, 'here'));
});

test('isSize: says of a text from outside whether it is a size, and then the compiler knows', () => {
  for (const size of ['2 GiB', '512MiB', '1.5 GiB', 0, 1n]) assert.ok(isSize(size), String(size));
  for (const none of ['2', 'much', '2 gib', '', -1, 1.5, null, {}, '0.3 KiB'])
    assert.not.ok(isSize(none), String(none));
  const fromOutside: string = ['2', 'GiB'].join(' ');
  // @ts-expect-error any text
  const wrong: Size = fromOutside;
  // @ts-expect-error no such unit
  const misspelt: Size = '2 Gib';
  assert.equal([wrong, misspelt].length, 2);
  if (isSize(fromOutside)) assert.is(bytesOf(fromOutside satisfies Size, 'here'), 2n << 30n);
});

test('KiB for libvirt: whole and positive, or refused', () => {
  assert.is(kibOf('64 MiB', 'here'), 65536);
  assert.is(kibOf(1024, 'here'), 1);
  for (const size of [0, 1, 1023, 1025, '1 KB', 2n ** 70n] as const) refused(() => kibOf(size, 'here'));
});

test('what is formatted reads as the same size', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 1n << 49n }), (bytes) =>
      assert.is(bytesOf(formatBytes(bytes) as Size, 'here'), bytes),
    ),
  );
  assert.is(formatBytes(3n << 29n), '1536 MiB');
  assert.is(formatBytes(2n << 30n), '2 GiB');
});

test("libvirt's units", () => {
  for (const [unit, bytes] of [
    ['b', 1n],
    ['bytes', 1n],
    ['KB', 1000n],
    ['k', 1024n],
    ['KiB', 1024n],
    ['M', 1n << 20n],
    ['GiB', 1n << 30n],
    ['T', 1n << 40n],
    [undefined, 1024n],
  ] as const)
    assert.is(bytesOfXml(' 3 ', unit, 'KiB'), 3n * bytes, String(unit));
});

test('MACs: unicast, in lower case', () => {
  assert.is(macOf('52:54:00:AA:bb:Cc', 'here'), '52:54:00:aa:bb:cc');
  for (const mac of [
    '01:00:5e:00:00:01',
    'ff:ff:ff:ff:ff:ff',
    '52-54-00-aa-bb-cc',
    '52:54:00:aa:bb',
    '52:54:00:aa:bb:cc:dd',
    '52:54:00:aa:bb:cg',
    '',
    ' 52:54:00:aa:bb:cc',
    '52:54:00:aa:bb:cc\n',
    7,
    null,
    undefined,
  ])
    refused(() => macOf(mac, 'here'));
});

test('UUIDs: with or without hyphens, in lower case with them', () => {
  const uuid = '4f04d087-0dbf-4b04-80a4-5e7830a2130c';
  for (const form of [uuid, uuid.toUpperCase(), uuid.replaceAll('-', '')]) assert.is(uuidOf(form, 'here'), uuid);
  fc.assert(fc.property(fc.uuid(), (each) => assert.is(uuidOf(each.replaceAll('-', '').toUpperCase(), 'here'), each)));
  for (const form of ['', 'x', `${uuid}0`, uuid.slice(1), `{${uuid}}`, uuid.replace('4', 'g'), `${uuid}\n`, 7, null])
    refused(() => uuidOf(form, 'here'));
});

test("a caller's value in a message is short and on one line", () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      const text = formatValue(value);
      assert.ok(text.length < 600 && !text.includes('\n'), text);
    }),
  );
});

test.run();
