/** The sum by which a copied image is compared: by what the guest reads, however it came. */
import { ReadableStream } from 'node:stream/web';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ProcedureStream, StreamChunk } from '../../src/connection/index.js';
import { sumImage } from '../../src/transfer/index.js';

const sum = (...chunks: StreamChunk[]) =>
  sumImage({ readable: streamOf(chunks) } as unknown as ProcedureStream<'STORAGE_VOL_DOWNLOAD'>, () => {});
const streamOf = (chunks: readonly StreamChunk[]) =>
  new ReadableStream<StreamChunk>({
    start: (controller) => {
      for (const each of chunks) controller.enqueue(each);
      controller.close();
    },
  });
const data = (length: number, byte = 7) => Buffer.alloc(length, byte);
const hole = (length: number) => ({ hole: BigInt(length) });

test('sumImage: holes and zeros are the same, and so is the same text in other chunks', async () => {
  const whole = await sum(data(70_000), hole(300_001), data(5));
  assert.is(whole.bytes, 370_006);
  for (const [name, chunks] of Object.entries({
    zeros: [data(70_000), data(300_001, 0), data(5)],
    chunks: [data(1), data(65_536), data(4463), hole(1), data(65_536, 0), hole(234_464), data(2), data(3)],
  }))
    assert.equal(await sum(...chunks), whole, name);
  assert.equal(await sum(hole(200_000)), await sum(data(200_000, 0)));
});

test('sumImage: another byte, another place and another length are told', async () => {
  const { sha256 } = await sum(data(65_536), hole(131_072), data(65_536));
  for (const [name, chunks] of Object.entries({
    byte: [data(65_535), data(1, 8), hole(131_072), data(65_536)],
    place: [data(65_536), hole(65_536), data(65_536), hole(65_536)],
    one: [hole(1), data(65_536), hole(131_071), data(65_536)],
  }))
    assert.is.not((await sum(...chunks)).sha256, sha256, name);
  assert.is.not((await sum(hole(100))).bytes, (await sum(hole(101))).bytes);
});

test.run();
