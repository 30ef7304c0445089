import { sha256 } from '#platform';
import {
  type DomainDocument,
  domainLeaves,
  isBookkeeping,
  isLiveOnly,
  isSecret,
  memoizePerDocument,
  type ObservedDomain,
  REDACTED,
  SETTINGS,
  type SecretOwner,
} from '../domain/index.js';
import { child, children, leaves, under } from '../xml/index.js';
import { VOLATILE } from './digest.js';

/**
 * A hash for each part of a domain, by its name: `disk root`, `vcpus`, `metadata urn:x`, `os`. One for the canonical
 * document, and after a blank one for the live document of a running domain; `-` where a document has no such part.
 */
export type Fingerprints = Readonly<Record<string, string>>;

/** A part of a domain that is another than it was, and in which document. */
export interface PartChange {
  /** Identity of the device, name of the setting, or the element of the document; `state` for a start or a stop. */
  readonly subject: string;
  readonly document: Side | 'both';
  readonly how: 'added' | 'removed' | 'changed';
}

type Side = 'canonical' | 'live';
type Part = Array<readonly [path: string, value: string]>;

/** Elements that a setting owns, the longest path first: `cputune/vcpupin` before `cputune`. */
const OWNED = Object.entries(SETTINGS)
  .flatMap(([name, { paths }]) => paths.map((path) => ({ name, path })))
  .filter(({ name }) => name !== 'metadata')
  .sort((a, b) => b.path.length - a.path.length);
/** virDomainSetMetadata gives its prefix to what a definition left without one: an element that is put back has it. */
const PREFIX = /(^|\/|@)[^/@:]+:/g;
const XMLNS = /(^|\/)@xmlns(:|$)/;
const ABSENT = '-';

/** The parts of a domain now. Secrets do not count, so that they cannot be guessed from a hash; nor does what moves by itself. */
export function fingerprintsOf(context: ObservedDomain): Fingerprints {
  return fingerprints(context, hashes);
}

/** What differs between two contexts, each part once, secrets included. */
export function changesBetween(before: ObservedDomain, after: ObservedDomain): PartChange[] {
  return changedParts(fingerprints(before, hashesOfAll), fingerprints(after, hashesOfAll));
}

/** What differs between two moments, each part once. Between them a start or a stop counts as one change. */
export function changedParts(before: Fingerprints, after: Fingerprints): PartChange[] {
  const [ran, runs] = [isLive(before), isLive(after)];
  const sides: readonly Side[] = ran && runs ? ['canonical', 'live'] : ['canonical'];
  const changes = [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((subject): PartChange[] => {
    const pairs = sides.map((side) => [side, partIn(before, subject, side), partIn(after, subject, side)] as const);
    const [first, second] = pairs.filter(([, a, b]) => a !== b);
    if (!first) return [];
    const [side, a, b] = first;
    const how = a === undefined ? 'added' : b === undefined ? 'removed' : 'changed';
    return [{ subject, document: second ? 'both' : side, how }];
  });
  return ran === runs ? changes : [{ subject: 'state', document: 'live', how: runs ? 'added' : 'removed' }, ...changes];
}

/** The hash of a part in one document; undefined when it is not there. */
export function partIn(prints: Fingerprints, subject: string, side: Side): string | undefined {
  const hash = Object.hasOwn(prints, subject) ? prints[subject]?.split(' ')[side === 'canonical' ? 0 : 1] : undefined;
  return hash === ABSENT ? undefined : hash;
}

function isLive(prints: Fingerprints): boolean {
  return Object.values(prints).some((each) => each.includes(' '));
}

type Hashes = (document: DomainDocument) => ReadonlyMap<string, string>;

function fingerprints({ canonical, live, autostart, autostartOnce }: ObservedDomain, of: Hashes): Fingerprints {
  const [config, running] = [of(canonical), live && of(live)];
  const names = new Set([...config.keys(), ...(running?.keys() ?? [])]);
  const both = (name: string) => [config, ...(running ? [running] : [])].map((side) => side.get(name) ?? ABSENT);
  return {
    ...Object.fromEntries([...names].map((name) => [name, both(name).join(' ')])),
    ...(autostart ? { autostart: 'on' } : {}),
    ...(autostartOnce ? { autostartOnce: 'on' } : {}),
  };
}

const hashes = memoizePerDocument((document) => hashed(document, 'hidden'));
const hashesOfAll = memoizePerDocument((document) => hashed(document, 'counted'));

function hashed(document: DomainDocument, secrets: 'hidden' | 'counted'): ReadonlyMap<string, string> {
  const digest = (part: Part) => sha256(JSON.stringify(part), 'hex').slice(0, 8);
  return new Map([...partsOf(document, secrets)].map(([name, part]) => [name, digest(part)]));
}

/** The leaves of a document by the part that they belong to. */
function partsOf(document: DomainDocument, secrets: 'hidden' | 'counted'): Map<string, Part> {
  const parts = new Map<string, Part>();
  const counted = (owner: SecretOwner, path: string, value: string) =>
    secrets === 'hidden' && isSecret(owner, path) ? REDACTED : value;
  const put = (name: string, path: string, value: string) => {
    const part = parts.get(name);
    if (part) part.push([path, value]);
    else parts.set(name, [[path, value]]);
  };
  for (const [path, value] of domainLeaves(document)) {
    if (document.isLive && VOLATILE.some((each) => under(path, each))) continue;
    const owner = OWNED.find((each) => under(path, each.path));
    put(owner?.name ?? (path.split(/[/[]/, 1)[0] as string), path, counted('domain', path, value));
  }
  for (const { identity, kind, leaves: all } of document.devices) {
    // A device without attributes and children is one all the same.
    parts.set(identity, []);
    for (const [path, value] of all) {
      if (document.isLive && isLiveOnly({ kind, leaves: all }, path)) continue;
      const owner = OWNED.find((each) => under(`devices/${kind.element}/${path}`, each.path));
      put(owner?.name ?? identity, owner ? `${identity} ${path}` : path, counted(kind, path, value));
    }
  }
  const metadata = child(document.root, 'metadata');
  for (const element of metadata ? children(metadata) : []) {
    const uri = element.namespaceURI ?? '';
    // What apply keeps for itself comes and goes.
    if (isBookkeeping(uri)) continue;
    put(metadataPart(uri), '', element.localName ?? '');
    for (const [path, value] of leaves(element))
      if (!XMLNS.test(path)) put(metadataPart(uri), path.replace(PREFIX, '$1'), value);
  }
  return parts;
}

/** The name of the part that is the element of a namespace in `<metadata>`. */
export function metadataPart(uri: string): string {
  return `metadata ${uri}`;
}
