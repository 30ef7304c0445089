import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { filesOf, type HostFiles } from '../host/index.js';
import type { CarriedFile } from './record.js';
import type { Run } from './run-context.js';

/**
 * Carries the state of a domain that is off to the other host. Each file is noted in the record before it is written, so that
 * whoever comes later can remove it when the domain does not arrive.
 */
export async function carryState({ ends, prepared, request, noteCarried }: Run): Promise<void> {
  const here = filesOf(ends.source, request.files?.source);
  const there = filesOf(ends.destination, request.files?.destination);
  for (const { from, to, folder } of prepared.carry)
    for (const name of folder ? await here.list(from) : ['']) {
      const path = folder ? join(to, name) : to;
      const contents = await here.read(folder ? join(from, name) : from);
      await noteCarried({ path, sha256: sha256(contents) });
      await there.write(path, contents);
    }
}

/** Removes what was carried, as long as it holds what was. Returns what is still there. */
export async function removeCarried(there: HostFiles, carried: readonly CarriedFile[]): Promise<string[]> {
  const left: string[] = [];
  for (const file of carried) if (!(await isRemoved(there, file))) left.push(file.path);
  return left;
}

async function isRemoved(there: HostFiles, { path, sha256: wanted }: CarriedFile): Promise<boolean> {
  try {
    if ((await there.look(path)) === 'missing') return true;
    if (sha256(await there.read(path)) !== wanted) return false;
    await there.remove(path);
    return true;
  } catch {
    return false;
  }
}

const sha256 = (contents: Uint8Array): string => createHash('sha256').update(contents).digest('hex');
