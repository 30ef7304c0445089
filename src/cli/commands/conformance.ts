import { writeFileSync } from 'node:fs';
import {
  type ConformanceReport,
  conformanceHtml,
  conformanceScenarios,
  driverCommand,
  keeps,
  runConformance,
  sideBySide,
} from '../../conformance/index.js';
import { type Answer, EXIT, UsageError } from '../exit.js';
import { coloured, shownText, table } from '../output.js';
import type { Session } from '../session.js';

interface ConformanceWords {
  readonly scenario?: readonly string[];
  readonly list?: boolean;
  readonly report?: string;
}

/** `lvc conformance`: holds managers to the promise that nothing moves, on private hosts; no host of the user is touched. */
export async function conformance(
  session: Session,
  drivers: readonly string[],
  { scenario, list = false, report: file }: ConformanceWords,
): Promise<Answer> {
  if (list) return scenarioList();
  if (drivers.length === 0)
    throw new UsageError('Which driver? Give one that comes with the kit, or the command that starts yours in quotes');
  const report = await runConformance({
    drivers: drivers.map(driverCommand),
    ...(scenario ? { scenarios: scenario } : {}),
    signal: session.signal,
    onProgress: ({ driver, scenario: name, step, outcome }) => {
      if (outcome) session.progress.keep(shownText(`${driver}, ${name}: ${outcome}`));
      else session.progress.say(shownText(`${driver}, ${name}: ${step?.event ?? 'begins'}`));
    },
  });
  if (file !== undefined) writeFileSync(file, file.endsWith('.html') ? conformanceHtml(report) : jsonOf(report));
  return {
    result: report,
    text: reportText(report),
    exit: report.drivers.every(keeps) ? EXIT.ok : EXIT.changes,
  };
}

const jsonOf = (report: ConformanceReport) => `${JSON.stringify(report, undefined, 2)}\n`;

function scenarioList(): Answer {
  const scenarios = conformanceScenarios();
  return { result: { scenarios }, text: scenarios.map(({ name, about }) => `${name.padEnd(14)} ${about}`).join('\n') };
}

/** Side by side, and below it the first things that were found. */
function reportText(report: ConformanceReport): string {
  const { head, rows } = sideBySide(report);
  return shownText(`${table(head, rows)}\n${report.drivers.flatMap(firstFindings).join('\n')}`);
}

const SHOWN = 5;

function firstFindings({ name, courses }: ConformanceReport['drivers'][number]): string[] {
  const found = courses.flatMap(({ scenario, steps }) =>
    steps.flatMap(({ event, findings }) =>
      findings.map(({ kind, what }) => `  ${scenario}, ${event}: ${coloured('red', kind)}: ${what}`),
    ),
  );
  if (found.length === 0) return [];
  const more = found.length > SHOWN ? [`  and ${found.length - SHOWN} more; --report FILE.html has all`] : [];
  return ['', name, ...found.slice(0, SHOWN), ...more];
}
