import type { Leaves } from '../../xml/index.js';
import { formatValue, specInvalid } from '../values.js';

/** Where a device sits on its bus, as `<address>` says it. All numbers are plain integers. */
export type Address =
  | {
      readonly type: 'pci';
      readonly domain: number;
      readonly bus: number;
      readonly slot: number;
      readonly function: number;
    }
  | {
      readonly type: 'drive';
      readonly controller: number;
      readonly bus: number;
      readonly target: number;
      readonly unit: number;
    }
  | { readonly type: 'usb'; readonly bus: number; readonly port: string }
  | { readonly type: 'virtio-serial'; readonly controller: number; readonly bus: number; readonly port: number }
  | { readonly type: 'ccid'; readonly controller: number; readonly slot: number }
  | { readonly type: 'dimm'; readonly slot: number; readonly base: string | undefined }
  | { readonly type: 'ccw'; readonly cssid: number; readonly ssid: number; readonly devno: number }
  | { readonly type: 'spapr-vio'; readonly reg: number }
  /** The address has no attribute: which transport the device is on is QEMU's choice at each start. */
  | { readonly type: 'virtio-mmio' }
  | { readonly type: 'isa'; readonly iobase: string | undefined; readonly irq: string | undefined }
  | { readonly type: 'other'; readonly text: string };

export type PciAddress = Extract<Address, { type: 'pci' }>;

/** The leaves without a PCI address of 0000:00:00, where nothing can sit: libvirt takes it for none (virPCIDeviceAddressIsEmpty). */
export function withoutEmptyAddress(leaves: Leaves): Leaves {
  const zero = (name: string) => cNumber(leaves.get(`address/@${name}`) ?? '0') === 0;
  if (leaves.get('address/@type') !== 'pci' || !zero('domain') || !zero('bus') || !zero('slot')) return leaves;
  return new Map([...leaves].filter(([path]) => !/^address\/@(domain|bus|slot|function)$/.test(path)));
}

/** A number as C writes it, octal with a zero before it: so libvirt reads the parts of a PCI address (virPCIDeviceAddressParseXML). */
const cNumber = (text: string): number => (/^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text));

/** The address that an element's leaves hold; undefined when libvirt has not given it one. */
export function addressOf(leaves: Leaves): Address | undefined {
  const type = leaves.get('address/@type');
  if (type === undefined) return undefined;
  const number = (name: string) => Number(leaves.get(`address/@${name}`) ?? 0);
  const pci = (name: string) => cNumber(leaves.get(`address/@${name}`) ?? '0');
  switch (type) {
    case 'pci':
      // A request may say only that the device is to sit on PCI.
      if (!leaves.has('address/@bus') && !leaves.has('address/@slot')) return undefined;
      return { type, domain: pci('domain'), bus: pci('bus'), slot: pci('slot'), function: pci('function') };
    case 'drive':
      return {
        type,
        controller: number('controller'),
        bus: number('bus'),
        target: number('target'),
        unit: number('unit'),
      };
    case 'usb':
      return { type, bus: number('bus'), port: leaves.get('address/@port') ?? '' };
    case 'virtio-serial':
      return { type, controller: number('controller'), bus: number('bus'), port: number('port') };
    case 'ccid':
      return { type, controller: number('controller'), slot: number('slot') };
    case 'dimm':
      return { type, slot: number('slot'), base: leaves.get('address/@base') };
    case 'ccw':
      // Without numbers it says only that the device is to sit there.
      if (!leaves.has('address/@devno')) return undefined;
      return { type, cssid: number('cssid'), ssid: number('ssid'), devno: number('devno') };
    case 'spapr-vio':
      // Without a number it says only that the device is to sit there.
      return leaves.has('address/@reg') ? { type, reg: number('reg') } : undefined;
    case 'virtio-mmio':
      return { type };
    case 'isa':
      return { type, iobase: leaves.get('address/@iobase'), irq: leaves.get('address/@irq') };
    default: {
      const parts = [...leaves].filter(([path]) => path.startsWith('address/@') && path !== 'address/@type');
      return { type: 'other', text: [type, ...parts.map(([path, value]) => `${path.slice(9)}=${value}`)].join(' ') };
    }
  }
}

/** Highest values of each part of an address, by type. */
const LIMITS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  pci: { domain: 0xffff, bus: 0xff, slot: 0x1f, function: 7 },
  drive: { controller: 0xffffffff, bus: 0xffffffff, target: 0xffffffff, unit: 0xffffffff },
  // virDomainDeviceCCWAddressIsValid
  ccw: { cssid: 0xfe, ssid: 3, devno: 0xffff },
  'spapr-vio': { reg: 0xffffffff },
};

/** What no address of that type can have; undefined when it is well-formed. libvirt would say so only to the call. */
export function addressProblem(leaves: Leaves): string | undefined {
  const type = leaves.get('address/@type') ?? '';
  const limits = Object.entries(LIMITS[type] ?? {});
  const given = limits.filter(([name]) => leaves.has(`address/@${name}`));
  if (type === 'ccw' && given.length > 0 && given.length < limits.length)
    return 'a ccw address has all of cssid, ssid and devno, or none of them';
  for (const [name, limit] of given) {
    const value = leaves.get(`address/@${name}`) ?? '';
    if (!/^(0x[0-9a-f]+|[0-9]+)$/i.test(value) || Number(value) > limit)
      return `"${value}" is no ${name} of a ${type} address, which goes from 0 to 0x${limit.toString(16)}`;
  }
  return undefined;
}

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');

