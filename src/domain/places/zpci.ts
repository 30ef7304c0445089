import type { Assignment } from '../devices/index.js';
import type { Device, DomainDocument } from '../document.js';

/** The two numbers that an s390x guest knows a PCI device by (virDomainZPCIAddressReserveAddr). */
const NUMBERS = [
  { name: 'uid', path: 'address/zpci/@uid', first: 1, last: 0xffff, digits: 4 },
  { name: 'fid', path: 'address/zpci/@fid', first: 0, last: 0xffffffff, digits: 8 },
] as const;

/** Numbers of zPCI that a document's devices have, over both documents: libvirt gives each document its own otherwise. */
export class ZpciNumbers {
  readonly #taken = new Map<string, string>();

  constructor(documents: readonly DomainDocument[]) {
    for (const { devices } of documents) for (const device of devices) this.take(device);
  }

  take({ leaves, identity }: Pick<Device, 'leaves' | 'identity'>): void {
    for (const { path } of NUMBERS) {
      const value = leaves.get(path);
      if (value !== undefined) this.#taken.set(keyOf(path, Number(value)), identity);
    }
  }

  /** Says what is wrong with numbers that a request gives; undefined when they can be had. */
  problem({ leaves, identity }: Pick<Device, 'leaves' | 'identity'>): string | undefined {
    for (const { name, path, first, last } of NUMBERS) {
      const value = leaves.get(path);
      if (value === undefined) continue;
      const number = /^(0x[0-9a-f]+|\d+)$/i.test(value) ? Number(value) : Number.NaN;
      if (!(number >= first && number <= last))
        return `"${value}" is no ${name} of zPCI, which goes from ${first} to 0x${last.toString(16)}`;
      const holder = this.#taken.get(keyOf(path, number));
      if (holder !== undefined && holder !== identity) return `the zPCI ${name} ${value} is taken by ${holder}`;
    }
    return undefined;
  }

  /** The lowest numbers that are free in both documents, for what the request leaves out. */
  choose(leaves: Device['leaves']): Assignment[] {
    return NUMBERS.filter(({ path }) => !leaves.has(path)).map(({ path, first, digits }) => {
      let number: number = first;
      while (this.#taken.has(keyOf(path, number))) number++;
      return [path, `0x${number.toString(16).padStart(digits, '0')}`];
    });
  }
}

const keyOf = (path: string, number: number) => `${path} ${number}`;
