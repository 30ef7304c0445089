import type { Failure } from '../errors.js';
import { current, type StepIo } from '../worker/current.js';
import { within } from '../worker/limit.js';
import { noBundles } from './domain.js';
import { gate, note, step } from './step.js';

/** What an export is begun with. */
export interface ExportWork {
  readonly hosts: readonly string[];
  readonly secrets: 'include' | 'leave-out';
}

/** What came of the domains of one host. */
export interface ExportedHost {
  readonly host: string;
  readonly written: number;
  /** The newest bundle says the same. */
  readonly unchanged: number;
  readonly failed: ReadonlyArray<{ readonly name: string; readonly uuid: string; readonly error: Failure }>;
  /** Why the host as a whole could not be exported. */
  readonly error?: Failure;
}

/** What came of an export. */
export interface ExportResult {
  readonly kind: 'export';
  readonly hosts: readonly ExportedHost[];
  /** A newest bundle of every domain of every host is there. */
  readonly complete: boolean;
  readonly cancelled: boolean;
}

/** The operation `export`: a bundle of each domain of the hosts, one host after the other. */
export async function exportAll(operation: string): Promise<ExportResult> {
  const { hosts: names, secrets } = await current().work.store.input<ExportWork>(operation);
  const hosts: ExportedHost[] = [];
  let cancelled = false;
  for (const host of names) {
    if (!(await gate(operation))) {
      cancelled = true;
      break;
    }
    hosts.push(await exportHost(operation, host, secrets));
  }
  const complete = !cancelled && hosts.every(({ failed, error }) => failed.length === 0 && !error);
  const sum = (of: 'written' | 'unchanged') => hosts.reduce((all, each) => all + each[of], 0);
  await note(
    operation,
    'end',
    `export ends: ${sum('written')} written, ${sum('unchanged')} unchanged${complete ? '' : ', not complete'}`,
  );
  return { kind: 'export', hosts, complete, cancelled };
}

/** Exports the domains of one host. */
export async function exportHost(
  operation: string,
  host: string,
  secrets: ExportWork['secrets'],
): Promise<ExportedHost> {
  const done = await step(operation, `export ${host}`, (io) =>
    within(io, `the export of ${host}`, io.timeouts.host, (limited) => exported(limited, host, secrets)),
  );
  const result = done.ok ? done.value : { host, written: 0, unchanged: 0, failed: [], error: done.error };
  await step(operation, 'tell', ({ store }) =>
    store.tell(operation, host, { ...result, failed: result.failed.length }),
  );
  return result;
}

async function exported(
  { fleet, bundles, signal }: StepIo,
  host: string,
  secrets: ExportWork['secrets'],
): Promise<ExportedHost> {
  if (!bundles) throw noBundles();
  const manager = await fleet.manager(host);
  const count = { written: 0, unchanged: 0 };
  const failed: ExportedHost['failed'][number][] = [];
  for (const domain of await manager.all({ signal })) {
    const { name, uuid } = domain;
    try {
      const bundle = await domain.export({ secrets, managedSave: 'without', signal });
      count[await bundles.write(host, bundle)]++;
    } catch (error) {
      if (signal.aborted) throw error;
      const { code = 'UNEXPECTED', message } = error as { code?: string; message: string };
      // A transient domain has nothing that could be brought back by its document alone.
      failed.push({ name, uuid, error: { code, message } });
    }
  }
  return { host, ...count, failed };
}
