import { CallTimeoutError, ConnectionLostError, LibvirtError } from '../connection/index.js';
import { type DomainDocument, withoutBookkeeping } from '../domain/index.js';
import { AbortedError } from '../errors.js';
import type { DomainAccess } from './domain-access.js';
import { isUnplug, type Step } from './step.js';
import type { UnplugResult } from './unplug.js';
import { type Documents, verifyOperation } from './verify.js';

/** Milliseconds for a call that is still at it to end: libvirt itself gives up waiting for a domain after 30 s. */
const SETTLE_TIMEOUT = 40_000;

/** An alias that no device has: a user's begins with `ua-`, and libvirt makes its own of other words. */
const NOBODY = 'libvirt-canonical-waits-for-the-domain';

const USER_ALIAS = /<alias name=["']ua-/;

/**
 * A call whose answer is lost may still take place: libvirt did not let anybody at the domain in time, or nobody could ask
 * it. Nothing may be undone before that is known, since the call could come after the undoing.
 */
export class OpenOutcome extends Error {
  /** The error of the call itself. */
  readonly loss: unknown;
  constructor(loss: unknown, why: unknown) {
    super(`it is not known yet whether the call takes place: ${why instanceof Error ? why.message : String(why)}`, {
      cause: why,
    });
    this.loss = loss;
  }
}

/**
 * Makes the call of an operation and, where its answer is lost, finds out what became of it. The call that may still be
 * under way in the daemon is waited for, then the documents are read. If the change was made, it is kept. If not, the call
 * is repeated once when that is safe. Otherwise the loss is thrown; {@link OpenOutcome} when the wait was in vain.
 */
export async function callAndConfirm(
  reader: DomainAccess,
  operation: Step,
  before: Documents,
  makeCall: () => Promise<UnplugResult | undefined>,
): Promise<UnplugResult | undefined> {
  for (let again = false; ; again = true) {
    try {
      return await makeCall();
    } catch (error) {
      const lost = isUnknown(error);
      if (!lost && !(again && error instanceof LibvirtError)) throw error;
      const verdict = await verdictOn(reader, operation, before).catch((why: unknown) =>
        Promise.reject(lost ? new OpenOutcome(error, why) : error),
      );
      // A caller who gave up is not to find the work going on.
      if (error instanceof AbortedError) throw error;
      if (verdict === 'done')
        return isUnplug(operation) ? { device: operation.subject, outcome: 'removed' } : undefined;
      if (verdict === 'between' || again || !(error instanceof ConnectionLostError) || !isHarmlessTwice(operation))
        throw error;
    }
  }
}

/** Makes a call that does no harm when it is made twice, and makes it once more where its answer is lost. */
export async function retryOnce<T>(reader: DomainAccess, makeCall: () => Promise<T>): Promise<T> {
  try {
    return await makeCall();
  } catch (loss) {
    if (!isUnknown(loss)) throw loss;
    // Neither the second call, nor what the caller does about the loss, is to be overtaken by the first.
    await waitForJobLock(reader);
    if (!(loss instanceof ConnectionLostError)) throw loss;
    return makeCall();
  }
}

/** True when a call may have taken effect, or may still, although nobody said so. */
export function isUnknown(error: unknown): boolean {
  if (!(error instanceof ConnectionLostError || error instanceof CallTimeoutError || error instanceof AbortedError))
    return false;
  return 'sent' in error && error.sent === true;
}

/**
 * Waits for the calls that are at work on the domain or wait for it: a daemon goes on with one whose client is gone. Reads
 * do not wait, and queries pass a call that an async job (migration, save, dump) holds up. So this asks for the lock that
 * mutators take (VIR_JOB_MODIFY), by detaching a device that does not exist. libvirt gives the lock to whoever comes first
 * once it is free, but wakes all who wait whenever it becomes free (virDomainObjEndJob): the second time nobody is left.
 */
export async function waitForJobLock(reader: DomainAccess): Promise<void> {
  if (await hasJobLock(reader)) await hasJobLock(reader);
}

/** False when the lock could not be had for as long as libvirt lets a call wait, and no earlier call is at work or waits. */
async function hasJobLock({ connection, handle: dom }: DomainAccess): Promise<boolean> {
  const limit = { timeout: SETTLE_TIMEOUT };
  try {
    // Without flags it is about whichever document there is, as there is no device to take out of it.
    await connection.call('DOMAIN_DETACH_DEVICE_ALIAS', { dom, alias: NOBODY, flags: 0 }, limit);
    return true;
  } catch (error) {
    if (!(error instanceof LibvirtError)) throw error;
    if (error.libvirtMessage.includes(NOBODY)) return true;
    if (error.errorName !== 'VIR_ERR_OPERATION_TIMEOUT') throw error;
    // Whoever waited before has been turned away before, or is at work: then this, which an async job lets pass, waits.
    await connection.call('DOMAIN_GET_PERF_EVENTS', { dom, flags: 0 }, limit);
    return false;
  }
}

/** What became of an operation, by the documents. `between`: a part of it, something beside it, or not to be told. */
async function verdictOn(
  reader: DomainAccess,
  operation: Step,
  before: Documents,
): Promise<'done' | 'not done' | 'between'> {
  await waitForJobLock(reader);
  const after = await reader.documents({ timeout: SETTLE_TIMEOUT });
  // Not every setting shows in a document: where nothing changed, setting it again is how to be sure.
  if (sameText(before.canonical, after.canonical) && sameText(before.live, after.live)) return 'not done';
  try {
    verifyOperation(operation, before, after);
    return 'done';
  } catch {
    return 'between';
  }
}

function sameText(before: DomainDocument | undefined, after: DomainDocument | undefined): boolean {
  return withoutBookkeeping(before ?? '') === withoutBookkeeping(after ?? '');
}

/**
 * Whether a second call changes nothing that the first did not, should the first be done after all: values are set
 * outright, a device that is gone is gone, and libvirt refuses a second device of the same user alias or address.
 */
function isHarmlessTwice({ action, address, call }: Step): boolean {
  return action !== 'attach' || address !== undefined || ('xml' in call.args && USER_ALIAS.test(call.args.xml));
}
