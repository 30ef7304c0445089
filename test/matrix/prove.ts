import * as assert from 'uvu/assert';
import {
  AFFECT,
  addressText,
  compareGuestAbi,
  type Device,
  type DomainDocument,
  decodeSpec,
  deviceXml,
  domainLeaves,
  guestAbi,
} from '../../src/domain/index.js';
import { type Connection, LibvirtCanonicalError } from '../../src/index.js';
import type { PrivateHost } from '../../src/testing/index.js';
import { serialize } from '../../src/xml/index.js';
import { type Batch, batchesOf, type Subject } from './batches.js';
import { Box, deviceIn, nameNew, sameText, selectorOf } from './box.js';
import { type Cell, errorText, type Outcome } from './findings.js';
import { proveUpdates } from './updates.js';

const SPARE_PORTS = 2;
type Side = 'live' | 'config';

/** Tries every case of a batch in every scope, on a domain that is booted cold in between. */
export async function proveBatch(host: PrivateHost, connection: Connection, batch: Batch): Promise<void> {
  const { subjects, needs } = batch;
  const box = await Box.open(host, connection, needs, subjects.length + SPARE_PORTS);
  try {
    const initial = await box.documents();

    const refusals: Array<() => Promise<void>> = [];
    const live = await chosen(subjects, 'attach live', (subject) => attach(box, subject, 'live', refusals));
    const released = await chosen(live, 'detach live', (subject) => detachLive(box, subject));
    await part(subjects, 'after live changes', async () => {
      const now = await box.documents();
      sameText(now.canonical.xml, initial.canonical.xml, 'the canonical document is byte-equal');
      if (released.length === live.length) sameGuest(initial.live, now.live, 'the live document');
    });
    for (const refusal of refusals) await refusal();
    const dirty = subjects.some(
      ({ findings }) =>
        findings.problems.length > 0 || leftBehind(findings.cells.get('attach live')) || findings.case.holds,
    );
    if (released.length < live.length || dirty) await box.coldBoot();

    forget(subjects);
    const both = await chosen(live, 'attach to both documents', (subject) => attachBoth(box, subject));
    const plugged = await present(box, subjects);
    await bootAndCompare(box, plugged);
    for (const subject of both) await subject.findings.part('update', () => proveUpdates(box, subject));
    const gone = await chosen(plugged, 'detach from both documents', (subject) => detachBoth(box, subject, released));
    await part(subjects, 'after changes of both documents', async () => {
      const now = await box.documents();
      sameCanonical(initial.canonical, now.canonical);
    });
    if (gone.length < live.length || released.length < live.length) await box.coldBoot();
    forget(subjects);

    const config = await chosen(subjects, 'attach config', (subject) => attach(box, subject, 'config'));
    const configOnly = config.filter((subject) => !plugged.includes(subject));
    for (const subject of configOnly) await subject.findings.part('update', () => proveUpdates(box, subject));
    await bootAndCompare(box, config);
    await chosen(configOnly, 'detach live', (subject) => detachLive(box, subject));
    await chosen(await present(box, subjects), 'detach config', (subject) => detachConfig(box, subject));
    await part(subjects, 'at the end', async () => {
      sameCanonical(initial.canonical, (await box.documents()).canonical);
    });
  } finally {
    await box.close();
  }
}

/** Tries what can be done with devices that only the definition can bring: the domain is defined with them. */
export async function proveDefined(host: PrivateHost, connection: Connection, batch: Batch): Promise<void> {
  const { subjects, needs } = batch;
  const given = (subject: Subject) =>
    needs?.devices?.some((device) => deviceXml(device, 'devices') === subject.given) ?? false;
  const devices = subjects.filter((subject) => !given(subject)).map(({ xml }) => xml);
  let box: Box;
  try {
    box = await Box.open(host, connection, needs, SPARE_PORTS, devices);
  } catch (error) {
    // libvirt refuses it in a definition as well, or this machine has nothing behind it: there is nothing to detach.
    if (!(error instanceof LibvirtCanonicalError && error.code === 'START_FAILED')) errorText(error);
    return;
  }
  try {
    const { canonical } = await box.documents();
    const there: Subject[] = [];
    for (const subject of subjects) {
      // What the case has put into the domain itself has the name it gave it.
      if (given(subject)) subject.name = canonical.devices.find(({ kind }) => kind === subject.device.kind)?.name;
      else nameNew(subject, undefined, canonical);
      // libvirt took it for another device: the first console is the first serial port.
      if (subject.name === undefined) continue;
      there.push(subject);
      await subject.findings.part('defined with it', async () => {
        holdsSpec(subject, deviceIn((await box.documents()).canonical, subject));
      });
      await subject.findings.part('update', () => proveUpdates(box, subject));
    }
    await bootAndCompare(box, there);
    await chosen(there, 'detach live', (subject) => detachLive(box, subject));
    await chosen(there, 'detach config', (subject) => detachConfig(box, subject));
  } finally {
    await box.close();
  }
}

