/** One PCI function as the guest's kernel sees it. */
export interface GuestPciFunction {
  /** `0000:01:00.0`. */
  readonly address: string;
  readonly vendor: string;
  readonly device: string;
  /** Class code, e.g. `0x010000`. */
  readonly class: string;
  /** Driver bound to it, e.g. `virtio-pci`. */
  readonly driver?: string;
}

/** One disk as the guest's kernel sees it. Partitions, loop and RAM disks are left out. */
export interface GuestBlockDevice {
  /** `vda`. */
  readonly name: string;
  readonly bytes: number;
  readonly readOnly: boolean;
  readonly removable: boolean;
  /** Address of the PCI function it hangs on, the controller for disks on a bus. */
  readonly pciAddress?: string;
  /** Below /sys/devices: every bridge, controller and bus address on the way. */
  readonly path: string;
  readonly serial?: string;
}

/** One network interface as the guest's kernel sees it; `lo` is left out. */
export interface GuestInterface {
  readonly name: string;
  readonly mac: string;
  readonly pciAddress?: string;
  readonly path: string;
  readonly operstate: string;
  /** Whether the link is up; absent while the guest has the interface down. */
  readonly carrier?: boolean;
}

/** What the guest sees of its machine. */
export interface GuestReport {
  /** New at each boot of the kernel. */
  readonly bootId: string;
  readonly kernel: string;
  /** Since the boot of the kernel, in milliseconds. */
  readonly uptime: number;
  /** Of the memory the kernel manages, in bytes: somewhat less than the domain has. */
  readonly memoryBytes: number;
  readonly cpuModel: string;
  /** Numbers of the CPUs that run. */
  readonly onlineCpus: readonly number[];
  readonly dmi: { readonly serial: string; readonly uuid: string; readonly product: string; readonly vendor: string };
  readonly pci: readonly GuestPciFunction[];
  readonly disks: readonly GuestBlockDevice[];
  readonly interfaces: readonly GuestInterface[];
}

const PCI_ADDRESS = /[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]/g;

/** Reads the sections the guest prints: `key:value` lines of `grep -H`, `name -> target` lines of `ls -l`. */
export function parseReport(text: string): GuestReport {
  const sections = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('@')) {
      lines = [];
      sections.set(line.slice(1), lines);
    } else if (line !== '') lines.push(line);
  }
  const section = (name: string) => sections.get(name) ?? [];
  const machine = new Map(section('machine').map((line) => pair(line, /\s*:\s*/)));
  const pci = attributes(section('pci'));
  const drivers = new Map(section('pci-links').flatMap(link));
  const block = attributes(section('block'));
  const net = attributes(section('net'));
  const serials = new Map(section('serials').map((line) => pair(line, '/device/vpd_pg80:')));
  const dmi = (name: string) => machine.get(name) ?? '';
  return {
    bootId: machine.get('boot-id') ?? '',
    kernel: machine.get('kernel') ?? '',
    uptime: Math.round(Number.parseFloat(machine.get('uptime') ?? '') * 1000),
    memoryBytes: Number.parseInt(machine.get('MemTotal') ?? '', 10) * 1024,
    cpuModel: machine.get('model name') ?? '',
    onlineCpus: rangeList(machine.get('online-cpus') ?? ''),
    dmi: {
      serial: dmi('product-serial'),
      uuid: dmi('product-uuid'),
      product: dmi('product-name'),
      vendor: dmi('vendor'),
    },
    pci: [...pci].map(([address, of]) => ({
      address,
      vendor: of.get('vendor') ?? '',
      device: of.get('device') ?? '',
      class: of.get('class') ?? '',
      ...optional('driver', drivers.get(`${address}/driver`)?.split('/').at(-1)),
    })),
    disks: section('block-links')
      .flatMap(link)
      .flatMap(([name, target]) => {
        const of = block.get(name);
        const path = target.replace('../../devices/', '');
        if (!of || of.has('partition') || path.startsWith('virtual/')) return [];
        return {
          name,
          bytes: Number(of.get('size')) * 512,
          readOnly: of.get('ro') === '1',
          removable: of.get('removable') === '1',
          ...optional('pciAddress', path.match(PCI_ADDRESS)?.at(-1)),
          path,
          ...optional('serial', of.get('serial') ?? serials.get(name)),
        };
      }),
    interfaces: section('net-links')
      .flatMap(link)
      .flatMap(([name, target]) => {
        const of = net.get(name);
        const path = target.replace('../../devices/', '');
        if (!of || name === 'lo') return [];
        return {
          name,
          mac: of.get('address') ?? '',
          ...optional('pciAddress', path.match(PCI_ADDRESS)?.at(-1)),
          path,
          operstate: of.get('operstate') ?? '',
          ...optional('carrier', of.has('carrier') ? of.get('carrier') === '1' : undefined),
        };
      }),
  };
}

function pair(line: string, separator: string | RegExp): [string, string] {
  const match = typeof separator === 'string' ? separator : (separator.exec(line)?.[0] ?? '');
  const at = line.indexOf(match);
  return [line.slice(0, at), line.slice(at + match.length).trim()];
}

/** `NAME/ATTRIBUTE:VALUE` lines by name. PCI addresses hold colons, attributes do not. */
function attributes(lines: readonly string[]): Map<string, Map<string, string>> {
  const result = new Map<string, Map<string, string>>();
  for (const line of lines) {
    const [, name, attribute, value] = /^(.+)\/(\w+):(.*)$/.exec(line) ?? [];
    if (name === undefined || attribute === undefined || value === undefined) continue;
    const of = result.get(name) ?? new Map<string, string>();
    result.set(name, of.set(attribute, value.trim()));
  }
  return result;
}

function link(line: string): [string, string][] {
  const [, name, target] = /(\S+) -> (.+)$/.exec(line) ?? [];
  return name && target ? [[name, target]] : [];
}

/** `0-1,3` → 0, 1, 3. */
function rangeList(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [first = Number.NaN, last = first] = part.split('-').map(Number);
    return Number.isNaN(first) ? [] : Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value };
}
