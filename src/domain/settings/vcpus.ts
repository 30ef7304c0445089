import { type Element, select } from '../../xml/index.js';
import type { DomainDocument } from '../document.js';
import { amountOrBoth, wholeNumber } from '../json-schema.js';
import { whyNoVcpuHotplug } from '../places/machine-support.js';
import { formatValue, specInvalid } from '../values.js';
import { currentAndMaximum, planAmount } from './amount.js';
import { numbersOf } from './cpuset.js';
import type { Setting } from './setting.js';

/** Virtual CPUs: how many are there, or how many and the maximum. */
export type VcpusRequest = number | { readonly current?: number | undefined; readonly maximum?: number | undefined };

/** `vcpu` and `vcpu@current`: virDomainSetVcpusFlags. Up to the maximum at once; the maximum itself waits for the next boot. */
export const vcpus: Setting<VcpusRequest> = {
  name: 'vcpus',
  // libvirt puts CPUs that are in no NUMA cell into the first.
  schema: amountOrBoth(wholeNumber(1, 4096)),
  sideEffects: ['vcpu', 'vcpus', 'cpu/numa'],
  paths: ['vcpu'],
  read(document) {
    if (document.value('vcpu') === undefined) return undefined;
    const { current, maximum } = vcpuAmounts(document);
    // A document that lists its vCPUs says there which are online, and how many that makes.
    return document.value('vcpus/vcpu/@id') === undefined ? { current, maximum } : { maximum };
  },
  readTowards(document, canonical) {
    const asked = vcpus.read?.(document);
    // Without `current` it is a count, for which a larger maximum leaves room.
    const { current, maximum } = { ...(asked as Exclude<VcpusRequest, number> | undefined) };
    const isCount = current !== undefined && document.value('vcpu/@current') === undefined;
    return isCount && (maximum ?? 0) < vcpuAmounts(canonical).maximum ? { current } : asked;
  },
  shown: (document, path) => String(vcpuAmounts(document)[path === 'vcpu' ? 'maximum' : 'current']),
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
      now: vcpuAmounts(canonical),
      live: live && vcpuAmounts(live),
      settlesLater: false,
      format: String,
      call: (nvcpus, flags) => ({ procedure: 'DOMAIN_SET_VCPUS_FLAGS', args: { nvcpus, flags } }),
      whyNotMaximum: (maximum) => whyNotMaximum(canonical, maximum),
      liveObstacle: (current) => (live ? liveObstacle(live, current) : undefined),
      irreversibleBecause: (maximum) =>
        maximum > cpusInCells(canonical) && cpusInCells(canonical) > 0
          ? 'libvirt puts the further CPUs into the first NUMA cell, which no call undoes (qemuDomainDefNumaCPUsRectify)'
          : undefined,
      cooperation: (current, liveNow) => (current < liveNow ? 'the guest must give CPUs back' : undefined),
    });
  },
};

/** A number of vCPUs; `SPEC_INVALID` naming `path` when it is none. */
export function vcpuCount(value: unknown, path: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > 4096) {
    throw specInvalid(path, `${formatValue(value)} is not a number of vCPUs`, 'Give a whole number from 1 up');
  }
  return value as number;
}

/** How many vCPUs a document has online, and at most. */
export function vcpuAmounts(document: DomainDocument): { current: number; maximum: number } {
  const maximum = Number(document.value('vcpu') ?? 1);
  return { maximum, current: Number(document.value('vcpu/@current') ?? maximum) };
}

/**
 * vCPUs that the guest was started with cannot be unplugged (qemuDomainSelectHotplugVcpuEntities). libvirt lists the vCPUs of
 * a running guest as soon as one of them can.
 */
function liveObstacle(live: DomainDocument, current: number): string | undefined {
  const never = whyNoVcpuHotplug(live);
  if (never && current !== vcpuAmounts(live).current) return never;
  const listed = select(live.root, 'vcpus/vcpu');
  const isFixed = (vcpu: Element) =>
    vcpu.getAttribute('enabled') === 'yes' && vcpu.getAttribute('hotpluggable') !== 'yes';
  const fixed = listed.length > 0 ? listed.filter(isFixed).length : vcpuAmounts(live).current;
  return current < fixed
    ? `the running guest was started with ${fixed} vCPU${fixed === 1 ? '' : 's'}, which so cannot be unplugged`
    : undefined;
}

function cpusInCells({ root }: DomainDocument): number {
  const cells = select(root, 'cpu/numa/cell').map((cell) => cell.getAttribute('cpus'));
  return cells.reduce((all, cpus) => all + (cpus ? numbersOf(cpus, 'cpu/numa/cell/@cpus').length : 0), 0);
}

function whyNotMaximum(canonical: DomainDocument, maximum: number): { reason: string; remedy: string } | undefined {
  const inCells = cpusInCells(canonical);
  if (maximum < inCells)
    return {
      reason: `the NUMA cells hold ${inCells} CPUs, which no call takes out of them (qemuDomainSetVcpusMax)`,
      remedy: `Keep the maximum at ${inCells} or more, and lower current`,
    };
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
