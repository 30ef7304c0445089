import {
  applies,
  type Device,
  type DomainDocument,
  domainLeaves,
  isBookkeeping,
  isSecret,
  memoizePerDocument,
  NOT_A_DEVICE,
  REDACTED,
} from '../domain/index.js';
import { metadataPart, VOLATILE } from '../plan/index.js';
import { child, children, type Element, type Leaves, leafChanges, leaves, select, under } from '../xml/index.js';

/** One value that two moments of a document do not share. */
export interface Difference {
  /** Identity of the device; `domain`; for an element of `<metadata>` its namespace, `metadata urn:x`. */
  readonly subject: string;
  /** Path of the leaf in the device or the domain; `device` when the whole device is only on one side. */
  readonly field: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  /** The device, as it was or as it is now; undefined of what is none. */
  readonly device?: Device;
}

/** What `withMetadata` leaves of a document: libvirt lays out each of these on lines of its own (virDomainSetMetadata). */
const METADATA = /\n {2}<(title|description|metadata)(?: ?\/>|>[\s\S]*?<\/\1>)/g;

/**
 * Every leaf in which a document differs at two moments: what the guest sees and what it does not. Values of a running guest
 * that move by themselves do not count, nor does what apply keeps in the metadata for itself, nor order.
 */
export function differencesBetween(before: DomainDocument, after: DomainDocument): Difference[] {
  if (before === after || before.xml === after.xml) return [];
  const metadata = changesOf('domain', metadataOf(before), metadataOf(after)).map((each) => ({
    ...each,
    subject: each.field,
    field: 'element',
  }));
  // Most calls of most plans write metadata only, and few documents are short.
  if (beside(before) === beside(after)) return [...textsOf(before, after), ...metadata];
  return [
    ...changesOf('domain', domainOf(before), domainOf(after)),
    ...deviceDifferences(before.devices, after.devices, before.isLive && after.isLive),
    ...metadata,
  ];
}

/** The difference in one line; a secret does not show. */
export function differenceLine({ subject, field, before, after, device }: Difference): string {
  const isHidden = subject.startsWith('metadata ') || (device !== undefined && isSecret(device.kind, field));
  const shown = (value: string | undefined) => (value === undefined ? '(none)' : isHidden ? REDACTED : value);
  return `${subject} ${field}: ${shown(before)} → ${shown(after)}`;
}

const beside = memoizePerDocument(({ xml }) => xml.replace(METADATA, ''));

const domainOf = memoizePerDocument((document): Leaves => {
  const others = select(document.root, 'devices/*').filter(({ nodeName }) => isNoDevice(nodeName));
  const all = [
    ...domainLeaves(document),
    ...others.flatMap((each) =>
      [...leaves(each)].map(([path, value]) => [`devices/${each.nodeName}/${path}`, value] as const),
    ),
  ];
  return new Map(document.isLive ? all.filter(([path]) => !VOLATILE.some((each) => under(path, each))) : all);
});

/** Elements that stand among the devices and are none, such as `<emulator>`. */
const isNoDevice = (name: string) => (NOT_A_DEVICE as readonly string[]).includes(name);

/** Elements of `<metadata>` as text, by what plans call them. */
const metadataOf = memoizePerDocument(({ root }): Leaves => {
  const metadata = child(root, 'metadata');
  const others = (metadata ? children(metadata) : []).filter(({ namespaceURI }) => !isBookkeeping(namespaceURI ?? ''));
  return new Map(others.map((each) => [metadataPart(each.namespaceURI ?? ''), canonicalText(each)]));
});

/** libvirt gives its own prefix to an element that comes without one: name and values count, prefixes do not. */
function canonicalText(element: Element): string {
  const plain = [...leaves(element)].flatMap(([path, value]) =>
    /(^|\/)@xmlns(:|$)/.test(path) ? [] : [[path.replace(/(^|\/|@)[^/@:]+:/g, '$1'), value]],
  );
  return JSON.stringify([element.localName, element.textContent?.trim(), plain]);
}

/** Title and description, the two that stand beside the devices and are written with the metadata. */
function textsOf(before: DomainDocument, after: DomainDocument): Difference[] {
  const texts = (document: DomainDocument): Leaves =>
    new Map(
      ['title', 'description'].flatMap((name) => {
        const text = document.value(name);
        return text === undefined ? [] : [[name, text] as const];
      }),
    );
  return changesOf('domain', texts(before), texts(after));
}

function deviceDifferences(before: readonly Device[], after: readonly Device[], runs: boolean): Difference[] {
  const named = new Map(after.map((device) => [device.identity, device]));
  const gone = new Set(before);
  const come = new Set(after);
  const pair = (a: Device, b: Device | undefined, sameness: 'equal' | 'named'): Difference[] => {
    if (!b || !come.has(b) || (sameness === 'equal' && leafChanges(a.leaves, b.leaves).length > 0)) return [];
    gone.delete(a);
    come.delete(b);
    return changesOf(a.identity, settled(a, runs), settled(b, runs), b);
  };
  for (const device of before) pair(device, named.get(device.identity), 'equal');
  // One that only its number in the list names may have got another number.
  for (const device of [...gone])
    for (const other of [...come]) if (other.kind === device.kind) pair(device, other, 'equal');
  const changed = [...gone].flatMap((device) => pair(device, named.get(device.identity), 'named'));
  const whole = (device: Device, at: 'before' | 'after'): Difference => ({
    subject: device.identity,
    field: 'device',
    before: undefined,
    after: undefined,
    [at]: 'there',
    device,
  });
  return [
    ...changed,
    ...[...gone].map((device) => whole(device, 'before')),
    ...[...come].map((device) => whole(device, 'after')),
  ];
}

/** The leaves of a device without what libvirt fills in by itself while the guest runs. */
function settled({ kind, leaves: all }: Device, runs: boolean): Leaves {
  if (!runs) return all;
  return new Map(
    [...all].filter(([path]) => !kind.liveOnly.some((row) => under(path, row.path) && applies(row.where, all))),
  );
}

function changesOf(subject: string, a: Leaves, b: Leaves, device?: Device): Difference[] {
  return leafChanges(a, b).map(({ path, from, to }) => ({
    subject,
    field: path,
    before: from,
    after: to,
    ...(device && { device }),
  }));
}
