import {
  addressText,
  type Device,
  type DomainDocument,
  namesOnceWritten,
  type ObservedDomain,
  type Operation,
  OWN_METADATA,
  ownElement,
  ownElementOperations,
} from '../domain/index.js';
import { buildElement, children } from '../xml/index.js';

const { prefix: PREFIX, uri: URI } = OWN_METADATA.intent;

/** A device as the intent remembers it: enough to know it again, and nothing of its contents. */
interface Remembered {
  readonly kind: string;
  readonly alias: string | undefined;
  readonly name: string;
  readonly address: string | undefined;
}

/** What callers asked for last, kept in the domain's own `<metadata>`: which devices are theirs, and where gone ones sat. */
export class Intent {
  readonly #devices: readonly Remembered[];
  readonly #freed: readonly Remembered[];

  constructor(devices: readonly Remembered[] = [], freed: readonly Remembered[] = []) {
    this.#devices = sorted(devices);
    this.#freed = sorted(freed);
  }

  /** The intent in a document; undefined when this library never wrote one there, or only for the domain that it is a copy of. */
  static read(document: DomainDocument): Intent | undefined {
    const element = ownElement(document, 'intent');
    if (!element) return undefined;
    const all = (name: string) =>
      children(element)
        .filter((each) => each.localName === name)
        .map(remembered);
    const byAlias = new Map(document.devices.map((device) => [device.userAlias, device]));
    return new Intent(
      resolved(all('device'), document).map((each) => renamed(each, byAlias)),
      all('freed'),
    );
  }

  /** What a definition asks for, by the names that libvirt will write. */
  static ofDefinition(asked: readonly Device[], document: DomainDocument): Intent {
    return new Intent(
      asked
        .filter((device) => isRemembered(device) && !becomesSerial(device, document))
        .map((device) => ({ ...memoryOf(device), name: nameOnceWritten(device, document) })),
    );
  }

  /** True when callers asked for the device. */
  owns(device: Device): boolean {
    return this.#devices.some((each) => means(each, device));
  }

  /** Where a device sat before it was detached. */
  formerAddress(device: Device): string | undefined {
    return this.#freed.find((each) => means(each, device))?.address;
  }

  /** Places that detached devices left. */
  get freedAddresses(): readonly string[] {
    return this.#freed.flatMap(({ address }) => (address === undefined ? [] : [address]));
  }

