import { join } from 'node:path';
import { nvramPath, tpmFolder } from '../evacuation/index.js';
import { filesOf } from '../host/index.js';
import type { Run } from './run-context.js';

/**
 * Carries UEFI variables and TPM state of a domain that is off: they are in files, and libvirt's offline migration leaves
 * them. What is written is noted in `run.carried`, to be removed when the domain does not arrive.
 */
export async function carryState({ ends, prepared, request, carried }: Run): Promise<void> {
  const { canonical, persistentXml } = prepared.documents;
  const here = filesOf(ends.source, request.files?.source);
  const there = filesOf(ends.destination, request.files?.destination);
  const carry = async (from: string, to: string) => {
    const contents = await here.read(from);
    await there.write(to, contents);
    carried.push(to);
  };
  // The same path is the same file on one machine; on two it is where the file is to be, unless both have it.
  const same = async (one: string, other: string) =>
    one === other && (here === there || (await there.look(other)) === 'there');
  const [from, to] = [nvramPath(canonical), nvramPath(persistentXml)];
  if (from && to && (await here.look(from)) === 'there' && !(await same(from, to))) await carry(from, to);
  const [folder, target] = [tpmFolder(ends.source, canonical), tpmFolder(ends.destination, persistentXml)];
  if (!folder || !target || (await here.look(folder)) !== 'there' || (await same(folder, target))) return;
  for (const name of await here.list(folder)) await carry(join(folder, name), join(target, name));
}

/** Removes what was carried. Returns what could not be. */
export async function removeCarried({
  ends,
  request,
  carried,
}: Pick<Run, 'ends' | 'request' | 'carried'>): Promise<string[]> {
  const there = filesOf(ends.destination, request.files?.destination);
  const left: string[] = [];
  for (const path of carried) await there.remove(path).catch(() => left.push(path));
  return left;
}
