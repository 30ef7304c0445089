import type { HostInfo } from '../host/index.js';
import type { DomainNeeds, HugePageNeed } from './needs.js';

/** What a host has and has left, in bytes and CPUs. */
export interface HostFigures {
  /** Domains that run there, and vCPUs of them. CPUs may be given out more than once; the sum is told and not limited. */
  readonly domains: number;
  readonly vcpus: number;
  readonly cpus: number;
  readonly memory: { readonly total: number; readonly available: number };
  /** NUMA cells: what is free of each in ordinary pages, caches not counted, and of its huge pages. */
  readonly cells: readonly CellFigures[];
}

/** One NUMA cell. */
export interface CellFigures {
  readonly id: number;
  readonly free: number;
  readonly hugePages: ReadonlyArray<{ readonly size: number; readonly free: number }>;
}

/** What makes a domain not fit: for people, with what would help. */
export interface Lack {
  readonly reason: string;
  readonly remedy: string;
}

/** Bytes of the pages that every process has; all others are huge. */
const ORDINARY = 65_536;

/** The figures of a host as it is; `domains` and `vcpus` are of what runs there. */
export function figuresOf(info: HostInfo, running: { readonly domains: number; readonly vcpus: number }): HostFigures {
  const { total, free, available } = info.memory;
  return {
    ...running,
    cpus: info.cpu.count,
    memory: { total: Number(total), available: Number(available ?? free) },
    cells: info.numa.map((cell) => ({
      id: cell.id,
      free: Number(cell.free ?? 0n),
      hugePages: cell.pages
        .filter(({ size }) => size > ORDINARY)
        .map(({ size, free = 0n }) => ({ size: Number(size), free: Number(size * free) })),
    })),
  };
}

interface Cell {
  readonly id: number;
  free: number;
  readonly hugePages: Map<number, number>;
}

/** The room that is left on a host while a plan gives it out. */
export class HostRoom {
  readonly name: string;
  readonly #cpuIds: ReadonlySet<number>;
  readonly #keep: number;
  readonly #cpus: number;
  readonly #total: number;
  #available: number;
  #domains: number;
  #vcpus: number;
  readonly #cells: Cell[];

