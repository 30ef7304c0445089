import { type DomainAccess, GuestAbiChangedError } from '../apply/index.js';
import { type CallOptions, LibvirtError } from '../connection/index.js';
import { compareGuestAbi, type Device, type DomainDocument, guestAbi, ownElement } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import {
  assertNotQuarantined,
  assertNotSaved,
  destroy,
  type HookOperation,
  type HookRunner,
  type ShutdownOptions,
  StartFailedError,
  shutdown,
  start,
  starting,
} from '../power/index.js';
import { type RescueDisk, type RescueKernel, rescueDocument } from './rescue-document.js';
import { clearUnsavedDefinition, rehearse, startPausedFrom } from './transient.js';

/** What a rescue boots, and what becomes of the guest that runs. */
export interface RescueOptions extends ShutdownOptions {
  /** What to boot from. */
  readonly disk: RescueDisk;
  /** Boot this kernel instead of what the disk holds. A kernel of the domain's own is not booted in a rescue. */
  readonly kernel?: RescueKernel | undefined;
  /** How a running guest is stopped: pull the plug (default), or ask it by ACPI. */
  readonly stop?: 'destroy' | 'shutdown' | undefined;
  /** What becomes of a guest that ran, when the rescue does not start: started again (default), or left off. */
  readonly onFailure?: 'restart' | 'leave-off' | undefined;
}

/** How a rescue ends, and what comes after. */
export interface UnrescueOptions extends ShutdownOptions {
  readonly stop?: 'destroy' | 'shutdown' | undefined;
  /** What comes after: the domain as its canonical document has it (default), or nothing. */
  readonly after?: 'start' | 'stay-off' | undefined;
}

/** A rescue under way. */
export interface RescueState {
  /** Identity and target of the disk it was booted from. */
  readonly disk: string;
  readonly target: string;
  readonly since: Date;
}

/** What both need of the domain beside its documents. */
export interface RescueSubject {
  readonly reader: DomainAccess;
  readonly hooks: HookRunner;
}

/** The mark of a rescue in the live document; undefined when this run is none. */
export function rescueStateOf(live: DomainDocument | undefined): RescueState | undefined {
  const mark = live && ownElement(live, 'rescue');
  if (!mark) return undefined;
  const of = (name: string) => mark.getAttribute(name) ?? '';
  return { disk: of('disk'), target: of('target'), since: new Date(of('since')) };
}

/** See `ManagedDomain.rescue`. Nothing is written: the rescue is a run of its own, and its end is the way back. */
export async function rescue(subject: RescueSubject, options: RescueOptions): Promise<void> {
  const { reader, hooks } = subject;
  const call: CallOptions = { signal: options.signal };
  const context = await reader.context(call);
  const { canonical, live, persistent } = context;
  const { name } = canonical;
  const state = (problem: string, remedy: string) =>
    new LibvirtCanonicalError('DOMAIN_STATE', `domain ${name} ${problem}`, { domain: name, remedy });
  if (!persistent) throw state('is transient', 'Only a persistent domain has a canonical document to come back to');
  if (rescueStateOf(live)) throw state('is in a rescue already', 'unrescue() it first');
  await assertNotQuarantined(reader, call);
  await assertNotSaved(reader, call);
  const document = rescueDocument(context, options.disk, options.kernel, new Date().toISOString());
  await rehearse(reader, document.xml, call).catch((error: unknown) => {
    throw failed(name, error, 'nothing was done');
  });
  await clearUnsavedDefinition(reader, call);
  await stop(subject, options, 'rescue');
  try {
    await hooks.run('beforeStart', { operation: 'rescue', signal: options.signal });
    await starting(reader, () => startPausedFrom(reader, document.xml, call));
    await verify(reader, canonical, document.disk, call);
    await reader.connection.call('DOMAIN_RESUME', { dom: reader.handle }, call);
  } catch (cause) {
    throw await backFrom(subject, cause, live !== undefined, options);
  }
}

