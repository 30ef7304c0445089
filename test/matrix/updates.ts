import gte from 'semver/functions/gte.js';
import * as assert from 'uvu/assert';
import { AFFECT, applies, type Device, type Operation, REDACTED, readDevice } from '../../src/domain/index.js';
import type { DeviceUpdate } from '../../src/index.js';
import {
  detachedCopy,
  type LeafChange,
  leafChanges,
  parseElement,
  serialize,
  setAt,
  under,
} from '../../src/xml/index.js';
import type { Subject } from './batches.js';
import { type Box, deviceIn, sameText, selectorOf } from './box.js';
import type { Outcome, UpdateFinding } from './findings.js';

const UPDATE = 'DOMAIN_UPDATE_DEVICE_FLAGS';

/**
 * Tries each update of a case on a device that both documents have. What the kind's rows call live must show at once,
 * what they call ignored must do nothing, what they call refused libvirt must refuse. A kind that has no update is shown
 * to have none. All is undone by the operations' own inverses.
 */
export async function proveUpdates(box: Box, subject: Subject): Promise<void> {
  const { findings, device, case: each } = subject;
  const { canonical, live } = await box.documents();
  const running = deviceIn(live, subject);
  if (!device.kind.updateConfig) {
    const stored = deviceIn(canonical, subject);
    assert.ok(stored, 'the canonical document has it');
    const finding: UpdateFinding = { fields: '', live: undefined, config: undefined };
    finding.config = await refusal(box, stored, AFFECT.config);
    if (running) finding.live = await refusal(box, running, AFFECT.live);
    findings.updates.push(finding);
    return;
  }
  for (const { set } of each.updates ?? []) {
    const finding: UpdateFinding = { fields: JSON.stringify(set), live: undefined, config: undefined };
    findings.updates.push(finding);
    const what = `update ${finding.fields}`;
    await findings.part(`${what} config`, () => config(box, subject, set, finding));
    if (running) {
      await findings.part(`${what} live`, () => liveOnly(box, subject, set, finding));
      await findings.part(`${what} of both documents`, () => together(box, subject, set));
    }
  }
}

const updateOf = (subject: Subject, set: object) => ({ ...selectorOf(subject), set }) as unknown as DeviceUpdate;

async function config(box: Box, subject: Subject, set: object, finding: UpdateFinding): Promise<void> {
  const planned = await box.plan({ update: [updateOf(subject, set)], scope: 'config' });
  if (planned.reason !== undefined) {
    finding.config = { word: 'not offered', why: planned.reason };
    return;
  }
  const before = await box.documents();
  await box.apply(planned.plan);
  const { canonical, live } = await box.documents();
  sameText(live?.xml, before.live?.xml, 'the live document is byte-equal');
  shows(deviceIn(canonical, subject), planned.plan.operations);
  await undo(box, planned.plan.operations);
  sameText((await box.documents()).canonical.xml, before.canonical.xml, 'undone, the canonical document is byte-equal');
  finding.config = { word: 'yes' };
}

/** Each row for itself: the changes that share a verdict are tried in one call. */
async function liveOnly(box: Box, subject: Subject, set: object, finding: UpdateFinding): Promise<void> {
  const before = await box.documents();
  const running = deviceIn(before.live, subject);
  assert.ok(running);
  const changes = await wantedChanges(box, subject, set);
  const words = new Set<string>();
  const errors: string[] = [];
  for (const verdict of ['yes', 'ignored', 'refused'] as const) {
    const mine = changes.filter(({ path }) => verdictOf(box, running, path) === verdict);
    if (mine.length === 0) continue;
    const paths = mine.map(({ path }) => path).join(', ');
    const element = detachedCopy(running.element);
    for (const { path, to } of mine) setAt(element, path, to);
    const error = await box.bare(UPDATE, serialize(element), AFFECT.live);
    const after = await box.documents();
    sameText(after.canonical.xml, before.canonical.xml, 'the canonical document is byte-equal');
    const now = deviceIn(after.live, subject);
    assert.ok(now, 'it is still there');
    words.add(verdict);
    if (verdict === 'refused') {
      assert.ok(error, `${paths}: the row says refused, but libvirt says success`);
      sameText(after.live?.xml, before.live?.xml, `${paths}: refused, and yet the live document changed`);
      errors.push(error);
      continue;
    }
    assert.is(error, undefined, `${paths}: the row says ${verdict}, but libvirt refuses`);
    const shown = mine.filter(({ path, to }) => now.leaves.get(path) === to);
    if (verdict === 'ignored')
      assert.equal(shown, [], `${paths}: the row says ignored, but the guest's document shows it`);
    else assert.is(shown.length, mine.length, `${paths}: the row says live, but the guest's document does not show it`);
    // What was let in is taken back by the element as it was.
    const undone = await box.bare(UPDATE, serialize(running.element), AFFECT.live);
    assert.is(undone, undefined, `${paths}: undone`);
  }
  const after = deviceIn((await box.documents()).live, subject);
  assert.equal(after && lasting(after), lasting(running), 'undone, the device is as it was');
  finding.live = outcomeOf(words, errors);
}

