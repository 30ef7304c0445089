import { join } from 'node:path';
import { filesOf } from '../host/index.js';
import type { Run } from './run-context.js';

/** Carries the state of a domain that is off to the other host. What is written is noted in `run.carried`, to be removed when the domain does not arrive. */
export async function carryState({ ends, prepared, request, carried }: Run): Promise<void> {
  const here = filesOf(ends.source, request.files?.source);
  const there = filesOf(ends.destination, request.files?.destination);
  for (const { from, to, folder } of prepared.carry)
    for (const name of folder ? await here.list(from) : ['']) {
      const target = folder ? join(to, name) : to;
      const contents = await here.read(folder ? join(from, name) : from);
      await there.write(target, contents);
      carried.push(target);
    }
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
