import { VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_CRASHED, VIR_DOMAIN_SHUTOFF_FAILED } from '../connection/index.js';
import type { DomainAccess } from './domain-access.js';
import { type DomainLog, domainLog } from './log.js';
import type { Documents } from './verify.js';

/** A guest that ended while an operation was made. */
export interface GuestEnd {
  /** `crashed`: QEMU itself ended, the guest did not ask for it. `stopped`: it powered off, or another client stopped it. */
  readonly how: 'crashed' | 'stopped';
  /** What QEMU wrote last. */
  readonly log: DomainLog;
}

/** How the guest ended that was running before an operation; undefined when it still runs, or when nobody can be asked. */
export async function guestEnd(reader: DomainAccess, before: Documents): Promise<GuestEnd | undefined> {
  if (!before.live) return undefined;
  try {
    const { connection, handle: dom } = reader;
    const { state, reason } = await connection.call('DOMAIN_GET_STATE', { dom, flags: 0 });
    if (state !== VIR_DOMAIN_SHUTOFF) return undefined;
    const how = [VIR_DOMAIN_SHUTOFF_CRASHED, VIR_DOMAIN_SHUTOFF_FAILED].includes(reason) ? 'crashed' : 'stopped';
    return { how, log: await domainLog(reader, {}) };
  } catch {
    return undefined;
  }
}

/** The end of a guest in one sentence, with the last lines that QEMU wrote when it ended by itself. */
export function guestEndText({ how, log }: GuestEnd): string {
  if (how === 'stopped') return 'the domain was shut off meanwhile';
  const last = log.tail?.trimEnd().split('\n').slice(-LINES).join(' | ');
  return `QEMU itself ended during it${last ? `, its log says: ${last}` : ` (no log: ${log.absent ?? 'it is empty'})`}`;
}

const LINES = 3;
