import type { DomainAccess } from '../apply/index.js';
import { VIR_DOMAIN_SAVE_PAUSED, VIR_DOMAIN_SAVE_RUNNING } from '../connection/index.js';
import { asJob } from './job.js';
import type { ProgressOptions } from './progress.js';
import { stateError } from './state.js';

/** Abort: libvirt ends the job, no image is left and the guest goes on; too late, and it is saved. */
export interface SaveOptions extends ProgressOptions {
  /** What the guest does when it is restored; left out, what it does now. */
  readonly restoreAs?: 'running' | 'paused' | undefined;
}

const RESTORE_AS = { running: VIR_DOMAIN_SAVE_RUNNING, paused: VIR_DOMAIN_SAVE_PAUSED } as const;

/** virDomainManagedSave: the guest's memory and live document go into an image that libvirt keeps, and the domain is off. */
export async function save(reader: DomainAccess, { restoreAs, ...options }: SaveOptions): Promise<void> {
  const { connection, handle: dom } = reader;
  const flags = restoreAs === undefined ? 0 : RESTORE_AS[restoreAs];
  const call = () => connection.call('DOMAIN_MANAGED_SAVE', { dom, flags }, { timeout: Number.POSITIVE_INFINITY });
  await asJob(reader, `save of ${dom.name}`, call, options).catch((error: unknown) =>
    Promise.reject(stateError(reader, 'be saved', error)),
  );
}
