import { join } from 'node:path';
import { nvramPath, tpmFolder } from '../evacuation/index.js';
import { filesOf } from '../host/index.js';
import type { Run } from './run-context.js';

/** State that was carried to the destination in files. */
export interface CarriedState {
  /** Removes it again. */
  undo(): Promise<void>;
  /** Removes what nobody needs at the source any more. Returns what could not be, for people. */
  release(): Promise<string[]>;
}

/** UEFI variables and TPM state of a domain that is off: they are in files, and libvirt's offline migration leaves them. */
export async function carryState({ ends, prepared, request, record }: Run): Promise<CarriedState> {
  const { canonical, persistentXml } = prepared.documents;
  const [here, there] = [
    filesOf(ends.source, request.files?.source),
    filesOf(ends.destination, request.files?.destination),
  ];
  const written: string[] = [];
  const [from, to] = [nvramPath(canonical), nvramPath(persistentXml)];
  const undo = async () => {
    for (const path of written) await there.remove(path).catch(() => {});
  };
  try {
    if (from && to && record.nvram !== 'none' && from !== to && (await here.look(from)) === 'there') {
      await there.write(to, await here.read(from));
      written.push(to);
    }
    const [folder, target] = [tpmFolder(ends.source, canonical), tpmFolder(ends.destination, persistentXml)];
    if (folder && target && folder !== target && (await here.look(folder)) === 'there')
      for (const name of await here.list(folder)) {
        await there.write(join(target, name), await here.read(join(folder, name)));
        written.push(join(target, name));
      }
  } catch (error) {
    await undo();
    throw error;
  }
  return { undo, release: async () => [] };
}