function outcomeOf(words: ReadonlySet<string>, errors: readonly string[]): Outcome {
  if (words.has('refused')) return { word: 'no', error: [...new Set(errors)].join('; ') };
  if (words.has('ignored')) return { word: 'ignored' };
  return words.has('yes') ? { word: 'yes' } : { word: '–' };
}

/** As a caller asks: the plan splits it into what happens now and what waits; nothing else changes; the inverses undo it. */
async function together(box: Box, subject: Subject, set: object): Promise<void> {
  const planned = await box.plan({ update: [updateOf(subject, set)] });
  if (planned.reason !== undefined) return;
  const before = await box.documents();
  await box.apply(planned.plan);
  const { canonical, live } = await box.documents();
  const of = (side: 'live' | 'config') =>
    planned.plan.operations.filter(({ scope }) => scope === side || scope === 'both');
  shows(deviceIn(canonical, subject), of('config'));
  shows(deviceIn(live, subject), of('live'));
  await undo(box, planned.plan.operations);
  const after = await box.documents();
  sameText(after.canonical.xml, before.canonical.xml, 'undone, the canonical document is byte-equal');
}

/** The leaves that a set of fields changes in the running device's element, as the library would change them. */
async function wantedChanges(box: Box, subject: Subject, set: object): Promise<LeafChange[]> {
  const planned = await box.plan({ update: [updateOf(subject, set)], scope: 'config' });
  const stored = deviceIn((await box.documents()).canonical, subject);
  if (planned.reason !== undefined || !stored) return [];
  const call = planned.plan.operations[0]?.call;
  if (call?.procedure !== UPDATE) return [];
  return leafChanges(stored.leaves, readDevice(parseElement(call.args.xml)).leaves);
}

function verdictOf(box: Box, { kind, leaves }: Device, path: string): 'yes' | 'ignored' | 'refused' {
  const version = box.connection.libvirtVersion;
  const row = kind.updates.find(
    (each) =>
      under(path, each.path) && applies(each.where, leaves) && (each.since === undefined || gte(version, each.since)),
  );
  return row?.live ?? 'refused';
}

/** The leaves of a device without those that QEMU and libvirt fill in as it runs. */
function lasting({ kind, leaves }: Device): Array<readonly [string, string]> {
  return [...leaves].filter(
    ([path]) => !kind.liveOnly.some((row) => under(path, row.path) && applies(row.where, leaves)),
  );
}

function shows(device: Device | undefined, operations: readonly Operation[]): void {
  assert.ok(device, 'it is there');
  for (const { changes } of operations)
    for (const { path, to } of changes)
      if (to !== REDACTED) assert.is(device.leaves.get(path), to, `the document shows ${path}`);
}

async function undo(box: Box, operations: readonly Operation[]): Promise<void> {
  for (const { inverse } of [...operations].reverse())
    for (const { call } of inverse) {
      assert.is(call.procedure, UPDATE);
      if (call.procedure === UPDATE)
        assert.is(await box.bare(UPDATE, call.args.xml, call.args.flags), undefined, 'undone');
    }
}

async function refusal(box: Box, device: Device, flags: number): Promise<Outcome> {
  const before = await box.documents();
  const error = await box.bare(UPDATE, serialize(device.element), flags);
  const after = await box.documents();
  sameText(after.canonical.xml, before.canonical.xml, 'the canonical document is byte-equal');
  return error === undefined ? { word: 'ignored' } : { word: 'no', error };
}