/** Runs batches two at a time; a failure of the domain itself is a problem of each of its cases. */
export async function proveAll(host: PrivateHost, connection: Connection, subjects: readonly Subject[]): Promise<void> {
  await inTurn(batchesOf(subjects), (batch) => proveBatch(host, connection, batch));
  const left = subjects.filter(
    ({ findings }) => !findings.cells.has('detach config') && findings.problems.length === 0,
  );
  await inTurn(batchesOf(left, { apart: true }), (batch) => proveDefined(host, connection, batch));
}

async function inTurn(batches: readonly Batch[], prove: (batch: Batch) => Promise<void>): Promise<void> {
  const queue = [...batches];
  const work = async () => {
    for (let batch = queue.shift(); batch; batch = queue.shift()) {
      const { subjects } = batch;
      await part(subjects, 'the domain', () => prove(batch));
    }
  };
  await Promise.all([work(), work(), work()]);
}

/** The subjects for which the work does what it says (`true`); its failure is a problem of the one subject. */
async function chosen(
  subjects: readonly Subject[],
  what: string,
  work: (subject: Subject) => Promise<boolean>,
): Promise<Subject[]> {
  const good: Subject[] = [];
  for (const subject of subjects) {
    await subject.findings.part(what, async () => {
      if (await work(subject)) good.push(subject);
    });
  }
  return good;
}

/** Work for all subjects at once; its failure stands with the first. */
async function part(subjects: readonly Subject[], what: string, work: () => Promise<void>): Promise<void> {
  let failure: Error | undefined;
  await work().catch((error: Error) => {
    failure = error;
  });
  if (failure) await subjects[0]?.findings.part(what, () => Promise.reject(failure));
}

/** Gone from a document, a device without an alias has no name any more. */
function forget(subjects: readonly Subject[]): void {
  for (const subject of subjects) subject.name = subject.device.userAlias;
}

function leftBehind(outcome: Outcome | undefined): boolean {
  return (outcome?.word === 'no' && outcome.left === true) || outcome?.word === 'not offered';
}

/** The subjects that the canonical document has. */
async function present(box: Box, subjects: readonly Subject[]): Promise<Subject[]> {
  const { canonical } = await box.documents();
  return subjects.filter((subject) => deviceIn(canonical, subject));
}

/** Attaches to one document as planned; what the plan refuses is shown to be refused by libvirt. */
async function attach(box: Box, subject: Subject, side: Side, later?: Array<() => Promise<void>>): Promise<boolean> {
  const { xml, findings } = subject;
  const planned = await box.plan({ attach: [xml], scope: side });
  if (planned.reason !== undefined) {
    const { reason } = planned;
    const proof = () =>
      refused(box, subject, `attach ${side}`, reason, () => box.bare('DOMAIN_ATTACH_DEVICE_FLAGS', xml, AFFECT[side]));
    // A refused call can leave the device in the live document, where others are still to be tried.
    if (later) later.push(async () => void (await findings.part(`attach ${side}`, proof)));
    else await proof();
    return false;
  }
  const before = await box.documents();
  if (planned.plan.isEmpty) {
    nameNew(subject, undefined, side === 'live' ? before.live : before.canonical);
    findings.cells.set(`attach ${side}`, { word: 'there already' });
    return false;
  }
  await box.apply(planned.plan);
  const after = await box.documents();
  const other = side === 'live' ? 'canonical' : 'live';
  sameText(after[other]?.xml, before[other]?.xml, `the ${other} document is byte-equal`);
  const [was, is] = side === 'live' ? [before.live, after.live] : [before.canonical, after.canonical];
  nameNew(subject, was, is);
  const device = deviceIn(is, subject);
  if (side === 'config') holdsSpec(subject, device);
  assert.ok(device, `it is in the ${side} document`);
  findings.cells.set(`attach ${side}`, { word: 'yes' });
  return true;
}

