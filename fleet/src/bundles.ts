import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DomainBundle } from 'libvirt-canonical';
import { bundleDigest } from 'libvirt-canonical/fleet';
import { EngineError } from './errors.js';

/** Where the bundles of domains are kept. They can hold secrets, so none ever stands in the engine's store. */
export interface BundleStore {
  /** Keeps a bundle. `unchanged` when it is the newest of its domain already. */
  write(host: string, bundle: DomainBundle): Promise<'written' | 'unchanged'>;
  /** The bundle of a domain with that digest. Errors: `BUNDLE_NOT_FOUND`. */
  read(wanted: { readonly uuid: string; readonly digest: string }): Promise<DomainBundle>;
  /** The newest bundle of each domain that was exported from a host. */
  newest(host: string): Promise<DomainBundle[]>;
}

/** Options of {@link directory}. */
export interface DirectoryOptions {
  /** How many bundles of each domain are kept. Default 14. */
  readonly keep?: number;
  /** Of the files. Default 0o600, since bundles can hold secrets. */
  readonly mode?: number;
}

/** A name of a file: when it was written, and its digest. */
const NAME = /^(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z)-([0-9a-f]{64})\.json$/;

/**
 * Bundles in a folder, `HOST/UUID/TIME-DIGEST.json`. Each is written beside, synced and renamed, so that a file is whole or not
 * there; of each domain the newest `keep` stay.
 */
export function directory(path: string, { keep = 14, mode = 0o600 }: DirectoryOptions = {}): BundleStore {
  const folderOf = (host: string, uuid = '') => join(path, encodeURIComponent(host).replaceAll('.', '%2E'), uuid);
  const filesOf = async (folder: string) => (await listed(folder)).filter((name) => NAME.test(name)).sort();
  return {
    async write(host, bundle) {
      const folder = folderOf(host, bundle.uuid);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const digest = bundleDigest(bundle);
      const before = await filesOf(folder);
      if (before.at(-1)?.match(NAME)?.[2] === digest) return 'unchanged';
      const name = `${new Date().toISOString().replace(/[:.]/g, '-')}-${digest}.json`;
      await writeWhole(folder, name, JSON.stringify(bundle), mode);
      const old = [...before, name].slice(0, -keep);
      await Promise.all(old.map((each) => rm(join(folder, each), { force: true })));
      return 'written';
    },
    async read({ uuid, digest }) {
      for (const host of await listed(path)) {
        const folder = join(path, host, uuid);
        const found = (await filesOf(folder)).find((name) => name.match(NAME)?.[2] === digest);
        if (found) return JSON.parse(await readFile(join(folder, found), 'utf8')) as DomainBundle;
      }
      throw new EngineError(
        'BUNDLE_NOT_FOUND',
        `no bundle of ${uuid} with digest ${digest.slice(0, 12)}… is in ${path}`,
        'Every worker needs the same bundles: a folder that all of them share. Plan again when it was removed as too old',
      );
    },
    async newest(host) {
      const uuids = await listed(folderOf(host));
      const bundles = uuids.map(async (uuid) => {
        const last = (await filesOf(folderOf(host, uuid))).at(-1);
        if (last === undefined) return [];
        return [JSON.parse(await readFile(join(folderOf(host, uuid), last), 'utf8')) as DomainBundle];
      });
      return (await Promise.all(bundles)).flat();
    },
  };
}

async function writeWhole(folder: string, name: string, text: string, mode: number): Promise<void> {
  const beside = join(
    folder,
    `.${name}.${createHash('sha256').update(`${process.pid} ${process.hrtime.bigint()}`).digest('hex').slice(0, 8)}`,
  );
  const file = await open(beside, 'wx', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, join(folder, name));
  const place = await open(folder, 'r');
  try {
    await place.sync();
  } finally {
    await place.close();
  }
}

async function listed(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
