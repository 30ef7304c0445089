import { randomUUID } from 'node:crypto';
import { chown, link, mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Connection } from '../connection/index.js';

/**
 * The files of the host that a connection leads to. libvirt's API has no way to a file that is in no storage pool, so for a
 * host other than this machine the caller gives one, over ssh for instance; without it such files count as not looked at.
 */
export interface HostFiles {
  /** Whether a path is there; `unknown` when that cannot be told. */
  look(path: string): Promise<'there' | 'missing' | 'unknown'>;
  /** Contents of a file. Rejects when it cannot be read. */
  read(path: string): Promise<Uint8Array>;
  /** Makes a file that is not there yet, whole or not at all, so that the host's QEMU may read and write it. Rejects when it is there. */
  write(path: string, contents: Uint8Array): Promise<void>;
  /** Removes a file that {@link write} made. */
  remove(path: string): Promise<void>;
  /** Names in a folder. Rejects when it cannot be read. */
  list(folder: string): Promise<readonly string[]>;
}

/** The files of this machine, as far as this process may see them. */
export const LOCAL_FILES: HostFiles = {
  async look(path) {
    try {
      await stat(path);
      return 'there';
    } catch (error) {
      return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR' ? 'missing' : 'unknown';
    }
  },
  read: (path) => readFile(path),
  list: (folder) => readdir(folder),
  remove: (path) => rm(path),
  async write(path, contents) {
    const folder = await makeFolder(dirname(path));
    const part = `${path}.${randomUUID()}.part`;
    try {
      const file = await open(part, 'wx', 0o600);
      try {
        await file.writeFile(contents);
        await file.sync();
        await file.chown(folder.uid, folder.gid).catch(notRoot);
      } finally {
        await file.close();
      }
      // Unlike a rename this writes over nothing.
      await link(part, path);
    } finally {
      await rm(part, { force: true });
    }
  },
};

/** No files: for a host that is not this machine. */
const NO_FILES: HostFiles = {
  look: async () => 'unknown',
  read: async (path) => Promise.reject(elsewhere(path)),
  write: async (path) => Promise.reject(elsewhere(path)),
  remove: async (path) => Promise.reject(elsewhere(path)),
  list: async (folder) => Promise.reject(elsewhere(folder)),
};

/** The caller's way to the host's files, else this machine's when the daemon is on it. */
export function filesOf(connection: Connection, given: HostFiles | undefined): HostFiles {
  return given ?? (/^\w+(\+unix)?:\/\/\//.test(connection.uri) ? LOCAL_FILES : NO_FILES);
}

const elsewhere = (path: string): Error => new Error(`${path} is on another machine`);

/** A folder with those above it, made where they are missing for the owner of the one that is there. */
async function makeFolder(folder: string): Promise<{ uid: number; gid: number }> {
  try {
    return await stat(folder);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  const above = await makeFolder(dirname(folder));
  await mkdir(folder, { mode: 0o700 });
  await chown(folder, above.uid, above.gid).catch(notRoot);
  return above;
}

/** What another user made stays with this one: only root may give a file away. */
function notRoot(error: unknown): void {
  if (codeOf(error) !== 'EPERM') throw error;
}

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException | undefined)?.code;
