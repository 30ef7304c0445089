import { type Element, select, valueAt } from '../../xml/index.js';
import type { DomainDocument } from '../document.js';
import { amountOrBoth, SIZE } from '../json-schema.js';
import { bytesOfXml, formatBytes, memoryKibOf, type Size } from '../values.js';
import { currentAndMaximum, planAmount } from './amount.js';
import type { Setting } from './setting.js';

/** Memory of the guest: the amount it has, or amount and maximum. */
export type MemoryRequest = Size | { readonly current?: Size | undefined; readonly maximum?: Size | undefined };

/** `currentMemory` and `memory`: virDomainSetMemoryFlags. Below the maximum the balloon moves; the maximum waits for the next boot. */
export const memory: Setting<MemoryRequest> = {
  name: 'memory',
  schema: amountOrBoth(SIZE),
  sideEffects: ['memory', 'currentMemory'],
  paths: ['memory', 'currentMemory'],
  read(document) {
    const { current, maximum } = memoryAmounts(document);
    if (maximum === 0) return undefined;
    return { current: asSize(current), maximum: asSize(maximum) };
  },
  readRunning(document, canonical) {
    // The balloon is where the guest moved it.
    return isMemoryOf(document, canonical) ? undefined : { maximum: asSize(memoryAmounts(document).maximum) };
  },
  readTowards(document, canonical) {
    if (isRoundedUp(document, canonical)) return undefined;
    const asked = memory.read?.(document);
    const here = kib(document.root, 'memory');
    // A document without NUMA cells may speak of a domain that `define` gave one, and slots whose memory comes on top.
    if (asked === undefined || ofCells(document) > 0 || here !== cellsOf(canonical)) return asked;
    return document.value('currentMemory') === undefined
      ? undefined
      : { current: asSize(memoryAmounts(document).current) };
  },
  shown: (document, path) => text(memoryAmounts(document)[path === 'memory' ? 'maximum' : 'current']),
  plan(value, { canonical, live }, path) {
    const { both, ...asked } = currentAndMaximum<Size>(value, path);
    return planAmount({
      name: 'memory',
      path,
      paths: { maximum: 'memory', current: 'currentMemory' },
      asked: {
        current: asked.current === undefined ? undefined : memoryKibOf(asked.current, both ? `${path}.current` : path),
        maximum: asked.maximum === undefined ? undefined : memoryKibOf(asked.maximum, `${path}.maximum`),
      },
      now: memoryAmounts(canonical),
      live: live && memoryAmounts(live),
      settlesLater: true,
      format: text,
      call: (memory, flags) => ({ procedure: 'DOMAIN_SET_MEMORY_FLAGS', args: { memory, flags } }),
      whyNotMaximum: (maximum) => whyNotMaximum(canonical, maximum),
      liveObstacle: () =>
        live?.value('devices/memballoon/@model') === 'none'
          ? 'the running guest has no memory balloon (qemuDomainSetMemoryFlags)'
          : undefined,
      cooperation: () => 'the balloon driver of the guest gives or takes the memory',
    });
  },
};

/** True when a guest runs with the memory of the canonical document: QEMU gets whole MiB for each cell (qemuDomainAlignMemorySizes). */
export function isMemoryOf(guest: DomainDocument, canonical: DomainDocument): boolean {
  const above = memoryAmounts(guest).maximum - memoryAmounts(canonical).maximum;
  const cells = Math.max(select(guest.root, 'cpu/numa/cell').length, 1);
  return above >= 0 && above < cells * 1024;
}

/** True when a document asks for what QEMU makes of the domain's memory, which is not in whole MiB: its guest has that already. */
function isRoundedUp(document: DomainDocument, canonical: DomainDocument): boolean {
  const { current, maximum } = memoryAmounts(document);
  const isWhole = (amount: number) => amount % 1024 === 0;
  return (
    current === maximum &&
    isWhole(maximum) &&
    !isWhole(memoryAmounts(canonical).maximum) &&
    isMemoryOf(document, canonical)
  );
}

/** With its unit: a bare small number is asked about, as a request's. */
function asSize(kib: number): Size {
  return `${kib} KiB`;
}

function text(kib: number): string {
  return formatBytes(BigInt(kib) * 1024n);
}

/** How much memory a document says the guest has, and at most, in KiB; memory modules are counted in. */
export function memoryAmounts(document: DomainDocument): { current: number; maximum: number } {
  const maximum = ofCells(document) || (kib(document.root, 'memory') ?? 0);
  const current = kib(document.root, 'currentMemory') ?? 0;
  // libvirt takes no amount, and one above the maximum, for the maximum (virDomainDefPostParseMemory).
  return { maximum, current: current === 0 || current > maximum ? maximum : current };
}

/** With NUMA cells these and the memory modules are the memory, whatever `<memory>` says (virDomainDefGetMemoryTotal); 0 without. */
function ofCells(document: DomainDocument): number {
  const cells = cellsOf(document);
  return cells === 0 ? 0 : cells + sumOf(select(document.root, 'devices/memory'), 'target/size');
}

function cellsOf({ root }: DomainDocument): number {
  return sumOf(select(root, 'cpu/numa/cell'), '@memory');
}

/** In KiB. */
function sumOf(elements: readonly Element[], path: string): number {
  return elements.reduce((all, element) => all + (kib(element, path) ?? 0), 0);
}

/** An amount in KiB; libvirt rounds up (virDomainParseMemory). */
function kib(element: Element, path: string): number | undefined {
  const value = valueAt(element, path);
  const unit = valueAt(element, path.startsWith('@') ? '@unit' : `${path}/@unit`);
  return value === undefined ? undefined : Number((bytesOfXml(value, unit, 'KiB') + 1023n) / 1024n);
}

function whyNotMaximum(canonical: DomainDocument, maximum: number): { reason: string; remedy: string } | undefined {
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
  const limit = kib(canonical.root, 'maxMemory');
  if (limit !== undefined && maximum > limit) {
    return { reason: 'it is more than maxMemory, which no call changes', remedy: 'Stay within maxMemory' };
  }
  return undefined;
}
