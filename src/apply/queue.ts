/** Chains work on one domain, so that within this process two applies never interleave. Keyed by UUID. */
const tails = new Map<string, Promise<unknown>>();

/** Runs `work` after all work queued before it for the same domain, whether that succeeded or not. */
export async function queued<T>(uuid: string, work: () => Promise<T>): Promise<T> {
  const before = tails.get(uuid) ?? Promise.resolve();
  const mine = before.then(work, work);
  const settled = mine.then(
    () => {},
    () => {},
  );
  tails.set(uuid, settled);
  try {
    return await mine;
  } finally {
    if (tails.get(uuid) === settled) tails.delete(uuid);
  }
}
