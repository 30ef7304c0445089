import type { DomainDocument } from '../document.js';
import { amountOrBoth, SIZE } from '../json-schema.js';
import { bytesOfXml, formatBytes, kibOf, type Size } from '../values.js';
import { currentAndMaximum, planAmount } from './amount.js';
import type { Setting } from './setting.js';

/** Memory of the guest: the amount it has, or amount and maximum. */
export type MemoryRequest = Size | { readonly current?: Size; readonly maximum?: Size };

/** `currentMemory` and `memory`: virDomainSetMemoryFlags. Below the maximum the balloon moves; the maximum waits for the next boot. */
export const memory: Setting<MemoryRequest> = {
  name: 'memory',
  schema: amountOrBoth(SIZE),
  touches: ['memory', 'currentMemory'],
  owns: ['memory', 'currentMemory'],
  read(document) {
    const { current, maximum } = memoryAmounts(document);
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
      now: memoryAmounts(canonical),
      live: live && memoryAmounts(live),
      guestMoves: true,
      format: (kib) => formatBytes(BigInt(kib) * 1024n),
      call: (memory, flags) => ({ procedure: 'DOMAIN_SET_MEMORY_FLAGS', args: { memory, flags } }),
      refuseMaximum: (maximum) => refuseMaximum(canonical, maximum),
      heldBack: () =>
        live?.value('devices/memballoon/@model') === 'none'
          ? 'the running guest has no memory balloon (qemuDomainSetMemoryFlags)'
          : undefined,
      cooperation: () => 'the balloon driver of the guest gives or takes the memory',
    });
  },
};

/** How much memory a document says the guest has, and at most, in KiB; memory modules are counted in. */
export function memoryAmounts(document: DomainDocument): { current: number; maximum: number } {
  const maximum = kib(document, 'memory') ?? 0;
  return { maximum, current: kib(document, 'currentMemory') ?? maximum };
}

function kib(document: DomainDocument, element: string): number | undefined {
  const value = document.value(element);
  return value === undefined ? undefined : Number(bytesOfXml(value, document.value(`${element}/@unit`), 'KiB') / 1024n);
}

function refuseMaximum(canonical: DomainDocument, maximum: number): { reason: string; remedy: string } | undefined {
  if (canonical.value('cpu/numa/cell/@memory') !== undefined) {
    const most = formatBytes(BigInt(memoryAmounts(canonical).maximum) * 1024n);
    const slots = canonical.value('maxMemory/@slots') !== undefined;
    return {
      reason: 'no call changes the maximum memory of a domain with NUMA cells (virDomainSetMemoryFlags)',
      remedy: slots
        ? 'Attach a memory device instead: { memory: { model, size, node } }'
        : `Stay within ${most}: the domain is defined without slots for memory devices`,
    };
  }
  const limit = kib(canonical, 'maxMemory');
  if (limit !== undefined && maximum > limit) {
    return { reason: 'it is more than maxMemory, which no call changes', remedy: 'Stay within maxMemory' };
  }
  return undefined;
}
