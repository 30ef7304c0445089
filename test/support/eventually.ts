import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `holds` answers true, at most `within` milliseconds. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  within = 20_000,
): Promise<void> {
  const deadline = performance.now() + within;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come about within ${within} ms`);
    await sleep(25);
  }
}
