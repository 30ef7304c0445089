import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { conformanceHtml } from '../../src/conformance/html.js';
import type { Finding } from '../../src/conformance/ledger.js';
import {
  type ConformanceReport,
  type Course,
  courseText,
  type DriverReport,
  keeps,
  matrixOf,
  type Step,
  sideBySide,
  totalsOf,
} from '../../src/conformance/report.js';

const finding = (kind: Finding['kind'], device?: string): Finding => ({
  kind,
  what: `<${kind}>`,
  ...(device ? { device } : {}),
});
const step = (event: string, ...findings: Finding[]): Step => ({ event, claim: 'done', seconds: 1, findings });
const course = (outcome: Course['outcome'], ...steps: Step[]): Course => ({
  scenario: 'matrix',
  outcome,
  steps,
  defines: 1,
});
const driver = (name: string, ...courses: Course[]): DriverReport => ({ name, capabilities: [], courses, seconds: 3 });

const MOVED = course(
  'broken',
  step('define'),
  // Told by several witnesses, it is one device that moved.
  step(
    'reboot hard',
    finding('moved', 'disk a'),
    finding('moved', 'disk a'),
    finding('split', 'disk b'),
    finding('moved', 'pci 1af4:1045'),
  ),
  step('attach disk', finding('untrue', 'disk c'), finding('untrue', 'disk c')),
);
const REPORT: ConformanceReport = {
  conformance: 1,
  libvirt: '9.0.0',
  qemu: '7.2.0',
  guest: '6.1',
  started: '2026-01-01T00:00:00.000Z',
  drivers: [
    driver('good', course('kept', step('attach disk'), step('reboot hard'))),
    driver('<bad>', MOVED),
    driver('idle'),
  ],
};

test('sums: a device that several saw moving counts once', () => {
  assert.equal(totalsOf(driver('x', MOVED)), {
    steps: 3,
    movingSteps: 1,
    movedDevices: 2,
    lost: 0,
    untrue: 1,
    others: 0,
    refused: 0,
    failed: 0,
    defines: 1,
  });
  assert.is(courseText(MOVED), '2 moved, 1 untrue');
});

test('the promise is kept by who was tried and had no finding, and by nobody else', () => {
  assert.equal(REPORT.drivers.map(keeps), [true, false, false]);
  assert.not.ok(keeps(driver('x', course('not offered'))));
  assert.not.ok(keeps(driver('x', course('cut short'))));
  const refusal: Step = { ...step('attach disk'), claim: 'refused' };
  const idle = course('kept', refusal, refusal, step('reboot hard'));
  assert.not.ok(keeps(driver('x', idle)), 'who does nothing moves nothing, and keeps nothing');
  assert.is(courseText(idle), 'kept (2 refused)');
});

test('side by side, and the matrix by what followed what', () => {
  const { head, rows } = sideBySide(REPORT);
  assert.equal(head, ['', 'good', '<bad>', 'idle']);
  assert.equal(rows[0], ['matrix', 'kept', '2 moved, 1 untrue', '–']);
  assert.equal(rows.at(-1), ['the promise', 'kept', 'broken', 'broken']);
  assert.equal(matrixOf(MOVED).get('define')?.get('reboot hard'), { moved: 2, others: 0 });
  assert.equal(matrixOf(MOVED).get('reboot hard')?.get('attach disk'), { moved: 0, others: 1 });
});

test('the page shows all of it, and nothing of a driver as markup', () => {
  const page = conformanceHtml(REPORT);
  assert.match(page, '&lt;bad&gt;');
  assert.match(page, '&lt;untrue&gt;');
  assert.not.match(page, '<bad>');
  assert.match(page, '<strong>2 moved</strong>');
});

test.run();