async function attachBoth(box: Box, subject: Subject): Promise<boolean> {
  const config = await box.plan({ attach: [subject.xml], scope: 'config' });
  if (config.reason !== undefined) return false;
  const planned = await box.plan({ attach: [subject.xml] });
  assert.is(planned.reason, undefined, 'what both documents can have alone they can have together');
  if (planned.reason !== undefined) return false;
  const before = await box.documents();
  await box.apply(planned.plan);
  const { canonical, live } = await box.documents();
  nameNew(subject, before.canonical, canonical);
  const [stored, running] = [deviceIn(canonical, subject), deviceIn(live, subject)];
  assert.is(addressOf(running), addressOf(stored), 'it runs where it will boot');
  if (subject.device.userAlias && !subject.case.rewritten) {
    const again = await box.plan({ attach: [subject.xml] });
    assert.ok(
      again.reason === undefined && again.plan.isEmpty,
      `asked again, nothing is to be done: ${again.reason ?? again.plan}`,
    );
  }
  return true;
}

/** Detaches from the running guest; false when it must be left to a cold boot. */
async function detachLive(box: Box, subject: Subject): Promise<boolean> {
  const { findings } = subject;
  if (subject.case.needsGuest) {
    findings.cells.set('detach live', { word: 'by source', says: 'yes', why: subject.case.needsGuest });
    return false;
  }
  const planned = await box.plan({ detach: [selectorOf(subject)], scope: 'live' });
  if (planned.reason !== undefined) {
    const device = deviceIn((await box.documents()).live, subject);
    assert.ok(device, 'it is in the live document');
    await refused(box, subject, 'detach live', planned.reason, () =>
      box.bare('DOMAIN_DETACH_DEVICE_FLAGS', serialize(device.element), AFFECT.live),
    );
    return false;
  }
  await box.apply(planned.plan);
  assert.not(deviceIn((await box.documents()).live, subject), 'it is gone');
  findings.cells.set('detach live', { word: 'yes' });
  return true;
}

async function detachConfig(box: Box, subject: Subject): Promise<boolean> {
  const { findings } = subject;
  const planned = await box.plan({ detach: [selectorOf(subject)], scope: 'config' });
  if (planned.reason !== undefined) {
    const device = deviceIn((await box.documents()).canonical, subject);
    assert.ok(device, 'it is in the canonical document');
    await refused(box, subject, 'detach config', planned.reason, () =>
      box.bare('DOMAIN_DETACH_DEVICE_FLAGS', serialize(device.element), AFFECT.config),
    );
    return false;
  }
  await box.apply(planned.plan);
  assert.not(deviceIn((await box.documents()).canonical, subject), 'it is gone');
  findings.cells.set('detach config', { word: 'yes' });
  return true;
}

async function detachBoth(box: Box, subject: Subject, released: readonly Subject[]): Promise<boolean> {
  if (!released.includes(subject)) return detachConfig(box, subject);
  const planned = await box.plan({ detach: [selectorOf(subject)] });
  assert.is(planned.reason, undefined, 'what each document lets go of alone both let go of together');
  if (planned.reason !== undefined) return false;
  await box.apply(planned.plan);
  return true;
}

/** Makes the call that the plan refuses, and records what libvirt says. A row proved wrong fails. */
async function refused(
  box: Box,
  { findings, xml, case: each }: Subject,
  cell: Cell,
  reason: string,
  call: () => Promise<string | undefined>,
): Promise<void> {
  const before = await box.documents();
  const error = await call();
  const after = await box.documents();
  const same = sameDevices(after.canonical, before.canonical) && sameDevices(after.live, before.live);
  const why = each.stricter?.[cell];
  if (error !== undefined) {
    sameText(
      after.canonical.xml,
      before.canonical.xml,
      `${cell}: libvirt refused (${error}), and yet the canonical document changed`,
    );
    findings.cells.set(cell, { word: 'no', error, ...(same ? {} : { left: true }) });
  } else if (same) findings.cells.set(cell, { word: 'ignored' });
  else if (why) {
    findings.cells.set(cell, { word: 'not offered', why });
    if (cell === 'attach config') await box.bare('DOMAIN_DETACH_DEVICE_FLAGS', xml, AFFECT.config);
  } else assert.unreachable(`${cell}: the plan refuses it (${reason}), but libvirt does it`);
  if (why && (error !== undefined || same)) assert.unreachable(`${cell}: it is no stricter than libvirt (${error})`);
}

