import { type Device, deviceXml, readDevice } from '../../src/domain/index.js';
import type { PrivateHost } from '../../src/testing/index.js';
import { parseElement, serialize, setAt } from '../../src/xml/index.js';
import type { KindCase } from './case.js';
import { Findings } from './findings.js';

/** Few enough that the PCIe ports of all of them fit. */
const AT_MOST = 12;

/** A case with its device made, ready to be tried. */
export interface Subject {
  readonly case: KindCase;
  /** The device as it is asked for, with values of its own where no two devices of a domain may share one. */
  readonly device: Device;
  readonly xml: string;
  /** The same as the case gives it. */
  readonly given: string;
  /** The name by which it is found in a document, once it has been there. */
  name: string | undefined;
  readonly findings: Findings;
}

/** Cases that are tried on one domain, beside each other. */
export interface Batch {
  readonly needs: KindCase['domain'];
  readonly subjects: Subject[];
}

let made = 0;

export async function subjectOf(each: KindCase, host: PrivateHost): Promise<Subject> {
  const n = ++made;
  const given = deviceXml(await each.device(host), each.title);
  const element = parseElement(given);
  const { leaves } = readDevice(element);
  if (leaves.has('alias/@name')) setAt(element, 'alias/@name', `ua-m${n}`);
  if (leaves.has('mac/@address')) setAt(element, 'mac/@address', `52:54:00:00:01:${n.toString(16).padStart(2, '0')}`);
  for (const path of ['boot/@order', 'acpi/@index']) if (leaves.has(path)) setAt(element, path, String(10 + n));
  const bus = leaves.get('target/@bus');
  // On other buses the target's letter says the address.
  if (each.kind === 'disk' && (bus === 'virtio' || bus === 'usb'))
    setAt(element, 'target/@dev', `${bus === 'virtio' ? 'vd' : 'sd'}${'hijklmnopqrstuvwxyz'[n % 19]}`);
  const device = readDevice(element);
  return { case: each, device, xml: serialize(element), given, name: device.userAlias, findings: new Findings(each) };
}

/** Puts cases together that need the same domain and do not get in each other's way. */
export function batchesOf(subjects: readonly Subject[], { apart = false } = {}): Batch[] {
  const batches: Batch[] = [];
  for (const subject of subjects) {
    const fits = (batch: Batch) =>
      !apart &&
      batch.subjects.length < AT_MOST &&
      needsOf(batch.needs) === needsOf(subject.case.domain) &&
      !batch.subjects.some((other) => collide(other, subject));
    const batch = batches.find(fits);
    if (batch) batch.subjects.push(subject);
    else batches.push({ needs: subject.case.domain, subjects: [subject] });
  }
  return batches;
}

function needsOf(needs: KindCase['domain']): string {
  return JSON.stringify([needs?.devices ?? [], String(needs?.xml ?? '')]);
}

/** Two devices that one domain cannot have, or that the one would make a place for that the other is to be refused for want of. */
function collide({ device: a }: Subject, { device: b }: Subject): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind.limits || a.kind.element === 'controller') return true;
  return Object.keys(a.kind.unique).some((leaf) => a.leaves.has(leaf) && a.leaves.get(leaf) === b.leaves.get(leaf));
}
