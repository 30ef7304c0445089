import { basename, dirname } from 'node:path';
import type { CallOptions, Connection, StorageVolHandle } from '../connection/index.js';
import { buildElement, parseElement, valueAt } from '../xml/index.js';
import { isLibvirt, withPool } from './folder-pool.js';

/** A file of an image, as a storage pool of its host shows it. */
export interface ImageFile {
  /** Length of the file, holes included, and what it takes. */
  readonly bytes: number;
  readonly allocation: number;
  /** What the guest sees. */
  readonly capacity: number;
  /** The image below it, as its header names it. */
  readonly backing: string | undefined;
  /** When it was written to last, in seconds; undefined where libvirt does not tell. */
  readonly written: number | undefined;
}

/** Looks at an image by a storage pool of its folder. Rejects with libvirt's error where it, or its folder, is not there. */
export function imageFile(connection: Connection, path: string, options: CallOptions): Promise<ImageFile> {
  return withVolume(connection, path, options, async (vol) => {
    const { xml } = await connection.call('STORAGE_VOL_GET_XML_DESC', { vol, flags: 0 }, options);
    const root = parseElement(xml);
    const size = (name: string) => Number(valueAt(root, name));
    const written = valueAt(root, 'target/timestamps/mtime');
    return {
      bytes: size('physical') || size('capacity'),
      allocation: size('allocation'),
      capacity: size('capacity'),
      backing: valueAt(root, 'backingStore/path'),
      written: written === undefined ? undefined : Number(written),
    };
  });
}

/** What an image is made as. */
export interface NewImageFile {
  readonly path: string;
  /** Bytes that the guest sees; of `raw` the length of the file. */
  readonly capacity: number;
  readonly format: string;
  readonly backing?: { readonly path: string; readonly format: string | undefined } | undefined;
}

/** Makes an image that is not there yet, with nothing in it. virStorageVolCreateXML. */
export async function makeImageFile(
  connection: Connection,
  { path, capacity, format, backing }: NewImageFile,
  options: CallOptions,
): Promise<void> {
  const xml = buildElement('volume', [
    ['name', basename(path)],
    ['capacity/@unit', 'bytes'],
    ['capacity', String(capacity)],
    ['allocation', '0'],
    ['target/format/@type', format],
    ...(backing
      ? [['backingStore/path', backing.path] as const, ['backingStore/format/@type', backing.format ?? 'raw'] as const]
      : []),
  ]);
  await withPool(
    connection,
    dirname(path),
    (pool) => connection.call('STORAGE_VOL_CREATE_XML', { pool, xml, flags: 0 }, options),
    options,
  );
}

/** Removes images. One that is not there is as asked. Returns those that are still there. virStorageVolDelete. */
export async function removeImageFiles(connection: Connection, paths: readonly string[]): Promise<string[]> {
  const left: string[] = [];
  for (const path of paths) {
    try {
      await withVolume(connection, path, {}, (vol) => connection.call('STORAGE_VOL_DELETE', { vol, flags: 0 }));
    } catch (error) {
      if (!isLibvirt(error, 'VIR_ERR_NO_STORAGE_VOL')) left.push(path);
    }
  }
  return left;
}

/** Works with an image as a volume. A stream that is opened by it goes on when the pool that it was found by is gone. */
export function withVolume<T>(
  connection: Connection,
  path: string,
  options: CallOptions,
  work: (vol: StorageVolHandle) => Promise<T>,
): Promise<T> {
  return withPool(
    connection,
    dirname(path),
    async (pool) => {
      const { vol } = await connection.call('STORAGE_VOL_LOOKUP_BY_NAME', { pool, name: basename(path) }, options);
      return await work(vol);
    },
    options,
  );
}
