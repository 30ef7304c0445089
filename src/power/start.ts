import { assertNoUnsavedDefinition, type DomainAccess } from '../apply/index.js';
import { type CallOptions, VIR_DOMAIN_START_FORCE_BOOT, VIR_DOMAIN_START_PAUSED } from '../connection/index.js';
import { HookError, type HookMoment, type HookOperation, type HookRunner } from './hooks.js';
import { assertNotQuarantined } from './quarantined.js';
import { assertNotSaved, hasManagedSave, managedSaveDocument } from './saved.js';
import { starting } from './start-failed.js';
import { assertShutOff, stateError, stateOf } from './state.js';
import { assertAsSaved, assertSaveIsCurrent, resumeVerified } from './verified-start.js';

/** How a domain is started. */
export interface StartOptions {
  /** An abort after the request was sent leaves a domain that may have started. */
  readonly signal?: AbortSignal | undefined;
  /** Start with the vCPUs stopped. */
  readonly paused?: boolean | undefined;
  /**
   * What to do when a managed-save image is there, which carries its own document: `refuse` (default), `restore` it, or
   * `discard` it and boot.
   */
  readonly managedSave?: 'refuse' | 'restore' | 'discard' | undefined;
  /**
   * `guest-abi`: the guest does not run its first instruction before its live document was compared with the canonical
   * one; when they differ it is destroyed again. With `restore` the image's document is compared, before the image is
   * touched. Default `none`.
   */
  readonly verify?: 'none' | 'guest-abi' | undefined;
}

/**
 * virDomainCreateWithFlags between the hooks. However it fails, a domain that is shut off afterwards had its `afterStop`, so
 * that nothing of `beforeStart` is left.
 */
export async function start(
  reader: DomainAccess,
  hooks: HookRunner,
  { managedSave = 'refuse', ...options }: StartOptions,
  operation: HookOperation = 'start',
): Promise<void> {
  const { signal } = options;
  const context: HookMoment = { operation, signal };
  // Before any hook: one that unplugs a running guest's volumes because it cannot be started again would do harm.
  await assertShutOff(reader, 'started', { signal });
  await assertNoUnsavedDefinition(reader, { signal });
  await assertNotQuarantined(reader, { signal });
  if (managedSave === 'refuse') await assertNotSaved(reader, { signal });
  const restores = managedSave === 'restore' && (await hasManagedSave(reader, { signal }));
  try {
    await hooks.run('beforeStart', context);
    await (restores ? restoreNow(reader, options) : boot(reader, managedSave, options));
  } catch (error) {
    const off = await stateOf(reader).then(
      ({ state }) => state === 'shutoff',
      () => false,
    );
    if (off) await undo(hooks, context, reader.handle.name, error);
    throw error;
  }
}

async function boot(
  reader: DomainAccess,
  managedSave: StartOptions['managedSave'],
  { signal, paused, verify }: StartOptions,
): Promise<void> {
  const discard = managedSave === 'discard' ? VIR_DOMAIN_START_FORCE_BOOT : 0;
  const verified = verify === 'guest-abi';
  await create(reader, (paused || verified ? VIR_DOMAIN_START_PAUSED : 0) | discard, { signal });
  if (verified) await resumeVerified(reader, { paused, signal });
}

/** The state of the guest, running or paused, is that which the image has. */
async function restoreNow(reader: DomainAccess, { signal, paused, verify }: StartOptions): Promise<void> {
  const saved = await managedSaveDocument(reader, { signal });
  if (verify === 'guest-abi') await assertSaveIsCurrent(reader, saved, { signal });
  await create(reader, paused ? VIR_DOMAIN_START_PAUSED : 0, { signal });
  await assertAsSaved(reader, saved, { signal });
}

async function create(reader: DomainAccess, flags: number, call: CallOptions): Promise<void> {
  const { connection, handle: dom } = reader;
  const options = { ...call, timeout: Number.POSITIVE_INFINITY };
  await starting(reader, () => connection.call('DOMAIN_CREATE_WITH_FLAGS', { dom, flags }, options)).catch((error) =>
    Promise.reject(stateError(reader, 'start', error)),
  );
}

/** Calls `afterStop` for a start that came to nothing; when that fails too, both causes are told. */
async function undo(hooks: HookRunner, context: HookMoment, domain: string, error: unknown): Promise<void> {
  try {
    await hooks.run('afterStop', context);
  } catch (second) {
    const causes = [error, second].map((each) => (each instanceof HookError ? each.cause : each));
    const said = causes.map((each) => (each instanceof Error ? each.message : String(each))).join('; then: ');
    throw new HookError('afterStop', context.operation, domain, new AggregateError(causes, said));
  }
}
