import { setTimeout as sleep } from 'node:timers/promises';
import type { Name, Trio } from './trio.js';

const NAMES: readonly Name[] = ['a', 'b', 'c'];

/** Looks at all hosts until it is told to stop. Rejects when a domain runs on two at one moment. Returns how often it looked. */
export async function watchTwice(trio: Trio, uuids: readonly string[], stop: AbortSignal): Promise<number> {
  const runs = async (host: Name, uuid: string) => {
    try {
      return (await (await trio.managers[host].get(uuid)).state()) === 'running';
    } catch {
      return false;
    }
  };
  let looks = 0;
  while (!stop.aborted) {
    for (const uuid of uuids) {
      const on: Name[] = [];
      for (const host of NAMES) if (await runs(host, uuid)) on.push(host);
      const [one, other] = on;
      // It may have gone from one to the other between two looks: it ran on both when it did on one before and after the other.
      if (one && other && (await runs(one, uuid)) && (await runs(other, uuid)) && (await runs(one, uuid)))
        throw new Error(`${uuid} runs on ${one} and on ${other}`);
      looks++;
    }
    await sleep(20);
  }
  return looks;
}
