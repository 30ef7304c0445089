import { writeFileSync } from 'node:fs';
/**
 * Holds drivers to the promise, and writes what moved.
 *
 *   npm run conformance -- [--scenario NAME…] [--out FOLDER] [DRIVER…]
 */
import { parseArgs } from 'node:util';
import { conformanceHtml, driverCommand, runConformance, sideBySide } from '../src/conformance/index.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { scenario: { type: 'string', multiple: true }, out: { type: 'string' } },
});
const report = await runConformance({
  drivers: positionals.map(driverCommand),
  ...(values.scenario ? { scenarios: values.scenario } : {}),
  onProgress: ({ driver, scenario, step, outcome }) => {
    if (outcome) console.log(`${driver}  ${scenario}: ${outcome}`);
    if (!step) return;
    console.log(`  ${step.event} ${step.subject ?? ''}  ${step.claim}  ${step.seconds} s  ${step.why ?? ''}`);
    for (const { kind, witness, what } of step.findings) console.log(`      ${kind} ${witness ?? ''}: ${what}`);
  },
});
const { head, rows } = sideBySide(report);
console.table([head, ...rows]);
if (values.out) {
  writeFileSync(`${values.out}/conformance.json`, JSON.stringify(report, undefined, 1));
  writeFileSync(`${values.out}/conformance.html`, conformanceHtml(report));
}
