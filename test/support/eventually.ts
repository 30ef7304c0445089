import { setTimeout as sleep } from 'node:timers/promises';
import { scaled } from './deadline.js';

/** Waits until `holds` answers true, at most `within` milliseconds, which are `scaled`. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  within = 20_000,
): Promise<void> {
  const longest = scaled(within);
  const deadline = performance.now() + longest;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come about within ${longest} ms`);
    await sleep(25);
  }
}
