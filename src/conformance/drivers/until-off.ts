import { setTimeout as sleep } from 'node:timers/promises';
import type { Where } from '../protocol.js';
import { printed } from './printed.js';

/** Waits until the domain is shut off, at most a minute and a half. */
export async function untilOff({ host, name }: Where): Promise<void> {
  for (const deadline = performance.now() + 90_000; ; await sleep(100)) {
    if ((await printed('virsh', '-q', '-c', host, 'domstate', name)).trim() === 'shut off') return;
    if (performance.now() > deadline) throw new Error('the guest did not shut down within 90 s');
  }
}
