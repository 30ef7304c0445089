import { Duplex } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { inflateSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LibvirtError } from '../../src/index.js';
import { pngOfPpm } from '../../src/transfer/png.js';
import { benchOnDemand } from '../support/bench.js';
import { failure, failureNow, within } from '../support/deadline.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

/** A paused guest writes nothing, so the firmware of one that runs is what there is to read. */
const DEVICES = [
  "<serial type='pty'><target port='0'/></serial>",
  "<console type='pty'><target type='serial' port='0'/></console>",
  "<channel type='unix'><target type='virtio' name='org.example.0'/></channel>",
  "<video><model type='vga'/></video>",
];

async function until(readable: ReadableStream<Uint8Array>, pattern: RegExp): Promise<string> {
  const reader = readable.getReader();
  let text = '';
  while (!pattern.test(text)) {
    const { done, value } = await within(reader.read(), 60_000, `${pattern} after ${JSON.stringify(text)}`);
    assert.not.ok(done, `ended after ${JSON.stringify(text)}`);
    text += Buffer.from(value as Uint8Array).toString();
  }
  reader.releaseLock();
  return text;
}

test('console: what a guest prints and reads; taken, forced, detached, and ended with the domain', async () => {
  const b = await bench();
  const guest = await b.host.guest({ name: 'talks' });
  const domain = await b.define({
    name: 'talks',
    kernel: { path: guest.kernel, initrd: guest.initrd, cmdline: 'console=ttyS0' },
    devices: DEVICES,
  });
  await failure<LibvirtError>(domain.console(), 'LIBVIRT');
  await domain.start({ paused: true });
  const terminal = await domain.console();

  await domain.resume();
  assert.match(await until(terminal.readable, /Linux version|Booting|SeaBIOS/i), /\S/);
  const taken = await failure<LibvirtError>(domain.console(), 'LIBVIRT');
  assert.is(taken.errorName, 'VIR_ERR_OPERATION_FAILED');
  const forced = await domain.console({ force: true });
  const former = terminal.readable.getReader();
  await failure(
    (async () => {
      while (!(await former.read()).done);
    })(),
    'LIBVIRT',
  );
  const writer = forced.writable.getWriter();
  await writer.write(Buffer.from('\n'));
  await within(writer.close());
  const unknown = await failure<LibvirtError>(domain.console({ device: 'serial9' }), 'LIBVIRT');
  assert.match(unknown.libvirtMessage, /serial9/);

  // As one stream of Node's.
  const { readable, writable } = await domain.console({ device: 'serial0' });
  const duplex = Duplex.fromWeb({ readable, writable });
  duplex.on('error', () => {}).resume();
  const ended = new Promise((resolve) => duplex.once('end', resolve));
  await domain.destroy();
  await within(ended, 30_000);
});

test('console: a guest that takes no input holds up its own stream, and no call and no memory', async () => {
  const b = await bench();
  const domain = await b.started({ devices: DEVICES });
  await using terminal = await domain.console();
  const writer = terminal.writable.getWriter();
  let written = 0;
  const writing = (async () => {
    for (let at = 0; at < 256; at++) {
      await writer.write(Buffer.alloc(65_536, 'x'));
      written += 65_536;
    }
  })();
  writing.catch(() => {});
  const first = await Promise.race([
    writing.then(() => 'all written'),
    new Promise((resolve) => setTimeout(resolve, 500, 'held up')),
  ]);
  assert.is(first, 'held up');
  assert.ok(written < 8 << 20, `${written} bytes were taken`);
  assert.is(await within(domain.state()), 'paused');
  await within(domain.destroy());
});

test('openChannel: by its name; the guest agent’s is refused, an unknown one is libvirt’s to refuse', async () => {
  const b = await bench();
  const domain = await b.started({ devices: DEVICES });
  const channel = await domain.openChannel('org.example.0');
  const taken = await failure<LibvirtError>(domain.openChannel('org.example.0'), 'LIBVIRT');
  assert.is(taken.errorName, 'VIR_ERR_OPERATION_FAILED');
  await channel[Symbol.asyncDispose]();
  await using _again = await domain.openChannel('org.example.0');
  const agent = await failure(domain.openChannel('org.qemu.guest_agent.0'), 'UNSUPPORTED');
  assert.match(agent.message, /`agent` of the domain/);
  await failure(domain.openChannel('org.example.9'), 'LIBVIRT');
  await domain.destroy();
});

test('screenshot: a PNG of what the guest shows', async () => {
  const b = await bench();
  const domain = await b.started({ devices: DEVICES });
  const { type, bytes } = await within(domain.screenshot());
  assert.is(type, 'image/png');
  assert.is(Buffer.from(bytes.subarray(1, 4)).toString(), 'PNG');
  assert.is(Buffer.from(bytes.subarray(-8, -4)).toString(), 'IEND');
  await failure(domain.screenshot({ screen: 9 }), 'LIBVIRT');
  await domain.destroy();
  await failure(domain.screenshot(), 'LIBVIRT');
});

test('pngOfPpm: the same pixels; what is no PPM is refused', () => {
  const pixels = Buffer.from([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7]);
  const png = Buffer.from(pngOfPpm(Buffer.concat([Buffer.from('P6\n2 2\n255\n'), pixels])));
  assert.is(png.readUInt32BE(16), 2);
  assert.is(png.readUInt32BE(20), 2);
  // The checksum of an empty IEND is known.
  assert.is(png.subarray(-4).toString('hex'), 'ae426082');
  const at = png.indexOf('IDAT');
  const rows = inflateSync(png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4)));
  assert.equal([...rows], [0, ...pixels.subarray(0, 6), 0, ...pixels.subarray(6)]);
  for (const wrong of ['', 'P5\n2 2\n255\n', 'P6\n2 2\n255\nx', 'P6\n0 0\n255\n', 'P6\n99999 99999\n255\n']) {
    failureNow(() => pngOfPpm(Buffer.from(wrong)), 'PROTOCOL_VIOLATION');
  }
});

test.run();
