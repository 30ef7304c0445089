/**
 * What goes over libvirt's streams: a file into a volume and back, what a guest prints, and what it shows.
 *
 *   npm run example streams [-- URI]
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, DomainManager } from 'libvirt-canonical';
import { findPlace } from './support/place.js';

await using place = await findPlace();
await using connection = await connect(place.uri);
const manager = new DomainManager(connection);

const pool = place.name;
const xml = `<pool type='dir'><name>${pool}</name><target><path>${place.directory}</path></target></pool>`;
const { pool: made } = await connection.call('STORAGE_POOL_CREATE_XML', { xml, flags: 0 });
const volume = { pool, volume: `${place.name}.raw` };
const [source, copy] = ['source', 'copy'].map((name) => join(tmpdir(), `${place.name}-${process.pid}-${name}`)) as [
  string,
  string,
];
try {
  await writeFile(source, Buffer.alloc(8 << 20, 'some text\n'));
  await manager.createImage({ pool, name: volume.volume, format: 'raw', size: '8 MiB' });
  let said = '';
  await manager.uploadVolume(volume, source, {
    onProgress: ({ done, total }) => {
      said = `${done} of ${total} bytes`;
    },
  });
  console.log(`Uploaded: ${said}`);
  await manager.downloadVolume(volume, copy);
  const same = (await readFile(source)).equals(await readFile(copy));
  console.log(`Downloaded ${same ? 'the same' : 'other'} bytes`);
  await manager.deleteVolume(volume);
} finally {
  await connection.call('STORAGE_POOL_DESTROY', { pool: made });
  for (const file of [source, copy]) await rm(file, { force: true });
}

const { kernel } = place.guest;
const domain = await manager.define({
  name: place.name,
  type: place.type,
  memory: '256 MiB',
  vcpus: 1,
  ...(kernel && { kernel: { ...kernel, path: kernel.path, cmdline: 'console=ttyS0' } }),
  devices: ["<serial type='pty'><target port='0'/></serial>", "<video><model type='vga'/></video>"],
});
try {
  await domain.start({ paused: true });
  await using terminal = await domain.console();
  await domain.resume();
  // Without a system there is nobody to say anything.
  if (kernel) {
    const { value } = await terminal.readable.getReader().read();
    console.log(`Console: ${value?.length} bytes`);
  }
  const { type, bytes } = await domain.screenshot();
  console.log(`Screen: ${type}, ${bytes.length} bytes`);
} finally {
  await domain.destroy();
  await domain.undefine();
}
