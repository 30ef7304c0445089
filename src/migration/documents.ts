import type { DomainAccess } from '../apply/index.js';
import {
  type CallOptions,
  VIR_DOMAIN_XML_INACTIVE,
  VIR_DOMAIN_XML_MIGRATABLE,
  VIR_DOMAIN_XML_SECURE,
} from '../connection/index.js';
import {
  type AbiDifference,
  compareGuestAbi,
  type Device,
  DomainDocument,
  formatValue,
  guestAbi,
  meantDevice,
  OWN_METADATA,
  seenByGuest,
  specInvalid,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { mapHostPaths } from '../host/index.js';
import { child, children, type Element, setAt } from '../xml/index.js';

/** What may be other at the destination than at the source. */
export interface MovedParts {
  /** Where files are at the destination: a path, or a folder above it, at the source to what it is there. The longest that fits is taken. */
  readonly paths?: Readonly<Record<string, string>> | undefined;
  /**
   * Other sources of devices there, by a name of the device, then by the path below its element:
   * `{ root: { 'source/@dev': '/dev/sdx' }, lan: { 'source/@bridge': 'br1' } }`. Only what is below `source`, and `listen`
   * of graphics, can be other.
   */
  readonly sources?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
  /** Address that displays listen on there. */
  readonly graphicsListen?: string | undefined;
}

/** The documents that a migration sends. */
export interface MigrationDocuments {
  /** As the source has them: what stands in them for the guest is what the destination is compared with. */
  readonly live: DomainDocument | undefined;
  readonly canonical: DomainDocument;
  /** As the destination is to have them. */
  readonly destinationXml: DomainDocument;
  readonly persistentXml: DomainDocument;
}

const MIGRATABLE = VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_MIGRATABLE;

/** A document as migrations send it. virDomainGetXMLDesc SECURE | MIGRATABLE. */
export async function migratable(
  { connection, handle: dom }: DomainAccess,
  side: 'live' | 'canonical',
  options: CallOptions,
): Promise<DomainDocument> {
  const flags = side === 'live' ? MIGRATABLE : MIGRATABLE | VIR_DOMAIN_XML_INACTIVE;
  return new DomainDocument((await connection.call('DOMAIN_GET_XML_DESC', { dom, flags }, options)).xml);
}

/**
 * Makes the destination's document from the live one and the persistent one from the canonical, by the edits asked for and
 * no others, and holds both to the originals by the guest ABI: libvirt checks the persistent document against nothing.
 */
export async function migrationDocuments(
  reader: DomainAccess,
  running: boolean,
  moved: MovedParts,
  options: CallOptions,
): Promise<MigrationDocuments> {
  const [canonical, live] = await Promise.all([
    migratable(reader, 'canonical', options),
    running ? migratable(reader, 'live', options) : undefined,
  ]);
  assertNamed(moved, [canonical, ...(live ? [live] : [])]);
  const destinationXml = movedDocument(live ?? canonical, moved);
  const persistentXml = movedDocument(canonical, moved);
  return { live, canonical, destinationXml, persistentXml };
}

/** A document with the edits made, and without the turn at the domain, which is the source's alone. */
export function movedDocument(original: DomainDocument, moved: MovedParts): DomainDocument {
  const copy = new DomainDocument(original.xml);
  const { paths = {}, sources = {}, graphicsListen } = moved;
  const map = (path: string) => movedPath(path, paths);
  mapHostPaths(
    copy.root,
    [...copy.devices, ...copy.mirrors].map(({ element }) => element),
    map,
  );
  for (const [name, values] of Object.entries(sources)) {
    for (const device of [...copy.devices, ...copy.mirrors].filter(({ names }) => names.includes(name)))
      for (const [path, value] of Object.entries(values)) setAt(device.element, path, value);
  }
  if (graphicsListen !== undefined)
    for (const { element } of copy.devices.filter(({ kind }) => kind.element === 'graphics'))
      listenOn(element, graphicsListen);
  withoutTurns(copy.root);
  const edited = new DomainDocument(copy.toString());
  const wrong = changedAbi(original, edited, map);
  if (wrong.length === 0) return edited;
  const [{ subject, field, before, after }] = wrong as [AbiDifference];
  throw new LibvirtCanonicalError(
    'SPEC_INVALID',
    `sources: ${subject} ${field} would be ${formatValue(after)} instead of ${formatValue(before)}, and the guest sees that`,
    {
      path: 'sources',
      domain: original.name,
      remedy: 'Only what the guest does not see can be other at the destination',
    },
  );
}

/** What the guest would see otherwise; where the firmware and its variables are is none of that when the caller moved them. */
function changedAbi(original: DomainDocument, edited: DomainDocument, map: (path: string) => string): AbiDifference[] {
  return compareGuestAbi(guestAbi(original), guestAbi(edited), { volatile: 'compare' }).filter(
    ({ field, before, after }) => !/^os\/(nvram|loader)/.test(field) || before === undefined || map(before) !== after,
  );
}

/** The differences that the guest sees between a document sent and what the destination made of it. */
export function differencesThere(sent: DomainDocument, there: DomainDocument): AbiDifference[] {
  if (sent.xml === there.xml) return [];
  return seenByGuest(compareGuestAbi(guestAbi(sent), guestAbi(there), { volatile: 'compare' }));
}

function listenOn(graphics: Element, address: string): void {
  const listens = children(graphics, 'listen').filter((each) => (each.getAttribute('type') ?? 'address') === 'address');
  for (const each of listens) each.setAttribute('address', address);
  if (graphics.hasAttribute('listen')) graphics.setAttribute('listen', address);
}

function withoutTurns(domain: Element): void {
  const metadata = child(domain, 'metadata');
  for (const each of metadata ? children(metadata) : [])
    if (each.namespaceURI?.startsWith(OWN_METADATA.journal.uri)) metadata?.removeChild(each);
}

/** A path by the longest entry that is the path itself or a folder above it. */
export function movedPath(path: string, paths: Readonly<Record<string, string>>): string {
  const [best] = Object.entries(paths)
    .map(([from, to]) => [from.replace(/\/+$/, ''), to.replace(/\/+$/, '')] as const)
    .filter(([from]) => path === from || path.startsWith(`${from}/`))
    .sort(([a], [b]) => b.length - a.length);
  return best ? best[1] + path.slice(best[0].length) : path;
}

const MOVABLE = /^source(\/|\[)|^source$|^listen(\[\d+\])?\/@(address|network|socket)$|^@(listen|socket)$/;

/** Names of devices that are none, and fields that must not be other. */
function assertNamed({ sources = {}, paths = {} }: MovedParts, documents: readonly DomainDocument[]): void {
  for (const [from, to] of Object.entries(paths))
    if (!from.startsWith('/') || typeof to !== 'string' || !to.startsWith('/'))
      throw specInvalid(
        `paths[${JSON.stringify(from)}]`,
        'both must be absolute paths',
        "Give { '/images': '/srv/images' }",
      );
  for (const [name, values] of Object.entries(sources)) {
    const at = `sources[${JSON.stringify(name)}]`;
    const found = documents.map(({ devices }) => devices.filter(({ names }: Device) => names.includes(name)));
    if (found.every((each) => each.length === 0))
      throw new LibvirtCanonicalError('DEVICE_NOT_FOUND', `${at}: the domain has no device of that name`, {
        path: at,
        remedy: `${meantDevice(documents, undefined, name)}devices() lists what there is`,
      });
    if (found.some((each) => each.length > 1))
      throw new LibvirtCanonicalError('DEVICE_AMBIGUOUS', `${at}: several devices have that name`, { path: at });
    for (const path of Object.keys(values))
      if (!MOVABLE.test(path))
        throw specInvalid(
          `${at}[${JSON.stringify(path)}]`,
          'only source and listen of a device can be other at the destination',
        );
  }
}
