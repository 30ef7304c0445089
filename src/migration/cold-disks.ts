import type { Connection } from '../connection/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { withVolume } from '../images/index.js';
import { type ImageSum, pipeImage, sumImage } from '../transfer/index.js';
import type { MigrationDisk } from './disks.js';
import { progressOf } from './progress.js';
import type { Run } from './run-context.js';

/** VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM, and of uploads the same. */
const SPARSE = 1;

/**
 * Copies the images of a domain that is off into the targets made for them: download piped into upload, with holes. Each
 * target is read back and compared before the domain is let go. virStorageVolDownload, virStorageVolUpload.
 */
export async function copyDisks({ ends, prepared, audience, reader }: Run): Promise<void> {
  const copied = prepared.disks.filter(({ how }) => how === 'copied');
  const began = performance.now();
  // Each byte is read twice: once to be sent, and once at the destination to be compared.
  const total = copied.reduce((sum, { bytes = 0 }) => sum + 2 * bytes, 0);
  let before = 0;
  const tell = (done: number) => {
    const elapsed = performance.now() - began;
    const stats = {
      disk_total: total,
      disk_processed: done,
      disk_remaining: Math.max(total - done, 0),
      disk_bps: elapsed > 0 ? Math.round((done * 1000) / elapsed) : 0,
    };
    audience.tell(progressOf('sending', elapsed, stats));
  };
  const { signal } = audience;
  const download = (connection: Connection, path: string) =>
    withVolume(connection, path, { signal }, (vol) =>
      connection.stream('STORAGE_VOL_DOWNLOAD', { vol, offset: 0n, length: 0n, flags: SPARSE }, { signal }),
    );
  for (const { source, destination, identity } of copied) {
    const [from, to] = [source as string, destination as string];
    const sent = await copyOne(from, to, ends, download, signal, (bytes) => tell(before + bytes));
    before += sent.bytes;
    await using back = await download(ends.destination, to);
    const found = await sumImage(back, (bytes) => tell(before + bytes));
    before += found.bytes;
    if (sent.bytes === found.bytes && sent.sha256 === found.sha256) continue;
    throw new LibvirtCanonicalError(
      'JOB_FAILED',
      `the copy ${to} holds something else than ${from}: ${found.bytes} bytes of ${sent.bytes}`,
      { domain: reader.handle.name, device: identity, remedy: 'Look at the storage of both hosts, and ask again' },
    );
  }
}

async function copyOne(
  from: string,
  to: string,
  { source, destination }: Run['ends'],
  download: (connection: Connection, path: string) => ReturnType<typeof source.stream<'STORAGE_VOL_DOWNLOAD'>>,
  signal: AbortSignal,
  onChunk: (bytes: number) => void,
): Promise<ImageSum> {
  await using reading = await download(source, from);
  await using writing = await withVolume(destination, to, { signal }, (vol) =>
    destination.stream('STORAGE_VOL_UPLOAD', { vol, offset: 0n, length: 0n, flags: SPARSE }, { signal }),
  );
  return await pipeImage(reading, writing, onChunk);
}

/** The target of a cold copy: a file of the same length, whatever is in it. */
export function asFile(disk: MigrationDisk): MigrationDisk {
  return { ...disk, capacity: disk.bytes, format: 'raw', backing: undefined };
}
