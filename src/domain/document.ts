import { type Element, type Leaves, leaves, parseXml, select, selectText, serialize, valueAt } from '../xml/index.js';
import { type DeviceKind, kindOrUnknown, NOT_A_DEVICE, userAliasOf } from './devices/index.js';
import { type Address, addressOf, addressText, isSameAddress, withoutEmptyAddress } from './places/address.js';

/** One device as a document holds it. */
export interface Device {
  readonly kind: DeviceKind;
  readonly element: Element;
  readonly leaves: Leaves;
  /** The alias, the user's or (live) libvirt's own. */
  readonly alias: string | undefined;
  /** The alias if a user gave it. */
  readonly userAlias: string | undefined;
  /** Natural name within its kind: target, MAC, type and index …; else its address, else its place in the list. */
  readonly name: string;
  /** All names a caller may use for it: id, user alias, natural names. */
  readonly names: readonly string[];
  /** How people see it: `disk root`, `interface 52:54:00:aa:bb:cc`. Unique within a document. */
  readonly identity: string;
  readonly address: Address | undefined;
  /** True when another device of its document has the same name. */
  readonly sharesName?: boolean;
}

/** An expression that only goes down by names, which needs no XPath. */
const PLAIN_PATH = /^[\w-]+(\/[\w-]+)*(\/@[\w-]+)?$|^@[\w-]+$/;

/** One libvirt domain document, never changed, and parsed when something first looks into it. */
export class DomainDocument {
  readonly xml: string;
  #root: Element | undefined;
  #devices: readonly Device[] | undefined;
  #mirrors: readonly Device[] | undefined;

  constructor(xml: string) {
    this.xml = xml;
  }

  /** The `<domain>` element. `XML_MALFORMED` and the like when the text is not XML. */
  get root(): Element {
    this.#root ??= parseXml(this.xml).documentElement as Element;
    return this.#root;
  }

  get devices(): readonly Device[] {
    this.#devices ??= readDevices(this.root, (element) => !isMirror(element));
    return this.#devices;
  }

  /** Consoles that are the first serial port by another name: no devices, but what a caller may ask for. */
  get mirrors(): readonly Device[] {
    this.#mirrors ??= readDevices(this.root, isMirror);
    return this.#mirrors;
  }

  /** True for the document of a running domain: libvirt numbers those. */
  get isLive(): boolean {
    return this.root.hasAttribute('id');
  }

  /** Text of the first node that an XPath expression, relative to `<domain>`, selects. */
  value(expression: string): string | undefined {
    return PLAIN_PATH.test(expression) ? valueAt(this.root, expression) : selectText(this.root, expression);
  }

  get name(): string {
    return this.value('name') ?? '';
  }

  get uuid(): string {
    return (this.value('uuid') ?? '').toLowerCase();
  }

  /** `pc-q35-7.2` and the like. */
  get machine(): string {
    return this.value('os/type/@machine') ?? '';
  }

  /** `x86_64` and the like. */
  get arch(): string {
    return this.value('os/type/@arch') ?? '';
  }

  /** True when boot order stands in `<os>`, which shuts out every per-device order for good. */
  get hasOsBoot(): boolean {
    return this.value('os/boot') !== undefined;
  }

  /** The device that is the same one as `device` of another document: by user alias when both have one, else by name. */
  counterpart(device: Device): Device | undefined {
    const { userAlias, kind } = device;
    if (userAlias !== undefined) {
      const same = this.devices.find((other) => other.userAlias === userAlias);
      if (same) return same;
    }
    const namesakes = this.devices.filter(
      (other) =>
        other.kind.element === kind.element &&
        withoutNumber(other.name) === withoutNumber(device.name) &&
        (userAlias === undefined || other.userAlias === undefined),
    );
    // Those that share a name are told apart by where they sit, and by their order only when they have no place.
    if ((namesakes.length > 1 || device.sharesName) && device.address)
      return namesakes.find((other) => isSameAddress(other.address, device.address));
    return namesakes.find((other) => other.name === device.name);
  }

