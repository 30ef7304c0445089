import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { codecOf, structCodec } from '../../src/connection/wire/codec.js';
import { XdrReader, XdrWriter } from '../../src/connection/wire/xdr.js';
import { connect, LibvirtCanonicalError } from '../../src/index.js';
import { within } from '../support/deadline.js';
import { FIELD_LISTS, structArbitrary } from '../support/wire-types.js';
import { HOSTILE, IMPOSSIBLE } from './strings.js';
import { TARGETS, tolerates } from './targets.js';

/** A change to an input: some bytes from a place on give way to others. */
const edit = fc.record({
  at: fc.nat(),
  away: fc.oneof(fc.constant(0), fc.nat(8), fc.nat(400)),
  piece: fc.oneof(
    fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
    fc
      .constantFrom(...HOSTILE, ...IMPOSSIBLE, '"', '<', '>', '&#0;', 'null', '-1', '1e999', '[[[[', '{"a":')
      .map((text) => Buffer.from(text)),
  ),
});

const edited = (seed: Buffer, edits: ReadonlyArray<{ at: number; away: number; piece: Buffer }>): Buffer =>
  edits.reduce((bytes, { at, away, piece }) => {
    const from = at % (bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(from + away)]);
  }, seed);

for (const [name, target] of Object.entries(TARGETS)) {
  test(`${name}: whatever comes, it is read or refused with an error that is foreseen`, () => {
    const seeds = target.seeds();
    for (const seed of seeds) target.run(seed);
    fc.assert(
      fc.property(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 3 }), (seed, edits) =>
        target.run(edited(seed, edits)),
      ),
      { numRuns: 60 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => target.run(Buffer.from(bytes))),
      { numRuns: 100 },
    );
  });
}

test('xdr: a value of any type of the protocol, changed anywhere, is a value or a protocol violation', () => {
  const writer = new XdrWriter();
  for (const fields of FIELD_LISTS.values()) {
    const codec = structCodec(fields);
    fc.assert(
      fc.property(structArbitrary(fields), fc.array(edit, { minLength: 1, maxLength: 2 }), (value, edits) => {
        writer.begin(0);
        codec.write(writer, value);
        const bytes = edited(writer.finish(), edits);
        tolerates(['PROTOCOL_VIOLATION'], () => codec.read(new XdrReader(bytes)));
      }),
      { numRuns: 3 },
    );
  }
});

/** Every list type of the protocol. */
const LISTS = [...new Set([...FIELD_LISTS.values()].flatMap((fields) => fields.match(/(?<=:)\w+<\d+>/g) ?? []))];

test('xdr: no list has elements that take no bytes, so none can be longer than what came', () => {
  assert.ok(LISTS.length >= 40, `${LISTS.length} list types`);
  for (const list of LISTS) {
    const base = list.replace(/<.*/, '');
    if (base !== 'opaque' && base !== 'char') assert.ok(codecOf(base).size >= 4, base);
  }
});

test('xdr: a quarter of a megabyte of counts makes no more than some megabytes of values', () => {
  for (const list of LISTS)
    for (const word of [0, 1, 5, 0x10000, 0xffffffff]) {
      const bytes = Buffer.alloc(1 << 18);
      for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32BE(word, at);
      bytes.writeUInt32BE(Math.min(Number(list.replace(/\D/g, '')), 5_000), 0);
      const before = process.memoryUsage().heapUsed;
      tolerates(['PROTOCOL_VIOLATION'], () => codecOf(list).read(new XdrReader(bytes)));
      const grown = process.memoryUsage().heapUsed - before;
      assert.ok(grown < 16 << 20, `${list} of ${word}: ${grown >> 20} MiB`);
    }
});

test('a peer that answers with noise ends the connection with a typed error', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lvc-h-'));
  let noise = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(noise));
  });
  await new Promise<void>((listening) => server.listen(join(directory, 's'), listening));
  try {
    const header = (length: number) =>
      Buffer.from(`${length.toString(16).padStart(8, '0')}2000808600000001000000420000000100000000`, 'hex');
    const noises = [
      ...fc.sample(fc.uint8Array({ minLength: 1, maxLength: 200 }), 20).map((bytes) => Buffer.from(bytes)),
      header(0xffffffff),
      header(27),
      Buffer.concat([header(36), Buffer.alloc(12, 0xff)]),
      Buffer.concat([header(32), Buffer.from('0000000000100000', 'hex')]),
      Buffer.concat([header(28), Buffer.alloc(4)]),
      Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
    ];
    for (noise of noises)
      await within(
        connect(`qemu+unix:///session?socket=${join(directory, 's')}`, { keepAlive: false }).then(
          () => assert.unreachable(noise.toString('hex')),
          (error: unknown) => assert.instance(error, LibvirtCanonicalError, noise.toString('hex')),
        ),
        10_000,
        noise.toString('hex'),
      );
  } finally {
    await new Promise((closed) => server.close(closed));
    rmSync(directory, { recursive: true });
  }
});

test.run();
