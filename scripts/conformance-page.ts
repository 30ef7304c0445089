/** docs/conformance-report.md, from reports of runs on one machine. */
import { DRIVERS } from '../src/conformance/drivers/table.js';
import type { ConformanceReport, Course, DriverReport, Finding, Step } from '../src/conformance/index.js';
import { conformanceScenarios, keeps, sideBySide } from '../src/conformance/index.js';
import { matrixOf } from '../src/conformance/report.js';

/** Examples of each kind of finding that are shown of a driver. */
const EXAMPLES = 2;

export function conformancePage(reports: readonly ConformanceReport[]): string {
  const [first] = reports;
  if (!first) throw new Error('Give the report of at least one run');
  const drivers = merged(reports);
  const { head, rows } = sideBySide({ ...first, drivers });
  return `<!-- Written by \`npm run conformance -- --page\`: change what it says by running the kit again. -->
# What moved

${drivers.length} managers, held to the promise by the [conformance kit](conformance.md): libvirt ${first.libvirt}, QEMU ${first.qemu} (TCG), Linux ${first.guest} in
the guest, on ${first.started.slice(0, 10)}. "Nova-like" and "Terraform-like" are not these programs: they do what those are known to do
(${Object.keys(DRIVERS).length} files in \`src/conformance/drivers\`).

${tableOf(head, rows)}

A cell tells what was found in the scenario: devices that moved, each counted once for each step, and other
[findings](conformance.md#findings); a dash is a scenario that was not run. What was refused or failed is no finding; read it beside them.

${drivers.map(driverText).join('\n\n')}
`;
}

/** The order of the columns. */
const ORDER = ['libvirt-canonical', 'virsh', 'virt-xml', 'Nova-like', 'Terraform-like'];

/** One report for each driver, of runs that may each be of some scenarios; of a scenario the latest run counts. */
function merged(reports: readonly ConformanceReport[]): DriverReport[] {
  const drivers = new Map<string, DriverReport>();
  for (const each of reports.flatMap((report) => report.drivers)) {
    const known = drivers.get(each.name);
    const later = new Set(each.courses.map(({ scenario }) => scenario));
    const before = (known?.courses ?? []).filter(({ scenario }) => !later.has(scenario));
    drivers.set(each.name, { ...each, courses: [...before, ...each.courses] });
  }
  for (const [name, driver] of drivers) drivers.set(name, { ...driver, courses: complete(driver) });
  return [...drivers.values()].sort((a, b) => ORDER.indexOf(a.name) - ORDER.indexOf(b.name));
}

/** In the order of the scenarios, with those that a run of only some has not named and the driver cannot be asked for. */
function complete({ courses, capabilities }: DriverReport): Course[] {
  const absent = conformanceScenarios().filter(({ name }) => !courses.some(({ scenario }) => scenario === name));
  const impossible = absent.flatMap(({ name, needs = [] }): Course[] => {
    const missing = needs.find((need) => !capabilities.includes(need));
    return missing
      ? [{ scenario: name, outcome: 'not offered', why: `it has no ${missing}`, steps: [], defines: 0 }]
      : [];
  });
  return [...courses, ...impossible].sort((a, b) => placeOf(a) - placeOf(b));
}

const SCENARIO_ORDER = conformanceScenarios().map(({ name }) => name);
const placeOf = ({ scenario }: Course) => SCENARIO_ORDER.indexOf(scenario);

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]) => `| ${row.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '-')), ...rows.map(line)].join('\n');
}

function driverText(driver: DriverReport): string {
  const { name, version, courses, capabilities } = driver;
  const offers = capabilities.length > 0 ? `It offers ${capabilities.join(', ')}.` : '';
  const parts = [`## ${name}${version === undefined ? '' : ` ${version}`}`, offers];
  if (keeps(driver)) parts.push('Nothing was found.');
  else parts.push(findingsText(courses));
  const failures = failuresText(courses);
  if (failures) parts.push(failures);
  const matrix = courses.find(({ scenario }) => scenario === 'matrix');
  if (matrix?.outcome === 'broken') parts.push(matrixText(matrix));
  return parts.filter(Boolean).join('\n\n');
}

/** The first of each kind of finding, with the event that it came with. */
function findingsText(courses: readonly Course[]): string {
  const byKind = new Map<string, string[]>();
  for (const { scenario, steps } of courses)
    for (const step of steps)
      for (const finding of step.findings) {
        const lines = byKind.get(finding.kind) ?? [];
        byKind.set(finding.kind, [...lines, lineOf(scenario, step, finding)]);
      }
  const lines = [...byKind].flatMap(([kind, all]) => all.slice(0, EXAMPLES).map((text) => `- \`${kind}\`: ${text}`));
  return lines.join('\n');
}

function lineOf(scenario: string, { event }: Step, { what, witness }: Finding): string {
  return `${cell(what)}${witness === undefined ? '' : `, by ${WITNESS[witness]}`} (${scenario}, after "${event}")`;
}

const WITNESS = {
  document: 'the canonical document',
  live: 'the live document',
  qemu: 'QEMU',
  guest: 'the guest',
} as const;

function failuresText(courses: readonly Course[]): string {
  const whys = courses.flatMap(({ scenario, steps }) =>
    steps.flatMap(({ event, claim, why }) =>
      claim === 'failed' || claim === 'died' ? [`- ${scenario}, ${event}: ${inOneLine(why ?? claim)}`] : [],
    ),
  );
  const cut = courses.flatMap(({ scenario, why, outcome }) =>
    outcome === 'cut short' ? [`- ${scenario} was cut short: ${inOneLine(why ?? '')}`] : [],
  );
  const lines = [...whys, ...cut];
  if (lines.length === 0) return '';
  const more = lines.length > 6 ? [`- and ${lines.length - 6} more`] : [];
  return ['What failed:', '', ...lines.slice(0, 6), ...more].join('\n');
}

/** Without what is another one in each run: folders and aliases. */
function inOneLine(text: string): string {
  return cell(text.replaceAll(/\/tmp\/\S+\//g, '…/')).slice(0, 160);
}

function matrixText(course: Course): string {
  const matrix = matrixOf(course);
  const events = [...new Set(course.steps.map(({ event }) => event))].filter((event) =>
    [...matrix.values()].some((row) => row.has(event) && event !== 'start'),
  );
  const rows = [...matrix.keys()]
    .filter((before) => events.includes(before))
    .map((before) => [
      before,
      ...events.map((after) => {
        const found = matrix.get(before)?.get(after);
        return found ? String(found.moved + found.others) : '·';
      }),
    ]);
  return `What was found after the event of the column that followed the one of the row, in the matrix:\n\n${tableOf(['', ...events], rows)}`;
}
