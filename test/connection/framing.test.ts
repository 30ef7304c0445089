import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FrameReader } from '../../src/connection/wire/framing.js';
import { FRAME_MAX, HEADER_SIZE } from '../../src/connection/wire/message.js';
import { LibvirtCanonicalError } from '../../src/errors.js';

/** A frame of the given length with recognisable bytes. */
function frameOf(length: number, fill: number): Buffer {
  const bytes = Buffer.alloc(length, fill);
  bytes.writeUInt32BE(length, 0);
  return bytes;
}

function collect(): { reader: FrameReader; frames: Buffer[] } {
  const frames: Buffer[] = [];
  return { reader: new FrameReader((frame) => frames.push(Buffer.from(frame))), frames };
}

const FRAMES = [frameOf(HEADER_SIZE, 1), frameOf(40, 2), frameOf(HEADER_SIZE, 3), frameOf(61, 4)];
const STREAM = Buffer.concat(FRAMES);

test('several frames in one chunk', () => {
  const { reader, frames } = collect();
  reader.push(STREAM);
  assert.equal(frames, FRAMES);
});

test('every pair of chunk boundaries', () => {
  for (let first = 0; first <= STREAM.length; first++) {
    for (let second = first; second <= STREAM.length; second++) {
      const { reader, frames } = collect();
      reader.push(STREAM.subarray(0, first));
      reader.push(STREAM.subarray(first, second));
      reader.push(STREAM.subarray(second));
      assert.equal(frames, FRAMES, `cut at ${first} and ${second}`);
    }
  }
});

test('byte by byte', () => {
  const { reader, frames } = collect();
  for (const byte of STREAM) reader.push(Buffer.from([byte]));
  assert.equal(frames, FRAMES);
});

test('a 30 MiB frame in small chunks is joined once', () => {
  const frame = frameOf(30 << 20, 7);
  const { reader, frames } = collect();
  const started = performance.now();
  for (let at = 0; at < frame.length; at += 4096) reader.push(frame.subarray(at, at + 4096));
  assert.is(frames.length, 1);
  assert.ok(frames[0]?.equals(frame));
  // Joining at every chunk would copy some 120 GB.
  assert.ok(performance.now() - started < 5000);
});

test('a frame that comes byte by byte keeps little more than its bytes', () => {
  const { reader, frames } = collect();
  const frame = frameOf(1 << 18, 7);
  const held = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  const before = held();
  // Each byte with memory of its own, as a socket gives it.
  for (const byte of frame.subarray(0, -1)) reader.push(Buffer.from(new Uint8Array([byte]).buffer));
  assert.ok(held() - before < 24 << 20, `${(held() - before) >> 20} MiB for 0.25 MiB`);
  reader.push(frame.subarray(-1));
  assert.ok(frames[0]?.equals(frame));
});

for (const length of [0, 3, 4, 27, FRAME_MAX + 1, 0xffffffff]) {
  test(`a length of ${length} is refused as soon as it is read`, () => {
    const word = Buffer.alloc(4);
    word.writeUInt32BE(length);
    const isViolation = (error: unknown): boolean =>
      error instanceof LibvirtCanonicalError && error.code === 'PROTOCOL_VIOLATION';
    assert.throws(() => collect().reader.push(word), isViolation);
    const slow = collect().reader;
    slow.push(word.subarray(0, 3));
    assert.throws(() => slow.push(word.subarray(3)), isViolation);
  });
}

test('a frame of the largest legal length is waited for', () => {
  const { reader, frames } = collect();
  const word = Buffer.alloc(4);
  word.writeUInt32BE(FRAME_MAX);
  reader.push(word);
  assert.is(frames.length, 0);
});

test.run();