/** A cold boot moves nothing, and the guest gets what the canonical document says. */
async function bootAndCompare(box: Box, subjects: readonly Subject[]): Promise<void> {
  if (subjects.length === 0) return;
  const before = await box.documents();
  await box.coldBoot();
  const after = await box.documents();
  sameText(after.canonical.xml, before.canonical.xml, 'a cold boot does not change the canonical document');
  for (const subject of subjects) {
    await subject.findings.part('after a cold boot', async () => {
      const [stored, running] = [deviceIn(after.canonical, subject), deviceIn(after.live, subject)];
      assert.ok(stored && running, 'both documents have it');
      assert.is(addressOf(running), addressOf(stored), 'it is where the canonical document says');
    });
  }
  const moved = compareGuestAbi(guestAbi(after.canonical), guestAbi(after.live as DomainDocument), { live: true });
  assert.equal(moved, [], 'the guest has what the canonical document says');
}

/** Every field that was asked for stands in libvirt's document. */
function holdsSpec({ device, case: each }: Subject, found: Device | undefined): void {
  assert.ok(found, 'the document has it');
  const [asked, got] = [device, found].map(({ kind, leaves }) => decodeSpec(kind.fields, leaves)) as [object, object];
  for (const [field, value] of Object.entries(asked)) {
    if (each.rewritten?.[field] !== undefined) continue;
    const is = (got as Record<string, unknown>)[field];
    assert.ok(
      contains(is, value),
      `${field} is ${JSON.stringify(is)} in libvirt's document, not ${JSON.stringify(value)}`,
    );
  }
}

function contains(whole: unknown, part: unknown): boolean {
  if (typeof part !== 'object' || part === null) return whole === part;
  if (typeof whole !== 'object' || whole === null) return false;
  if (Array.isArray(part)) return Array.isArray(whole) && part.every((each, at) => contains(whole[at], each));
  return Object.entries(part).every(([key, value]) => contains((whole as Record<string, unknown>)[key], value));
}

/** As before, but for controllers and hubs, which libvirt adds for a device and never takes away. */
function sameCanonical(before: DomainDocument, after: DomainDocument): void {
  assert.equal([...domainLeaves(after)], [...domainLeaves(before)], 'the domain is as it was');
  const left = after.devices.filter((device) => !before.devices.some(({ identity }) => identity === device.identity));
  const stays = left.filter(({ kind }) => kind.element !== 'controller' && kind.element !== 'hub');
  assert.equal(
    stays.map(({ identity }) => identity),
    [],
    'nothing is left behind',
  );
  for (const device of before.devices) {
    const now = after.devices.find(({ identity }) => identity === device.identity);
    assert.ok(now, `${device.identity} is there`);
    sameText(plain(now), plain(device), `${device.identity} is as it was`);
  }
}

/** A port becomes the first of several functions when libvirt adds another beside it. */
function plain({ element }: Device): string {
  return serialize(element).replace(' multifunction="on"', '');
}

function sameGuest(before: DomainDocument | undefined, after: DomainDocument | undefined, what: string): void {
  assert.ok(before && after);
  const differences = compareGuestAbi(guestAbi(before), guestAbi(after));
  // What libvirt 9.0 shows for a console once the last serial port has been unplugged.
  const real = differences.filter(({ subject }) => subject !== 'parallel -1');
  assert.equal(real, [], `${what} is as it was`);
}

/** In any order: libvirt puts a device that it cannot do without back at the end. */
function sameDevices(a: DomainDocument | undefined, b: DomainDocument | undefined): boolean {
  const list = (document: DomainDocument | undefined) =>
    document?.devices.map(({ element }) => serialize(element)).sort();
  return JSON.stringify(list(a)) === JSON.stringify(list(b));
}

function addressOf(device: Device | undefined): string | undefined {
  return device?.address && addressText(device.address).replace(/@0x[0-9a-f]+/, '');
}