/** See `ManagedDomain.unrescue`. */
export async function unrescue(subject: RescueSubject, options: UnrescueOptions): Promise<void> {
  const { reader, hooks } = subject;
  const call: CallOptions = { signal: options.signal };
  const { live } = await reader.documents(call);
  if (live && !rescueStateOf(live)) return;
  // A rescue that has ended by itself is over: libvirt took the canonical document back.
  if (live) await stop(subject, options, 'unrescue');
  else await clearUnsavedDefinition(reader, call);
  if (options.after === 'stay-off') return;
  await start(reader, hooks, call, 'unrescue');
}

async function stop(
  { reader, hooks }: RescueSubject,
  options: UnrescueOptions,
  operation: HookOperation,
): Promise<void> {
  const call: CallOptions = { signal: options.signal };
  const { live } = await reader.documents(call);
  if (!live) return;
  if (options.stop === 'shutdown') await shutdown(reader, options);
  else await destroy(reader, call);
  await hooks.run('afterStop', { operation, signal: options.signal });
}

/** Compares the rescue, before its guest runs, with the canonical document: only the rescue disk and the boot order may differ. */
async function verify(reader: DomainAccess, before: DomainDocument, disk: Device, call: CallOptions): Promise<void> {
  const { canonical, live } = await reader.documents(call);
  const { name } = before;
  if (canonical.xml !== before.xml) {
    const differences = compareGuestAbi(guestAbi(before), guestAbi(canonical));
    throw new GuestAbiChangedError(`the canonical document of ${name} changed with the rescue`, differences, name);
  }
  if (!live || !rescueStateOf(live))
    throw new LibvirtCanonicalError('START_FAILED', `the rescue of ${name} ended at once`, { domain: name });
  const moved = compareGuestAbi(guestAbi(canonical), guestAbi(live), { live: true }).filter(
    ({ subject, field, before: there }) =>
      subject !== disk.identity &&
      field !== 'boot/@order' &&
      !(subject.startsWith('controller') && there === undefined),
  );
  if (moved.length > 0) throw new GuestAbiChangedError(`the rescue of ${name} would move devices`, moved, name);
}

/** Brings the domain back after a rescue that did not start, and returns the error that says so. */
async function backFrom(
  subject: RescueSubject,
  cause: unknown,
  ran: boolean,
  { onFailure = 'restart' }: RescueOptions,
): Promise<unknown> {
  const { reader, hooks } = subject;
  const { name } = reader.handle;
  try {
    const { live } = await reader.documents();
    if (rescueStateOf(live)) await stop(subject, {}, 'rescue');
    else if (!live) await hooks.run('afterStop', { operation: 'rescue' });
    await clearUnsavedDefinition(reader);
    if (!ran || onFailure === 'leave-off') return failed(name, cause, 'the domain is off and as it was');
    await start(reader, hooks, {}, 'rescue');
    return failed(name, cause, 'the domain runs again as it did');
  } catch (second) {
    const why = second instanceof Error ? second.message : String(second);
    return failed(name, cause, `and bringing it back failed as well: ${why}`);
  }
}

function failed(name: string, cause: unknown, aftermath: string): LibvirtCanonicalError {
  if (cause instanceof GuestAbiChangedError)
    return new GuestAbiChangedError(`the rescue of ${name} was not let run (${aftermath})`, cause.differences, name);
  if (cause instanceof StartFailedError) {
    const { libvirtMessage } = cause.cause as LibvirtError;
    return new StartFailedError(
      name,
      `the rescue of ${name} did not start: ${libvirtMessage} — ${aftermath}`,
      cause.cause,
      cause.log,
    );
  }
  const why =
    cause instanceof LibvirtError ? cause.libvirtMessage : cause instanceof Error ? cause.message : String(cause);
  const aborted = cause instanceof LibvirtCanonicalError && cause.code === 'ABORTED';
  return new LibvirtCanonicalError(
    aborted ? 'ABORTED' : 'START_FAILED',
    `the rescue of ${name} did not start: ${why} — ${aftermath}`,
    {
      cause,
      domain: name,
      remedy: "Mend what libvirt names; the domain's log has QEMU's own words",
    },
  );
}
