import { applies, type Device, type LimitRow, type Scope, whyNotOnMachine } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import type { Draft } from './draft.js';

/** Whether a row on how many there may be holds for a device under this libvirt. */
export function limits(draft: Draft, { until, where }: LimitRow, { leaves }: Device): boolean {
  return !(until && draft.since(until)) && applies(where, leaves);
}

/** Refuses a kind that the libvirt is too old for, one too many of it, and one that needs what the domain does not have. */
export function lacks(draft: Draft, device: Device, scope: Scope, path: string): 'refused' | 'next-boot' | undefined {
  const { kind, leaves, identity } = device;
  const { canonical, live, versions } = draft.context;
  if (kind.since && !draft.since(kind.since)) {
    const problem = `${path}: a ${kind.element} needs libvirt ${kind.since}, this is ${versions.libvirt}`;
    throw new LibvirtCanonicalError('UNSUPPORTED', problem, {
      path,
      device: identity,
      remedy: 'Leave it out, or use a newer libvirt',
    });
  }
  const absent = whyNotOnMachine(device, canonical);
  if (absent) {
    draft.refuse(identity, path, absent, 'Attach a device that the machine has');
    return 'refused';
  }
  const documents = [...(scope === 'live' ? [] : [canonical]), ...(scope === 'config' || !live ? [] : [live])];
  let outcome: 'next-boot' | undefined;
  for (const row of kind.requires ?? []) {
    if (row.since && !draft.since(row.since)) continue;
    const sides = documents.filter(
      (document) => row.scope === undefined || row.scope === (document === live ? 'live' : 'config'),
    );
    const missing = sides.filter((document) => !draft.holds(document, row.domain));
    if (!applies(row.where, leaves) || missing.length === 0) continue;
    if (scope === 'both' && draft.ifNotLive === 'next-boot' && missing.every((document) => document === live)) {
      outcome = 'next-boot';
      continue;
    }
    draft.refuse(identity, path, `${row.reason} (${row.source})`, row.remedy);
    return 'refused';
  }
  const gone = new Set(draft.detached.map((each) => each.device.identity));
  for (const { path: leaf, otherwise, since, source } of kind.alike ?? []) {
    if (since && !draft.since(since)) continue;
    const stays = documents.flatMap(({ devices }) => devices).filter((each) => !gone.has(each.identity));
    const added = draft.attached.map((each) => each.device);
    const leafOf = (each: Device) => each.leaves.get(leaf) ?? otherwise;
    const other = [...stays, ...added].find((each) => each.kind === kind && leafOf(each) !== leafOf(device));
    if (!other) continue;
    const reason = `all ${kind.element} devices of a domain have one ${leaf}, and that of ${other.identity} is ${leafOf(other)}`;
    draft.refuse(identity, path, `${reason} (${source})`, `Give ${leafOf(other)}, or detach the other first`);
    return 'refused';
  }
  for (const row of kind.limits ?? []) {
    if (!limits(draft, row, device)) continue;
    const counts = documents.map(
      (document) =>
        document.devices.filter(
          (other) => other.kind === kind && applies(row.where, other.leaves) && !gone.has(other.identity),
        ).length,
    );
    const more = draft.attached.filter(
      (each) => each.device.kind === kind && applies(row.where, each.device.leaves),
    ).length;
    if (Math.max(...counts) + more < row.atMost) continue;
    draft.refuse(
      identity,
      path,
      `a domain has at most ${row.atMost} ${kind.element} (${row.source})`,
      'Detach the one that is there first',
    );
    return 'refused';
  }
  return outcome;
}
