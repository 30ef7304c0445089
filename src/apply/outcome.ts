import { CallTimeoutError, ConnectionLostError, LibvirtError } from '../connection/index.js';
import { type DomainDocument, withoutBookkeeping } from '../domain/index.js';
import { AbortedError } from '../errors.js';
import type { DomainReader } from './read.js';
import type { Step } from './step.js';
import { type Documents, verifyOperation } from './verify.js';

/** Milliseconds for a call that is still at it to end: libvirt itself gives up waiting for a domain after 30 s. */
const SETTLE_TIMEOUT = 40_000;

const USER_ALIAS = /<alias name=["']ua-/;

/**
 * Makes the call of an operation and, where its answer is lost, finds out what became of it. The call that may still be
 * under way in the daemon is waited for, then the documents are read: what took place stands, what did not is asked for
 * once more if a second call can do no harm, and anything else rejects with the loss.
 */
export async function callSurely<T>(
  reader: DomainReader,
  operation: Step,
  before: Documents,
  makeCall: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await makeCall();
  } catch (loss) {
    if (!isUnknown(loss)) throw loss;
    const verdict = await verdictOn(reader, operation, before);
    // A caller who gave up is not to find the work going on.
    if (loss instanceof AbortedError) throw loss;
    // A guest that has let go is not asked again: it only looks, and says so.
    if (verdict === 'done') return operation.action === 'detach' ? await makeCall() : undefined;
    if (verdict === 'between' || !(loss instanceof ConnectionLostError) || !isHarmlessTwice(operation)) throw loss;
    try {
      return await makeCall();
    } catch (error) {
      if (!(error instanceof LibvirtError) || (await verdictOn(reader, operation, before)) !== 'done') throw error;
      return undefined;
    }
  }
}

/** Makes a call that does no harm when it is made twice, and makes it once more where its answer is lost. */
export async function callAgain<T>(reader: DomainReader, makeCall: () => Promise<T>): Promise<T> {
  try {
    return await makeCall();
  } catch (loss) {
    if (!isUnknown(loss)) throw loss;
    // Neither the second call, nor what the caller does about the loss, is to be overtaken by the first.
    await passed(reader);
    if (!(loss instanceof ConnectionLostError)) throw loss;
    return makeCall();
  }
}

/** Whether a call may have taken effect although nobody said so. */
function isUnknown(error: unknown): boolean {
  if (!(error instanceof ConnectionLostError || error instanceof CallTimeoutError || error instanceof AbortedError))
    return false;
  return 'sent' in error && error.sent === true;
}

/**
 * Waits for the calls that are at work on the domain: a daemon goes on with one whose client is gone. Reading documents
 * does not wait for it; reading perf events takes the domain's job lock and does (qemuDomainGetPerfEvents), on a running
 * domain and on one that is shut off.
 */
async function passed({ connection, handle: dom }: DomainReader): Promise<void> {
  await connection.call('DOMAIN_GET_PERF_EVENTS', { dom, flags: 0 }, { timeout: SETTLE_TIMEOUT });
}

/** What became of an operation, by the documents. `between`: a part of it, something beside it, or not to be told. */
async function verdictOn(
  reader: DomainReader,
  operation: Step,
  before: Documents,
): Promise<'done' | 'not done' | 'between'> {
  try {
    await passed(reader);
  } catch (error) {
    if (error instanceof LibvirtError) return 'between';
    throw error;
  }
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
