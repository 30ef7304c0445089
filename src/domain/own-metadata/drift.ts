import gte from 'semver/functions/gte.js';
import lt from 'semver/functions/lt.js';
import { type LeafChange, type Leaves, leafChanges, leaves, select } from '../../xml/index.js';
import { ADDED_BY_LIBVIRT } from '../added-by-libvirt.js';
import { defineOnlyRow } from '../define-only.js';
import { applies } from '../devices/index.js';
import type { Device, DomainDocument } from '../document.js';
import { compareGuestAbi, domainLeaves, guestAbi } from '../guest-abi/guest-abi.js';
import type { AbiDifference, DeviceAbi } from '../guest-abi/values.js';
import { memoizePerDocument } from '../memoize-per-document.js';
import { keyedLeaves } from '../normal-domain.js';
import type { Change } from '../operation.js';
import { shownChange } from '../secret-texts.js';
import { type Seal, sealedForm, sealedMetadata } from './seal.js';

/** One thing that the canonical document says otherwise than it was left. */
export interface DriftChange {
  readonly action: 'added' | 'removed' | 'changed';
  /** Identity of the device, `domain` for what stands outside the devices, or `metadata` and a namespace. */
  readonly subject: string;
  /** From what it was to what it is. Empty for what was added or removed whole; what stands in metadata is not told. */
  readonly changes: readonly Change[];
  /** What of it the guest sees from its next cold boot on; empty when nothing. */
  readonly abi: readonly AbiDifference[];
  /** `libvirt`: what a newer libvirt adds by itself, in the machine all along. */
  readonly by: 'somebody' | 'libvirt';
  /** No call but another definition brings it about. */
  readonly onlyByDefinition: boolean;
}

/** A drifted device as both documents have it. */
export interface DriftedDevice {
  readonly sealed: Device | undefined;
  readonly now: Device | undefined;
}

/** What differs from a seal to a canonical document. */
export function driftFrom(seal: Seal, canonical: DomainDocument, libvirt: string): DriftChange[] {
  const now = sealedForm(canonical);
  if (now.xml === seal.document.xml) return [];
  const versions = { sealed: seal.libvirt, now: libvirt };
  return [
    ...driftedDevices(seal.document, now).map((each) => deviceChange(each, seal.document, now, versions)),
    ...domainChange(seal.document, now),
    ...metadataChanges(seal.document, now),
  ];
}

/** The devices that two documents of the sealed form tell differently. */
export function driftedDevices(sealed: DomainDocument, now: DomainDocument): DriftedDevice[] {
  const added = new Set(now.devices);
  const pairs = sealed.devices.map((device) => ({ sealed: device, now: undefined as Device | undefined }));
  for (const same of SAMENESS) {
    for (const pair of pairs) {
      if (pair.now) continue;
      pair.now = [...added].find((each) => same(pair.sealed, each));
      if (pair.now) added.delete(pair.now);
    }
  }
  const differs = ({ sealed: a, now: b }: DriftedDevice) => !a || !b || leafChanges(a.leaves, b.leaves).length > 0;
  return [...pairs, ...[...added].map((device) => ({ sealed: undefined, now: device }))].filter(differs);
}

/** When two devices are one, best sign first. A place is none: whoever comes after another gets the place that is free. */
const SAMENESS: ReadonlyArray<(a: Device, b: Device) => boolean> = [
  (a, b) => a.identity === b.identity,
  (a, b) => a.kind.element === b.kind.element && a.name === b.name,
];

function deviceChange(
  { sealed, now }: DriftedDevice,
  before: DomainDocument,
  after: DomainDocument,
  versions: Versions,
): DriftChange {
  const { identity: subject, kind, leaves: all } = (sealed ?? now) as Device;
  const action = !sealed ? 'added' : !now ? 'removed' : 'changed';
  const plug = kind.support.find(
    (row) =>
      row.scope === 'config' &&
      row.action === (action === 'added' ? 'attach' : 'detach') &&
      applies(row.where, all) &&
      (row.since === undefined || gte(versions.now, row.since)),
  );
  const benign = action === 'added' && addedByLibvirt(now as Device, versions);
  return {
    action,
    subject,
    changes: sealed && now ? leafChanges(sealed.leaves, now.leaves) : [],
    abi: compareGuestAbi(abiOfOne(before, sealed), abiOfOne(after, now)),
    by: benign ? 'libvirt' : 'somebody',
    onlyByDefinition: !benign && !plug?.supported && !(kind.updateConfig && action === 'changed'),
  };
}

/** libvirt when a document was sealed, and now. */
interface Versions {
  readonly sealed: string;
  readonly now: string;
}

/** True for a device that a newer libvirt adds by itself to what an older one defined. */
export function addedByLibvirt({ kind, leaves }: Device, versions: Versions): boolean {
  return ADDED_BY_LIBVIRT.some(
    (row) =>
      row.kind === kind.element &&
      applies(row.where, leaves) &&
      lt(versions.sealed, row.since) &&
      gte(versions.now, row.since),
  );
}

const abis = memoizePerDocument(
  (document) => new Map(guestAbi(document).devices.map((device): [string, DeviceAbi] => [device.identity, device])),
);

function abiOfOne(document: DomainDocument, device: Device | undefined) {
  const abi = device && abis(document).get(device.identity);
  return { machine: '', domain: {}, devices: abi ? [abi] : [] };
}

function domainChange(before: DomainDocument, after: DomainDocument): DriftChange[] {
  const changes = domainDifferences(before, after);
  if (changes.length === 0) return [];
  const abi = compareGuestAbi({ ...guestAbi(before), devices: [] }, { ...guestAbi(after), devices: [] });
  const onlyByDefinition = changes.some(({ path }) => defineOnlyRow(plainPath(path)) !== undefined);
  const shown = changes.map((change) => shownChange('domain', change));
  return [{ action: 'changed', subject: 'domain', changes: shown, abi, by: 'somebody', onlyByDefinition }];
}

/** What stands outside the devices and differs; an element of a list in which the order says nothing by what it is about. */
export function domainDifferences(before: DomainDocument, after: DomainDocument): LeafChange[] {
  const values = (document: DomainDocument): Leaves =>
    new Map([...keyedLeaves(outsideDevices(document))].map(([key, { value }]) => [key, value]));
  return leafChanges(values(before), values(after));
}

/** `cpu/feature{vmx}/@policy` as the tables of paths write it. */
export function plainPath(path: string): string {
  return path.replace(/[[{][^\]}]*[\]}]/g, '');
}

/** What stands among the devices and is none belongs to the domain as well. */
function outsideDevices(document: DomainDocument): Leaves {
  const others = select(document.root, 'devices/emulator | devices/redirfilter').flatMap((element) => {
    const at = `devices/${element.nodeName}`;
    const below = [...leaves(element)].map(([path, value]): [string, string] => [`${at}/${path}`, value]);
    return below.length > 0 ? below : [[at, element.textContent ?? ''] as [string, string]];
  });
  return new Map([...domainLeaves(document), ...others]);
}

function metadataChanges(before: DomainDocument, after: DomainDocument): DriftChange[] {
  const [a, b] = [sealedMetadata(before), sealedMetadata(after)];
  return leafChanges(a, b).map(({ path, from, to }) => ({
    action: from === undefined ? 'added' : to === undefined ? 'removed' : 'changed',
    subject: `metadata ${path}`,
    changes: [],
    abi: [],
    by: 'somebody',
    onlyByDefinition: false,
  }));
}