  /**
   * Devices of one kind (all kinds when undefined) that answer to a name: a name of their own, one with the number that
   * their identity has (`52:54:00:00:00:01 #2`), or else an address as {@link addressText} writes it, with its type or without.
   */
  find(element: string | undefined, name: string): Device[] {
    const asked = name.toLowerCase();
    const candidates = this.devices.filter((device) => element === undefined || device.kind.element === element);
    const called = (text: string) =>
      candidates.filter(({ names }) => names.some((each) => each.toLowerCase() === text));
    const [, base, nth] = /^(.+) #(\d+)$/.exec(asked) ?? [];
    const readings = [
      () => called(asked),
      () => (base === undefined ? [] : called(base).slice(Number(nth) - 1, Number(nth) || 0)),
      () =>
        candidates.filter(({ address }) => {
          const at = address && addressText(address).toLowerCase();
          return at !== undefined && (at === asked || at.replace(/^[\w-]+ /, '') === asked);
        }),
    ];
    return readings.map((read) => read()).find((found) => found.length > 0) ?? [];
  }

  toString(): string {
    return serialize(this.root);
  }
}

/** The name that a device would have were there no other of it. */
export function withoutNumber(name: string): string {
  return name.replace(/ #\d+$/, '');
}

function readDevices(root: Element, which: (element: Element) => boolean): Device[] {
  const ordinals = new Map<string, number>();
  const taken = new Set<string>();
  /** The last number given to an identity: a hostile document may have thousands of one name. */
  const numbers = new Map<string, number>();
  const isDevice = (element: Element) =>
    // libvirt passes over elements of other namespaces.
    !element.namespaceURI && !(NOT_A_DEVICE as readonly string[]).includes(element.nodeName) && which(element);
  const devices = select(root, 'devices/*')
    .filter(isDevice)
    .map((element) => {
      const device = readDevice(element, ordinals);
      let { identity } = device;
      for (let n = (numbers.get(device.identity) ?? 1) + 1; taken.has(identity); n++) {
        identity = `${device.identity} #${n}`;
        numbers.set(device.identity, n);
      }
      taken.add(identity);
      return identity === device.identity
        ? device
        : { ...device, identity, name: `${device.name}${identity.slice(device.identity.length)}` };
    });
  return devices.map((device) => {
    const first = device.identity.replace(/ #\d+$/, '');
    return numbers.has(first) ? { ...device, sharesName: true } : device;
  });
}

/** The first serial port stands a second time as `<console>`, alias, address and all (virDomainDefAddConsoleCompat). */
function isMirror(element: Element): boolean {
  return (
    element.nodeName === 'console' &&
    valueAt(element, 'target/@type') === 'serial' &&
    select(element, '../serial').length > 0
  );
}

/** Reads one device element, from a document or from a request. */
export function readDevice(element: Element, ordinals: Map<string, number> = new Map()): Device {
  const kind = kindOrUnknown(element.nodeName);
  const all = withoutEmptyAddress(leaves(element));
  const address = addressOf(all);
  const userAlias = userAliasOf(all);
  const natural = kind.names(all).filter((name) => name !== undefined && name !== '') as string[];
  const ordinal = (ordinals.get(kind.element) ?? -1) + 1;
  ordinals.set(kind.element, ordinal);
  const name = natural[0] ?? (address ? addressText(address) : `#${ordinal}`);
  return {
    kind,
    element,
    leaves: all,
    alias: all.get('alias/@name'),
    userAlias,
    name,
    names: [...(userAlias ? [userAlias.slice(3), userAlias] : []), ...natural, ...(natural.length === 0 ? [name] : [])],
    identity: `${kind.element} ${userAlias?.slice(3) ?? name}`,
    address,
  };
}
