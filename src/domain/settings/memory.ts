import type { DomainDocument } from '../document.js';
import type { Setting } from '../operation.js';
import { bytesOfXml, formatBytes, kibOf, type Size } from '../values.js';
import { currentAndMaximum, planAmount } from './amount.js';

/** Memory of the guest: the amount it has, or amount and maximum. */
export type MemoryRequest = Size | { readonly current?: Size; readonly maximum?: Size };

/** `currentMemory` and `memory`: virDomainSetMemoryFlags. Below the maximum the balloon moves; the maximum waits for the next boot. */
export const memory: Setting<MemoryRequest> = {
  name: 'memory',
  touches: ['memory', 'currentMemory'],
  owns: ['memory', 'currentMemory'],
  read(document) {
    const { current, maximum } = amounts(document);
    return maximum === 0 ? undefined : { current: BigInt(current) * 1024n, maximum: BigInt(maximum) * 1024n };
  },
  plan(value, { canonical, live }, path) {
    const { both, ...asked } = currentAndMaximum<Size>(value, path);
    return planAmount({
      name: 'memory',
      path,
      paths: { maximum: 'memory', current: 'currentMemory' },
      asked: {
        current: asked.current === undefined ? undefined : kibOf(asked.current, both ? `${path}.current` : path),
        maximum: asked.maximum === undefined ? undefined : kibOf(asked.maximum, `${path}.maximum`),
      },
      now: amounts(canonical),
      live: live && amounts(live),
      guestMoves: true,
      format: (kib) => formatBytes(BigInt(kib) * 1024n),
      call: (memory, flags) => ({ procedure: 'DOMAIN_SET_MEMORY_FLAGS', args: { memory, flags } }),
      refuseMaximum: (maximum) => refuseMaximum(canonical, maximum),
      cooperation: () => 'the balloon driver of the guest gives or takes the memory',
    });
  },
};

function amounts(document: DomainDocument): { current: number; maximum: number } {
  const maximum = kib(document, 'memory') ?? 0;
  return { maximum, current: kib(document, 'currentMemory') ?? maximum };
}

function kib(document: DomainDocument, element: string): number | undefined {
  const value = document.value(element);
  return value === undefined ? undefined : Number(bytesOfXml(value, document.value(`${element}/@unit`), 'KiB') / 1024n);
}

function refuseMaximum(canonical: DomainDocument, maximum: number): { reason: string; remedy: string } | undefined {
  if (canonical.value('cpu/numa/cell/@memory') !== undefined) {
    return {
      reason: 'no call changes the maximum memory of a domain with NUMA cells (virDomainSetMemoryFlags)',
      remedy: 'Attach a memory device instead',
    };
  }
  const limit = kib(canonical, 'maxMemory');
  if (limit !== undefined && maximum > limit) {
    return { reason: 'it is more than maxMemory, which no call changes', remedy: 'Stay within maxMemory' };
  }
  return undefined;
}
