import { dirname } from 'node:path';
import type { CallOptions, Connection } from '../connection/index.js';
import { nvramPath, tpmFolder } from '../evacuation/index.js';
import { filesOf } from '../host/index.js';
import type { MigrationDocuments } from './documents.js';
import { blocks, type MigrationFinding } from './findings.js';
import type { MigrationRequest } from './options.js';
import type { Shared, SharedStorage } from './sharing.js';

/** A file, or a folder of files, that a domain that is off has its state in, and libvirt's offline migration leaves behind. */
export interface StateToCarry {
  readonly what: string;
  readonly from: string;
  readonly to: string;
  readonly folder: boolean;
}

/** Both hosts, and how their files are reached. */
interface Between {
  readonly source: Connection;
  readonly destination: Connection;
  readonly documents: MigrationDocuments;
  readonly request: MigrationRequest;
  readonly sharing: SharedStorage;
}

/**
 * UEFI variables and TPM state of a domain that is off: what is to be carried, and what stands in the way. Left behind they
 * would be lost, since they go at the source with the definition; and what is at the destination by the same name may be
 * anybody's, or what an earlier visit left.
 */
export async function coldState(
  between: Between,
  options: CallOptions,
): Promise<{ carry: StateToCarry[]; findings: MigrationFinding[] }> {
  const { source, destination, documents } = between;
  const { canonical, persistentXml } = documents;
  const all = [
    {
      what: 'its UEFI variables',
      from: nvramPath(canonical),
      to: nvramPath(persistentXml),
      folder: false,
    },
    {
      what: 'the state of its TPM',
      from: tpmFolder(source, canonical),
      to: tpmFolder(destination, persistentXml),
      folder: true,
    },
  ];
  const carry: StateToCarry[] = [];
  const findings: MigrationFinding[] = [];
  for (const { from, to, ...others } of all) {
    if (from === undefined || to === undefined) continue;
    const state = { ...others, from, to };
    const become = await becomes(state, between, options);
    if (become === 'carried') carry.push(state);
    else if (become !== 'nothing') findings.push(become);
  }
  return { carry, findings };
}

async function becomes(
  { what, from, to, folder }: StateToCarry,
  { source, destination, request, sharing }: Between,
  options: CallOptions,
): Promise<'carried' | 'nothing' | MigrationFinding> {
  const here = filesOf(source, request.files?.source);
  const there = filesOf(destination, request.files?.destination);
  const seen = await here.look(from);
  // Not made yet: libvirt makes it at the first start.
  if (seen === 'missing') return 'nothing';
  const isSame = (): Promise<Shared> =>
    folder ? sharing.sameFolder(dirname(from), dirname(to), options) : sharing.sameFile(from, to, options);
  if (here === there ? from === to : from === to && (await isSame()) === 'shared') return 'nothing';
  if (seen === 'unknown')
    return blocks(
      'source',
      'domain',
      `${what} (${from}) cannot be reached from here, and would be lost`,
      'Give files.source, a way to the files of that host, or run where the daemon runs, as a user who may read it',
    );
  const taken = await there.look(to);
  if (taken === 'missing') return 'carried';
  // A folder that an earlier visit left empty.
  if (taken === 'there' && folder && (await there.list(to).catch(() => ['?'])).length === 0) return 'carried';
  if (taken === 'there')
    return blocks(
      'destination',
      'domain',
      `${to} is there already, and is not known to be the same: ${what} would be those of somebody else, or old`,
      'Remove it when no domain needs it',
    );
  return blocks(
    'destination',
    'domain',
    `${what} cannot be written to ${to} from here`,
    'Give files.destination, a way to the files of that host, or run where the daemon runs, as a user who may write it',
  );
}
