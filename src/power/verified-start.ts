import { type DomainReader, GuestAbiChangedError } from '../apply/index.js';
import type { CallOptions } from '../connection/index.js';
import { type AbiDifference, compareGuestAbi, type DomainDocument, guestAbi, seenByGuest } from '../domain/index.js';
import { suspend } from './suspend.js';

/**
 * Lets a guest that was started paused run when it sees what the canonical document says, else destroys it: it has not run
 * an instruction, so nothing is lost. Whatever else fails here destroys it too: no paused guest is left behind.
 */
export async function resumeVerified(
  reader: DomainReader,
  { paused, signal }: { readonly paused?: boolean | undefined; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { connection, handle: dom } = reader;
  try {
    const { canonical, live } = await reader.documents({ signal });
    const differences = live ? between(canonical, live) : [];
    if (differences.length > 0)
      throw new GuestAbiChangedError(
        `domain ${dom.name} was stopped before its guest ran, which would not see what the canonical document says`,
        differences,
        dom.name,
      );
    if (!paused) await connection.call('DOMAIN_RESUME', { dom }, { signal });
  } catch (error) {
    await connection.call('DOMAIN_DESTROY_FLAGS', { dom, flags: 0 }).catch(() => {});
    throw error;
  }
}

/** Refuses a managed-save image whose guest sees something else than the canonical document says. Nothing is touched. */
export async function refuseStaleSave(reader: DomainReader, saved: DomainDocument, call: CallOptions): Promise<void> {
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
export async function refuseOtherThanSaved(
  reader: DomainReader,
  saved: DomainDocument,
  call: CallOptions,
): Promise<void> {
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