  /** `cpuIds`: CPUs that a domain may be pinned to. `keep`: bytes of memory that no plan gives away. */
  constructor(name: string, figures: HostFigures, cpuIds: readonly number[], keep: number) {
    this.name = name;
    this.#cpuIds = new Set(cpuIds);
    this.#keep = keep;
    this.#cpus = figures.cpus;
    this.#total = figures.memory.total;
    this.#available = figures.memory.available;
    this.#domains = figures.domains;
    this.#vcpus = figures.vcpus;
    this.#cells = figures.cells.map(({ id, free, hugePages }) => ({
      id,
      free,
      hugePages: new Map(hugePages.map((each) => [each.size, each.free])),
    }));
  }

  /** Bytes that a plan can still give away. */
  get left(): number {
    return this.#available - this.#keep;
  }

  get figures(): HostFigures {
    return {
      domains: this.#domains,
      vcpus: this.#vcpus,
      cpus: this.#cpus,
      memory: { total: this.#total, available: this.#available },
      cells: this.#cells.map(({ id, free, hugePages }) => ({
        id,
        free,
        hugePages: [...hugePages].map(([size, left]) => ({ size, free: left })),
      })),
    };
  }

  copy(): HostRoom {
    return new HostRoom(this.name, this.figures, [...this.#cpuIds], this.#keep);
  }

  /** What the host lacks for it; undefined when it fits. */
  lack(needs: DomainNeeds): Lack | undefined {
    return this.#lackOfCpus(needs) ?? this.#lackOfMemory(needs) ?? this.#lackOfHugePages(needs);
  }

  /** Gives room away, whether it fits or not. Memory that may come from any cell is taken from where most is free. */
  take({ memory, vcpus, hugePages, cells }: DomainNeeds): void {
    // One that is off takes no CPU and counts for none that run.
    this.#domains += vcpus > 0 ? 1 : 0;
    this.#vcpus += vcpus;
    this.#available -= memory;
    const near = this.#near(cells);
    let left = memory;
    for (const cell of near) {
      const part = Math.min(left, Math.max(0, cell.free));
      cell.free -= part;
      left -= part;
    }
    for (const need of hugePages) {
      const size = need.size ?? this.#defaultSize();
      let wanted = wholePages(need, size);
      for (const cell of near) {
        const part = Math.min(wanted, cell.hugePages.get(size) ?? 0);
        if (part > 0) cell.hugePages.set(size, (cell.hugePages.get(size) as number) - part);
        wanted -= part;
      }
    }
  }

  /** Gets back what a domain leaves. Of several cells nobody tells which one it had its memory from: those stay as they are. */
  release({ memory, vcpus, hugePages, cells }: DomainNeeds): void {
    this.#domains -= vcpus > 0 ? 1 : 0;
    this.#vcpus -= vcpus;
    this.#available += memory;
    const [cell, another] = this.#near(cells);
    if (!cell || another) return;
    cell.free += memory;
    for (const need of hugePages) {
      const size = need.size ?? this.#defaultSize();
      const had = cell.hugePages.get(size);
      if (had !== undefined) cell.hugePages.set(size, had + wholePages(need, size));
    }
  }

  #near(cells: readonly number[] | undefined): Cell[] {
    return this.#cells.filter(({ id }) => cells === undefined || cells.includes(id)).sort((a, b) => b.free - a.free);
  }

  #lackOfCpus({ cpus, cells }: DomainNeeds): Lack | undefined {
    const missing = cpus.filter((cpu) => !this.#cpuIds.has(cpu));
    if (missing.length > 0)
      return {
        reason: `it is pinned to CPU ${missing.join(', ')}, which ${this.name} does not have`,
        remedy: 'Pin it to others, or let it go to another host',
      };
    const absent = (cells ?? []).filter((id) => !this.#cells.some((cell) => cell.id === id));
    if (absent.length === 0) return undefined;
    return {
      reason: `its memory is bound to NUMA cell ${absent.join(', ')}, which ${this.name} does not have`,
      remedy: 'Bind it to others, or let it go to another host',
    };
  }

  #lackOfMemory({ memory, cells }: DomainNeeds): Lack | undefined {
    if (memory > this.left)
      return {
        reason: `it takes ${amount(memory)} of memory, and ${this.name} has ${amount(Math.max(0, this.left))} to give${this.#keep > 0 ? ` beside the ${amount(this.#keep)} that are kept free` : ''}`,
        remedy: 'Make room there, give more hosts, or keep less free',
      };
    const bound = this.#near(cells).reduce((sum, { free }) => sum + free, 0);
    if (cells === undefined || memory <= bound) return undefined;
    return {
      reason: `it takes ${amount(memory)} of NUMA cell ${cells.join(', ')}, of which ${amount(bound)} are free on ${this.name}`,
      remedy: 'Make room in those cells, or bind it to others',
    };
  }

  #lackOfHugePages({ hugePages, cells }: DomainNeeds): Lack | undefined {
    const near = this.#near(cells);
    const wanted = new Map<number, number>();
    for (const need of hugePages) {
      const size = need.size ?? this.#defaultSize();
      wanted.set(size, (wanted.get(size) ?? 0) + wholePages(need, size));
    }
    for (const [size, bytes] of wanted) {
      const free = near.reduce((sum, cell) => sum + (cell.hugePages.get(size) ?? 0), 0);
      if (bytes > free)
        return {
          reason: `it takes ${amount(bytes)} in huge pages of ${amount(size)}, of which ${amount(free)} are free on ${this.name}${cells ? ` in NUMA cell ${cells.join(', ')}` : ''}`,
          remedy: 'Set more of them aside there, as vm.nr_hugepages',
        };
    }
    return undefined;
  }

  /** What a domain gets that names no size: the smallest huge pages that the host has. */
  #defaultSize(): number {
    return Math.min(...this.#cells.flatMap(({ hugePages }) => [...hugePages.keys()]), Number.MAX_SAFE_INTEGER);
  }
}

const wholePages = ({ bytes }: HugePageNeed, size: number): number =>
  size === Number.MAX_SAFE_INTEGER ? bytes : Math.ceil(bytes / size) * size;

const UNITS = [
  ['TiB', 1024 ** 4],
  ['GiB', 1024 ** 3],
  ['MiB', 1024 ** 2],
  ['KiB', 1024],
] as const;

/** Bytes as a person reads them, to a tenth. */
export function amount(bytes: number): string {
  const [unit, size] = UNITS.find((each) => bytes >= each[1]) ?? ['B', 1];
  return `${Math.round((bytes / size) * 10) / 10} ${unit}`;
}
