import {
  type Change,
  type Device,
  type DiskSourceSpec,
  type DomainDocument,
  decodeSpec,
  formatValue,
  type ObservedDomain,
  type Operation,
  OWN_METADATA,
  ownElement,
  ownElementOperations,
  recordJson,
  type StorageRecord,
  type StorageRequest,
  specInvalid,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { buildElement, children } from '../xml/index.js';

const { prefix: PREFIX, uri: URI } = OWN_METADATA.storage;

/** One disk of a domain: where its data is, and how the caller said that its volume was connected. */
export interface DiskStorage {
  /** As `devices()` shows it: `disk data`. */
  readonly identity: string;
  readonly target: string;
  /** The source as a disk spec says it, such as `{ block: '/dev/sdb' }`; empty for an empty drive. */
  readonly source: DiskSourceSpec;
  /** The record that the caller left; undefined when there is none. */
  readonly connection: StorageRecord | undefined;
}

/** A record, and the disk that it is about: by alias when it has one, else by target. */
interface Kept {
  readonly alias: string | undefined;
  readonly target: string;
  readonly json: string;
}

/** How the volumes of a domain's disks were connected, kept in the domain's own `<metadata>`. */
export class StorageRecords {
  readonly #kept: readonly Kept[];

  constructor(kept: readonly Kept[] = []) {
    // In one order always, so that what has not changed is not written again.
    this.#kept = [...kept].sort((a, b) => (a.target < b.target ? -1 : 1));
  }

  /** The records of a document; none when nobody wrote one. */
  static read(document: DomainDocument): StorageRecords {
    const element = ownElement(document, 'storage');
    return new StorageRecords(
      (element ? children(element) : []).map((each) => ({
        alias: each.getAttribute('alias') ?? undefined,
        target: each.getAttribute('target') ?? '',
        json: each.textContent ?? '',
      })),
    );
  }

  /** The records that a request leads to among these disks; a disk that it names and that is not there is `DEVICE_NOT_FOUND`. */
  with(request: StorageRequest, disks: readonly Device[], path: string): StorageRecords {
    if (typeof request !== 'object' || request === null || Array.isArray(request))
      throw specInvalid(path, `${formatValue(request)} is not an object of records by disk`);
    let kept = this.#kept;
    for (const [name, record] of Object.entries(request)) {
      const where = `${path}.${name}`;
      const json = record === null ? undefined : recordJson(record, where);
      const disk = diskNamed(disks, name, where, json !== undefined);
      if (!disk) continue;
      const { userAlias: alias, name: target } = disk;
      const others = kept.filter((each) => !means(each, disk));
      kept = json === undefined ? others : [...others, { alias, target, json }];
    }
    return new StorageRecords(kept);
  }

  /** Without those of disks that `gone` accepts. */
  without(gone: readonly Device[]): StorageRecords {
    return new StorageRecords(this.#kept.filter((each) => !gone.some((disk) => means(each, disk))));
  }

  /** Only those of disks that are there: a record can outlive a disk that was detached from the next boot on. */
  of(disks: readonly Device[]): StorageRecords {
    return new StorageRecords(this.#kept.filter((each) => disks.some((disk) => means(each, disk))));
  }

  equals(other: StorageRecords): boolean {
    return JSON.stringify(this.#kept) === JSON.stringify(other.#kept);
  }

  /** The record of a disk; undefined when there is none, or when what stands there is none. */
  record(disk: Device): StorageRecord | undefined {
    return parsed(this.#kept.find((each) => means(each, disk))?.json);
  }

  /** The records by themselves, as of disks of which nothing more is known. */
  alone(): DiskStorage[] {
    return this.#kept.map((each) => ({
      identity: nameOf(each),
      target: each.target,
      source: {},
      connection: parsed(each.json),
    }));
  }

  /** The element as it stands in a definition, prefix and all; undefined without records. */
  toDefinitionXml(): string | undefined {
    if (this.#kept.length === 0) return undefined;
    return this.#toXml()
      .replace(/^<storage/, `<${PREFIX}:storage xmlns:${PREFIX}="${URI}"`)
      .replace(/<(\/?)disk\b/g, `<$1${PREFIX}:disk`)
      .replace(/<\/storage>$/, `</${PREFIX}:storage>`);
  }

  /** The operations that write them into both documents, in place of those written there. */
  operations(context: ObservedDomain, written: StorageRecords): Operation[] {
    const xml = this.#kept.length === 0 ? undefined : this.#toXml();
    const changes = written.#changesTo(this);
    return ownElementOperations('storage', xml, context).map((operation) => ({
      ...operation,
      changes,
      reason: 'how the volumes of disks are connected, for the hooks and for whoever comes next',
    }));
  }

  /** What stands in a record is its owner's: a plan says only that there is one. */
  #changesTo(next: StorageRecords): Change[] {
    const before = new Map(this.#kept.map((each) => [nameOf(each), each.json]));
    const after = new Map(next.#kept.map((each) => [nameOf(each), each.json]));
    return [...new Set([...before.keys(), ...after.keys()])].flatMap((path) => {
      const [from, to] = [before.get(path), after.get(path)];
      return from === to ? [] : [{ path, from: from && 'recorded', to: to && (from ? 'another record' : 'recorded') }];
    });
  }

  /** The element, without the prefix that libvirt adds. */
  #toXml(): string {
    return buildElement(
      'storage',
      this.#kept.flatMap(({ alias, target, json }, index) => {
        const at = index === 0 ? 'disk' : `disk[${index + 1}]`;
        const named = alias === undefined ? [] : [[`${at}/@alias`, alias] as const];
        return [...named, [`${at}/@target`, target] as const, [at, json] as const];
      }),
    );
  }
}

/** The disks of a document with their records; `also` those records whose disk the document does not have. */
export function disksOf(document: DomainDocument, gone: 'without' | 'also' = 'without'): DiskStorage[] {
  const records = StorageRecords.read(document);
  const disks = document.devices.filter(isDisk);
  const there = disks.map((disk) => {
    const spec = decodeSpec(disk.kind.fields, disk.leaves) as Record<string, unknown>;
    const sources = (disk.kind.exclusive?.[0] ?? []) as readonly string[];
    const source = Object.fromEntries(sources.flatMap((key) => (spec[key] === undefined ? [] : [[key, spec[key]]])));
    return { identity: disk.identity, target: disk.name, source, connection: records.record(disk) };
  });
  return gone === 'also' ? [...there, ...records.without(disks).alone()] : there;
}

export function isDisk({ kind }: Device): boolean {
  return kind.element === 'disk';
}

function nameOf({ alias, target }: Kept): string {
  return `disk ${alias?.slice(3) ?? target}`;
}

function parsed(json: string | undefined): StorageRecord | undefined {
  try {
    return json === undefined ? undefined : (JSON.parse(json) as StorageRecord);
  } catch {
    // Somebody else wrote there. It is theirs to mend; the next record for the disk replaces it.
    return undefined;
  }
}

function means({ alias, target }: Kept, disk: Device): boolean {
  return alias !== undefined && disk.userAlias !== undefined ? alias === disk.userAlias : target === disk.name;
}

function diskNamed(disks: readonly Device[], name: string, path: string, needed: boolean): Device | undefined {
  const found = [...new Map(disks.map((disk) => [disk.identity, disk])).values()].filter(({ names }) =>
    names.includes(name),
  );
  if (found.length === 1 || (found.length === 0 && !needed)) return found[0];
  throw new LibvirtCanonicalError(
    found.length === 0 ? 'DEVICE_NOT_FOUND' : 'DEVICE_AMBIGUOUS',
    found.length === 0
      ? `${path}: there is no disk ${name} to keep a record of`
      : `${path}: ${name} names ${found.map(({ identity }) => identity).join(', ')}`,
    { path, remedy: 'Name a disk by its id or its target' },
  );
}
