import type { Connection } from '../connection/index.js';
import { formatValue, specInvalid } from '../domain/index.js';
import { AbortedError } from '../errors.js';
import { filesOf, type HostFiles } from '../host/index.js';
import { type CloudInitSeed, cloudInitSeed } from './seed.js';

/** A seed to be written to the host. */
export interface CreateSeedRequest {
  /** Path of the image, which must not be there. */
  readonly path: string;
  readonly seed: CloudInitSeed;
  /** A way to the files of the host, when it is not this machine. */
  readonly files?: HostFiles | undefined;
  /** Heeded until the file is written. */
  readonly signal?: AbortSignal | undefined;
}

/** Writes a seed for cloud-init to a file of the host, so that its QEMU may read it, and returns the path. */
export async function createSeed(connection: Connection, request: CreateSeedRequest): Promise<string> {
  const { path, seed, files, signal } = request;
  if (typeof path !== 'string' || !path.startsWith('/'))
    throw specInvalid('path', `${formatValue(path)} is not an absolute path`);
  if (signal?.aborted) throw new AbortedError('writing a seed', signal.reason);
  await filesOf(connection, files).write(path, cloudInitSeed(seed));
  return path;
}
