import type { DomainDocument } from '../document.js';
import type { Setting } from '../operation.js';
import { describe, invalid } from '../values.js';
import { currentAndMaximum, planAmount } from './amount.js';

/** Virtual CPUs: how many are there, or how many and the maximum. */
export type VcpusRequest = number | { readonly current?: number; readonly maximum?: number };

/** `vcpu` and `vcpu@current`: virDomainSetVcpusFlags. Up to the maximum at once; the maximum itself waits for the next boot. */
export const vcpus: Setting<VcpusRequest> = {
  name: 'vcpus',
  touches: ['vcpu', 'vcpus'],
  owns: ['vcpu'],
  read(document) {
    if (document.value('vcpu') === undefined) return undefined;
    const { current, maximum } = amounts(document);
    // A document that lists its vCPUs says there which are online, and how many that makes.
    return document.value('vcpus/vcpu/@id') === undefined ? { current, maximum } : { maximum };
  },
  plan(value, { canonical, live }, path) {
    const { both, ...asked } = currentAndMaximum<number>(value, path);
    return planAmount({
      name: 'vcpus',
      path,
      paths: { maximum: 'vcpu', current: 'vcpu/@current' },
      asked: {
        current: asked.current === undefined ? undefined : vcpuCount(asked.current, both ? `${path}.current` : path),
        maximum: asked.maximum === undefined ? undefined : vcpuCount(asked.maximum, `${path}.maximum`),
      },
      now: amounts(canonical),
      live: live && amounts(live),
      guestMoves: false,
      format: String,
      call: (nvcpus, flags) => ({ procedure: 'DOMAIN_SET_VCPUS_FLAGS', args: { nvcpus, flags } }),
      refuseMaximum: (maximum) => refuseMaximum(canonical, maximum),
      cooperation: (current, liveNow) => (current < liveNow ? 'the guest must give CPUs back' : undefined),
    });
  },
};

/** A number of vCPUs; `SPEC_INVALID` naming `path` when it is none. */
export function vcpuCount(value: unknown, path: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > 4096) {
    throw invalid(path, `${describe(value)} is not a number of vCPUs`, 'Give a whole number from 1 up');
  }
  return value as number;
}

function amounts(document: DomainDocument): { current: number; maximum: number } {
  const maximum = Number(document.value('vcpu') ?? 1);
  return { maximum, current: Number(document.value('vcpu/@current') ?? maximum) };
}

function refuseMaximum(canonical: DomainDocument, maximum: number): { reason: string; remedy: string } | undefined {
  const sizes = ['sockets', 'dies', 'clusters', 'cores', 'threads'].map((name) =>
    canonical.value(`cpu/topology/@${name}`),
  );
  const product = sizes.reduce((all, size) => all * Number(size ?? 1), 1);
  if (sizes.every((size) => size === undefined) || product === maximum) return undefined;
  return {
    reason: `the CPU topology fixes the maximum at ${product}, and no call changes the topology`,
    remedy: 'Define with the largest topology the guest will ever need and a smaller current number',
  };
}
