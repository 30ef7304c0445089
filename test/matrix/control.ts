import { type DeviceKind, kindOf } from '../../src/domain/index.js';
import type { Bench } from '../support/bench.js';
import { subjectOf } from './batches.js';
import type { KindCase } from './case.js';
import { proveAll } from './prove.js';

const source = 'nowhere';

/** Rows that are not true of libvirt: one that refuses too much, one that allows too much, one that calls live what is ignored. */
const WRONG: Readonly<Record<string, Partial<Pick<DeviceKind, 'support' | 'updates'>>>> = {
  rng: { support: [{ action: 'attach', scope: 'live', supported: false, reason: 'wrong', source }] },
  audio: { support: [{ action: 'attach', scope: 'live', supported: true, source }] },
  disk: { updates: [{ path: 'driver/@detect_zeroes', live: 'yes', source }] },
};

/** Runs the first case of each of these kinds with the wrong rows in the place of the kind's, and returns the problems found. */
export async function wrongRows(
  { host, connection }: Bench,
  byKind: ReadonlyMap<string, readonly KindCase[]>,
): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const [name, rows] of Object.entries(WRONG)) {
    const kind = kindOf(name) as { -readonly [K in keyof DeviceKind]: DeviceKind[K] };
    const { support, updates } = kind;
    const each = byKind.get(name)?.find((one) => one.host === 'session');
    if (!each) continue;
    kind.support = [...(rows.support ?? []), ...support];
    kind.updates = [...(rows.updates ?? []), ...updates];
    try {
      const set = { driver: { detectZeroes: 'on' } };
      const subject = await subjectOf({ ...each, ...(rows.updates ? { updates: [{ set }] } : {}) }, host);
      await proveAll(host, connection, [subject]);
      found[name] = subject.findings.problems.join('\n');
    } finally {
      kind.support = support;
      kind.updates = updates;
    }
  }
  return found;
}
