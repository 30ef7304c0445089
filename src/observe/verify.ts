import { type DomainAccess, GuestAbiChangedError } from '../apply/index.js';
import type { CallOptions } from '../connection/index.js';
import { type AbiDifference, compareGuestAbi, type GuestAbi, guestAbi, seenByGuest } from '../domain/index.js';

/** Compares both documents with an earlier guest ABI. Throws `GUEST_ABI_CHANGED` when the guest can see a difference. */
export async function verifyGuestAbi(
  reader: DomainAccess,
  reference: GuestAbi,
  options: CallOptions,
): Promise<readonly AbiDifference[]> {
  const { canonical, live } = await reader.documents(options);
  const all = [
    ...compareGuestAbi(reference, guestAbi(canonical)),
    ...(live ? compareGuestAbi(reference, guestAbi(live), { live: true }) : []),
  ];
  const differences = seenByGuest(all);
  const { name } = reader.handle;
  if (differences.length > 0)
    throw new GuestAbiChangedError(`the guest ABI of ${name} differs from the reference`, differences, name);
  return all;
}
