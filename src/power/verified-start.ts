import { type DomainAccess, GuestAbiChangedError, waitForJobLock } from '../apply/index.js';
import type { CallOptions } from '../connection/index.js';
import { type AbiDifference, compareGuestAbi, type DomainDocument, guestAbi, seenByGuest } from '../domain/index.js';
import { AbortedError, LibvirtCanonicalError } from '../errors.js';
import { stateOf } from './state.js';
import { suspend } from './suspend.js';

/**
 * Lets a guest that was started paused run when it sees what the canonical document says. Until the request to run is sent
 * the guest has not run an instruction, so that whatever fails by then ends with it destroyed. From then on it may run: what
 * fails is answered by a look, and the guest is left as it is.
 */
export async function resumeVerified(
  reader: DomainAccess,
  { paused, signal }: { readonly paused?: boolean | undefined; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { name } = reader.handle;
  try {
    const { canonical, live } = await reader.documents({ signal });
    const differences = live ? between(canonical, live) : [];
    if (differences.length > 0)
      throw new GuestAbiChangedError(
        `domain ${name} was stopped before its guest ran, which would not see what the canonical document says`,
        differences,
        name,
      );
  } catch (error) {
    await destroyPaused(reader);
    throw error;
  }
  if (!paused) await letRun(reader, signal);
}

/** virDomainResume. A guest that runs although the answer was lost is as good as resumed. */
async function letRun(reader: DomainAccess, signal: AbortSignal | undefined): Promise<void> {
  const { connection, handle: dom } = reader;
  try {
    await connection.call('DOMAIN_RESUME', { dom }, { signal });
  } catch (error) {
    if (isUnsent(error)) await destroyPaused(reader);
    if (isUnsent(error) || error instanceof AbortedError) throw error;
    const state = await settledState(reader);
    if (state === 'running') return;
    if (state !== 'paused') throw error;
    throw new LibvirtCanonicalError(
      'START_FAILED',
      `domain ${dom.name} was started, but its guest was not let run: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error, domain: dom.name, remedy: 'It is left paused: resume() lets it run, destroy() ends it' },
    );
  }
}

/** True when the daemon never saw the call. */
function isUnsent(error: unknown): boolean {
  return error instanceof Error && 'sent' in error && error.sent === false;
}

/** The state once no call is at work on the domain any more; undefined when it cannot be told. */
function settledState(reader: DomainAccess): Promise<string | undefined> {
  return waitForJobLock(reader)
    .then(() => stateOf(reader))
    .then(
      ({ state }) => state,
      () => undefined,
    );
}

/** Ends a guest that has not run yet. One that another client has let run meanwhile is left alone. */
async function destroyPaused(reader: DomainAccess): Promise<void> {
  const { connection, handle: dom } = reader;
  try {
    const { state } = await stateOf(reader);
    if (state === 'paused') await connection.call('DOMAIN_DESTROY_FLAGS', { dom, flags: 0 });
  } catch {
    // What led here is what the caller has to know.
  }
}

/** Refuses a managed-save image whose guest sees something else than the canonical document says. Nothing is touched. */
export async function assertSaveIsCurrent(
  reader: DomainAccess,
  saved: DomainDocument,
  call: CallOptions,
): Promise<void> {
  const { canonical } = await reader.documents(call);
  const differences = between(canonical, saved);
  if (differences.length === 0) return;
  const { name } = reader.handle;
  throw new GuestAbiChangedError(
    `the managed-save image of ${name} was not restored: its guest sees other things than the canonical document says`,
    differences,
    name,
  );
}

/** Holds a restored guest to the document of its image. One that differs is paused, not destroyed: its memory is the only copy. */
export async function assertAsSaved(reader: DomainAccess, saved: DomainDocument, call: CallOptions): Promise<void> {
  const { live } = await reader.documents(call);
  const differences = live ? between(saved, live) : [];
  if (differences.length === 0) return;
  await suspend(reader, call);
  const { name } = reader.handle;
  throw new GuestAbiChangedError(
    `domain ${name} was restored otherwise than it was saved and is paused`,
    differences,
    name,
  );
}

function between(said: DomainDocument, seen: DomainDocument): AbiDifference[] {
  return seenByGuest(compareGuestAbi(guestAbi(said), guestAbi(seen), { live: true }));
}