/** An address in one line, equal exactly when two addresses are: `pci 0000:04:00.0`, `drive 0:0:0:1`, `ccw fe.0.0001`. */
export function addressText(address: Address): string {
  switch (address.type) {
    case 'pci':
      return `pci ${hex(address.domain, 4)}:${hex(address.bus, 2)}:${hex(address.slot, 2)}.${address.function}`;
    case 'drive':
      return `drive ${address.controller}:${address.bus}:${address.target}:${address.unit}`;
    case 'usb':
      return `usb ${address.bus}:${address.port}`;
    case 'virtio-serial':
      return `virtio-serial ${address.controller}:${address.bus}:${address.port}`;
    case 'ccid':
      return `ccid ${address.controller}:${address.slot}`;
    case 'dimm':
      return `dimm ${address.slot}${address.base ? `@${address.base}` : ''}`;
    case 'ccw':
      return `ccw ${address.cssid.toString(16)}.${address.ssid}.${hex(address.devno, 4)}`;
    case 'spapr-vio':
      return `spapr-vio 0x${hex(address.reg, 8)}`;
    case 'virtio-mmio':
      return address.type;
    case 'isa':
      return `isa ${[address.iobase, address.irq].filter(Boolean).join(' irq ')}`;
    case 'other':
      return address.text;
  }
}

/** True when both have an address, and it is one. */
export function isSameAddress(a: Address | undefined, b: Address | undefined): boolean {
  return a !== undefined && b !== undefined && addressText(a) === addressText(b);
}

/** The leaves of an `<address>` element in libvirt's own notation. */
export function addressLeaves(address: Exclude<Address, { type: 'other' }>): ReadonlyArray<readonly [string, string]> {
  const { type, ...parts } = address;
  const values = Object.entries(parts).filter((part) => part[1] !== undefined);
  const notation = (name: string, value: string | number) => {
    if (type === 'spapr-vio') return `0x${hex(Number(value), 8)}`;
    if (type === 'ccw') return `0x${hex(Number(value), name === 'devno' ? 4 : 1)}`;
    if (type !== 'pci') return String(value);
    return `0x${hex(Number(value), name === 'domain' ? 4 : name === 'function' ? 1 : 2)}`;
  };
  return [
    ['address/@type', type],
    ...values.map(([name, value]) => [`address/@${name}`, notation(name, value as string | number)] as const),
  ];
}

/** The forms of an address in a request, and how each is read. */
const FORMS: ReadonlyArray<
  readonly [form: RegExp, read: (parts: string[]) => Exclude<Address, { type: 'other' | 'isa' }>]
> = [
  [
    /^(?:pci )?(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,2}):([0-9a-f]{1,2})\.([0-7])$/i,
    ([domain = '0', bus = '', slot = '', fn = '']) => ({
      type: 'pci',
      domain: Number.parseInt(domain, 16),
      bus: Number.parseInt(bus, 16),
      slot: Number.parseInt(slot, 16),
      function: Number(fn),
    }),
  ],
  [
    /^drive (\d{1,3}):(\d{1,3}):(\d{1,3}):(\d{1,5})$/,
    ([controller, bus, target, unit]) => ({
      type: 'drive',
      controller: Number(controller),
      bus: Number(bus),
      target: Number(target),
      unit: Number(unit),
    }),
  ],
  [/^usb (\d{1,3}):(\d{1,3}(?:\.\d{1,3}){0,3})$/, ([bus, port = '']) => ({ type: 'usb', bus: Number(bus), port })],
  [
    /^virtio-serial (\d{1,3}):(\d{1,3}):(\d{1,3})$/,
    ([controller, bus, port]) => ({
      type: 'virtio-serial',
      controller: Number(controller),
      bus: Number(bus),
      port: Number(port),
    }),
  ],
  [
    /^ccid (\d{1,3}):(\d{1,3})$/,
    ([controller, slot]) => ({ type: 'ccid', controller: Number(controller), slot: Number(slot) }),
  ],
  [
    /^ccw ([0-9a-f]{1,2})\.([0-3])\.([0-9a-f]{1,4})$/i,
    ([cssid = '', ssid, devno = '']) => ({
      type: 'ccw',
      cssid: Number.parseInt(cssid, 16),
      ssid: Number(ssid),
      devno: Number.parseInt(devno, 16),
    }),
  ],
  [/^spapr-vio 0x([0-9a-f]{1,8})$/i, ([reg = '']) => ({ type: 'spapr-vio', reg: Number.parseInt(reg, 16) })],
  [/^virtio-mmio$/, () => ({ type: 'virtio-mmio' })],
  [/^dimm (\d{1,3})(?:@(0x[0-9a-f]{1,16}))?$/, ([slot, base]) => ({ type: 'dimm', slot: Number(slot), base })],
];

/** True for a text that {@link parseAddress} reads. */
export function isPlace(text: string): boolean {
  return FORMS.some(([form]) => form.test(text));
}

/** An address as a request writes it, which is as {@link addressText} shows it; `SPEC_INVALID` naming `path` otherwise. */
export function parseAddress(text: unknown, path: string): Exclude<Address, { type: 'other' | 'isa' }> {
  for (const [form, read] of FORMS) {
    const match = typeof text === 'string' ? form.exec(text) : null;
    if (!match) continue;
    const address = read(match.slice(1));
    if (address.type === 'pci' && address.slot > 0x1f) {
      throw specInvalid(
        path,
        `slot 0x${hex(address.slot, 2)} does not exist on a PCI bus`,
        'Slots go from 0x00 to 0x1f',
      );
    }
    return address;
  }
  throw specInvalid(
    path,
    `${formatValue(text)} is not an address`,
    "Give it as devices() shows it, for example '0000:04:00.0' or 'drive 0:0:0:1'",
  );
}
