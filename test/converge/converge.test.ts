import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { contextOf, stepsTowards } from '../../scripts/converge/check.js';
import { sweep } from '../../scripts/converge/sweep.js';
import { tellFigures } from '../support/figures.js';

const test = suite('planTowards: what libvirt accepts asks for nothing more');

test('documents made from the schema, one thing at a time and two', async () => {
  const result = await sweep({ singles: 1000, pairs: 200 });
  const open = result.unexplained.map(({ outcome, findings }) => ({
    parts: outcome.candidate.parts.map(({ xml }) => xml),
    lines: [...new Set(findings.map(({ desired, line }) => `${desired}: ${line}`))],
  }));
  assert.equal(open, []);
  assert.ok(result.accepted > 600, `${result.accepted} of ${result.generated} were accepted`);
  for (const [trial, count] of Object.entries(result.trials)) assert.ok(count > 0, `${trial}: ${count}`);
  tellFigures({ 'documents converged': result.accepted });
});

test('control: a difference is seen', () => {
  const document = (watchdog: string) =>
    `<domain type='qemu'><name>a</name><uuid>d1c0ffee-0000-4000-8000-000000000000</uuid><memory unit='KiB'>1024</memory>
     <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os><devices>${watchdog}</devices></domain>`;
  const context = contextOf(document(''), undefined, { libvirt: '9.0.0', qemu: '7.2.0' });
  assert.equal(stepsTowards(document(''), context), []);
  assert.equal(stepsTowards(document("<watchdog model='ib700'/>"), context).length, 1);
});

test.run();
