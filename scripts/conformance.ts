/**
 * Holds drivers to the promise, and tells what moved; without drivers named, all that come with the kit.
 *
 *   npm run conformance -- [--scenario NAME]… [--patience N] [--out FOLDER] [DRIVER…]
 *   npm run conformance -- --page REPORT.json…    writes docs/conformance-report.md from reports of runs
 *
 * --out FOLDER keeps the report as conformance.json and conformance.html.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type ConformanceReport,
  conformanceHtml,
  DRIVERS,
  driverCommand,
  runConformance,
  sideBySide,
} from '../src/conformance/index.js';
import { conformancePage } from './conformance-page.js';

const PAGE = 'docs/conformance-report.md';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scenario: { type: 'string', multiple: true },
    patience: { type: 'string', default: '1' },
    out: { type: 'string' },
    page: { type: 'boolean' },
  },
});

if (values.page) {
  const reports = positionals.map((file): ConformanceReport => JSON.parse(readFileSync(file, 'utf8')));
  writeFileSync(PAGE, conformancePage(reports));
} else await run();

async function run(): Promise<void> {
  const report = await runConformance({
    drivers: (positionals.length > 0 ? positionals : present()).map(driverCommand),
    ...(values.scenario ? { scenarios: values.scenario } : {}),
    patience: Number(values.patience),
    onProgress: ({ driver, scenario, step, outcome }) => {
      if (outcome) console.log(`${driver}  ${scenario}: ${outcome}`);
      if (!step) return;
      console.log(`  ${step.event} ${step.subject ?? ''}  ${step.claim}  ${step.seconds} s  ${step.why ?? ''}`);
      for (const { kind, witness, what } of step.findings) console.log(`      ${kind} ${witness ?? ''}: ${what}`);
    },
  });
  const { head, rows } = sideBySide(report);
  for (const row of [head, ...rows]) console.log(row.map((cell) => cell.padEnd(32)).join('  '));
  if (values.out === undefined) return;
  writeFileSync(join(values.out, 'conformance.json'), `${JSON.stringify(report, undefined, 1)}\n`);
  writeFileSync(join(values.out, 'conformance.html'), conformanceHtml(report));
}

/** The drivers whose programs are installed; the others are said to be left out. */
function present(): string[] {
  return Object.keys(DRIVERS).filter((name) => {
    try {
      if (name === 'virt-xml') execFileSync('virt-xml', ['--version'], { stdio: 'ignore' });
      return true;
    } catch {
      console.log('virt-xml is left out: it is not installed (package virtinst)');
      return false;
    }
  });
}
