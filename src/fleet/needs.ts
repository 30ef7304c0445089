import { bytesOfXml, type DomainDocument, numbersOf } from '../domain/index.js';
import { type Element, select, valueAt } from '../xml/index.js';

/** Memory in huge pages. */
export interface HugePageNeed {
  /** Bytes of one page; undefined for the host's default. */
  readonly size: number | undefined;
  readonly bytes: number;
}

/** What a running domain takes of its host. Bytes; what QEMU itself takes beside the guest's memory is not in them. */
export interface DomainNeeds {
  /** In ordinary pages: all that the guest may have, whatever its balloon has given back. */
  readonly memory: number;
  readonly vcpus: number;
  readonly hugePages: readonly HugePageNeed[];
  /** NUMA cells of the host that its memory must come from; undefined for any. */
  readonly cells: readonly number[] | undefined;
  /** CPUs of the host that it is pinned to, by their numbers; empty for none. */
  readonly cpus: readonly number[];
}

/** What a domain that is off takes. */
export const NOTHING: DomainNeeds = { memory: 0, vcpus: 0, hugePages: [], cells: undefined, cpus: [] };

/** Modes of `<numatune>` under which memory comes from the named cells or not at all. */
const BINDING: readonly string[] = ['strict', 'restrictive'];

/** Reads what a domain takes from its document: the live one when it runs. */
export function needsOf({ root }: DomainDocument): DomainNeeds {
  const all = sized(root, 'memory');
  const hugePages = hugePagesOf(root, all);
  const inHugePages = hugePages.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    memory: Math.max(0, all - inHugePages),
    vcpus: Number(valueAt(root, 'vcpu/@current') ?? valueAt(root, 'vcpu') ?? 1),
    hugePages,
    cells: cellsOf(root),
    cpus: cpusOf(root),
  };
}

function sized(element: Element, path: string, unit = 'KiB'): number {
  return Number(bytesOfXml(valueAt(element, path) ?? '0', valueAt(element, `${path}/@unit`), unit));
}

/** `<hugepages>` without a `<page>` is all memory in the host's default; a page may be for some of the guest's cells. */
function hugePagesOf(root: Element, all: number): HugePageNeed[] {
  if (select(root, 'memoryBacking/hugepages').length === 0) return [];
  const pages = select(root, 'memoryBacking/hugepages/page');
  if (pages.length === 0) return [{ size: undefined, bytes: all }];
  const cells = select(root, 'cpu/numa/cell').map((cell) => ({
    id: Number(cell.getAttribute('id')),
    bytes: Number(bytesOfXml(cell.getAttribute('memory') ?? '0', cell.getAttribute('unit') ?? undefined, 'KiB')),
  }));
  const own = new Set<number>();
  const found: HugePageNeed[] = [];
  let rest: number | undefined;
  for (const page of pages) {
    const size = Number(bytesOfXml(page.getAttribute('size') ?? '0', page.getAttribute('unit') ?? undefined, 'KiB'));
    const nodeset = page.getAttribute('nodeset');
    if (!nodeset) {
      rest = size;
      continue;
    }
    const numbers = numbersOf(nodeset, 'memoryBacking.hugepages.page.nodeset');
    for (const id of numbers) own.add(id);
    const bytes = cells.filter(({ id }) => numbers.includes(id)).reduce((sum, cell) => sum + cell.bytes, 0);
    if (bytes > 0) found.push({ size, bytes });
  }
  const said = found.reduce((sum, { bytes }) => sum + bytes, 0);
  return rest === undefined || said >= all ? found : [...found, { size: rest, bytes: all - said }];
}

function cellsOf(root: Element): number[] | undefined {
  const memory = select(root, 'numatune/memory')[0];
  const nodeset = memory?.getAttribute('nodeset');
  if (!nodeset || !BINDING.includes(memory?.getAttribute('mode') || 'strict')) return undefined;
  return numbersOf(nodeset, 'numatune.memory.nodeset');
}

/** A start fails when one of these is not there: where vCPUs are pinned to, and where those go that are not. */
function cpusOf(root: Element): number[] {
  const sets = select(root, 'vcpu|cputune/vcpupin|cputune/emulatorpin|cputune/iothreadpin').flatMap(
    (each) => each.getAttribute('cpuset') || [],
  );
  return [...new Set(sets.flatMap((set) => numbersOf(set, 'cpuset')))].sort((a, b) => a - b);
}