  /** The intent after a plan: with what it attaches or finds as asked, without what it detaches. */
  after(asked: readonly Device[], detached: readonly Device[]): Intent {
    const touched = (each: Remembered) => [...asked, ...detached].some((device) => means(each, device));
    return new Intent(
      // Controllers are what devices stand on: gone with a device that is not asked for any more, they would take room along.
      [...this.#devices.filter((each) => !touched(each)), ...asked.filter(isRemembered).map(memoryOf)],
      this.#freedAfter(asked, detached),
    );
  }

  /** True when both say the same. */
  equals(other: Intent): boolean {
    const text = (of: Intent) => JSON.stringify([of.#devices.map(({ address: _, ...rest }) => rest), of.#freed]);
    return text(this) === text(other);
  }

  /** The intent after a plan towards a whole desired state: what was asked before and is not any more is forgotten. */
  towards(asked: readonly Device[], detached: readonly Device[]): Intent {
    return new Intent(asked.filter(isRemembered).map(memoryOf), this.#freedAfter(asked, detached));
  }

  /** One device for each place: the one that left it last, until it is back. */
  #freedAfter(asked: readonly Device[], detached: readonly Device[]): Remembered[] {
    const freed = new Map<string, Remembered>();
    const back = (each: Remembered) => asked.some((device) => means(each, device));
    for (const each of [...this.#freed, ...detached.map(memoryOf)])
      if (each.address !== undefined && !back(each)) freed.set(`${each.kind} ${each.address}`, each);
    return [...freed.values()];
  }

  /** The element, without the prefix that libvirt adds, for the domain of that UUID. */
  toXml(uuid: string): string {
    const leaves = [
      ...this.#devices.map((each) => ['device', each] as const),
      ...this.#freed.map((each) => ['freed', each] as const),
    ];
    const counts: Record<string, number> = {};
    return buildElement('intent', [
      ['@domain', uuid],
      ...leaves.flatMap(([element, { kind, alias, name, address }]) => {
        const nth = (counts[element] ?? 0) + 1;
        counts[element] = nth;
        const at = nth === 1 ? element : `${element}[${nth}]`;
        const attributes = { kind, alias, name, address: element === 'freed' ? address : undefined };
        return Object.entries(attributes).flatMap(([key, value]) =>
          value === undefined ? [] : [[`${at}/@${key}`, value] as const],
        );
      }),
    ]);
  }

  /** The element as it stands in a definition, with the prefix that libvirt gives it and its children when it is set. */
  toDefinitionXml(uuid: string): string {
    return this.toXml(uuid)
      .replace(/^<intent/, `<intent xmlns:${PREFIX}="${URI}"`)
      .replace(/<(\/?)(intent|device|freed)\b/g, `<$1${PREFIX}:$2`);
  }

  /** The operation that writes it; undefined when the document says the same already. */
  operation(context: ObservedDomain, written: Intent | undefined): Operation | undefined {
    if (written?.equals(this)) return undefined;
    const [operation] = ownElementOperations('intent', this.toXml(context.canonical.uuid), context);
    return (
      operation && {
        ...operation,
        changes: [],
        reason: 'which devices callers asked for, for the next planTowards',
      }
    );
  }
}

function remembered(element: DomainDocument['root']): Remembered {
  const of = (name: string) => element.getAttribute(name) ?? undefined;
  return { kind: of('kind') ?? '', alias: of('alias'), name: of('name') ?? '', address: of('address') };
}

/** With the names that devices have now: a controller gets its index only at define, and an alias outlives a name. */
function renamed(each: Remembered, byAlias: ReadonlyMap<string | undefined, Device>): Remembered {
  const found = each.alias === undefined ? undefined : byAlias.get(each.alias);
  return found && found.kind.element === each.kind ? memoryOf(found) : each;
}

/**
 * Devices without a name of their own are known by their place, which a definition does not say yet: they are remembered
 * by their order, and found again as long as there are as many of them.
 */
function resolved(devices: readonly Remembered[], document: DomainDocument): Remembered[] {
  const isOrdinal = ({ alias, name }: Remembered) => alias === undefined && name.startsWith('#');
  if (!devices.some(isOrdinal)) return [...devices];
  const others = devices.filter((each) => !isOrdinal(each));
  return [
    ...others,
    ...[...new Set(devices.filter(isOrdinal).map(({ kind }) => kind))].flatMap((kind) => {
      const unnamed = document.devices.filter(
        (device) => device.kind.element === kind && isUnnamed(device) && !others.some((each) => means(each, device)),
      );
      const ordinals = devices.filter((each) => each.kind === kind && isOrdinal(each));
      return unnamed.length === ordinals.length ? unnamed.map(memoryOf) : ordinals;
    }),
  ];
}

function isUnnamed({ kind, leaves, userAlias }: Device): boolean {
  return userAlias === undefined && kind.names(leaves).every((name) => name === undefined || name === '');
}

/** True for a first console without a serial port: libvirt makes one of it, and lists the console as its mirror. */
function becomesSerial({ kind, leaves }: Device, { devices }: DomainDocument): boolean {
  const isSerial = (leaves.get('target/@type') ?? 'serial') === 'serial';
  return kind.element === 'console' && isSerial && !devices.some((other) => other.kind.element === 'serial');
}

/** A name with what libvirt will add to it, such as the bus of an input, and the number that tells it from a twin. */
function nameOnceWritten({ kind, leaves, name }: Device, document: DomainDocument): string {
  const [plain] = kind.names(leaves);
  const [written] = namesOnceWritten(kind, leaves, document);
  return plain && written && name.startsWith(plain) ? `${written}${name.slice(plain.length)}` : name;
}

function memoryOf({ kind, userAlias, name, address }: Device): Remembered {
  return { kind: kind.element, alias: userAlias, name, address: address && addressText(address) };
}

function means({ kind, alias, name }: Remembered, device: Device): boolean {
  if (kind !== device.kind.element) return false;
  return alias !== undefined && device.userAlias !== undefined ? alias === device.userAlias : name === device.name;
}

function isRemembered({ kind, userAlias }: Device): boolean {
  return kind.element !== 'controller' || userAlias !== undefined;
}

/** In one order always, so that an intent that has not changed is not written again. */
function sorted(devices: readonly Remembered[]): readonly Remembered[] {
  const keyed = devices.map((each) => ({ each, key: `${each.kind} ${each.alias ?? ''} ${each.name}` }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ each }) => each);
}
