/** A report as one page without scripts or other files. Pure. */
import {
  type ConformanceReport,
  type Course,
  courseText,
  type DriverReport,
  keeps,
  matrixOf,
  movedIn,
  type Step,
  sideBySide,
} from './report.js';

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1d2430; background: #fff; }
table { border-collapse: collapse; margin: 1rem 0; } th, td { border: 1px solid #ccd3dd; padding: .25rem .6rem; text-align: left; vertical-align: top; }
th { background: #f2f4f8; font-weight: 600; } .good { background: #e3f5e7; } .bad { background: #fde4e1; } .none { color: #8a93a1; }
.matrix td { text-align: center; min-width: 2rem; } .matrix th { font-size: 12px; } code { font-size: 13px; } .scroll { overflow-x: auto; }
summary { cursor: pointer; font-weight: 600; margin: .6rem 0; } li { margin: .15rem 0; }
@media (prefers-color-scheme: dark) { body { color: #dfe5ee; background: #141a22; } th { background: #1f2833; } th, td { border-color: #37424f; } .good { background: #173a22; } .bad { background: #4a1f1c; } }
`;

/** The report of one or several drivers as an HTML page. */
export function conformanceHtml(report: ConformanceReport): string {
  const { head, rows } = sideBySide(report);
  const setting = `libvirt ${report.libvirt}, QEMU ${report.qemu}, guest Linux ${report.guest}, ${report.started}`;
  const table = [
    `<tr>${head.map((cell) => `<th>${text(cell)}</th>`).join('')}</tr>`,
    ...rows.map(([label = '', ...cells]) => `<tr><th>${text(label)}</th>${cells.map(cellHtml).join('')}</tr>`),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>What moved</title><style>${STYLE}</style></head><body>
<h1>What moved</h1><p>${text(setting)}</p>
<div class="scroll"><table>${table.join('\n')}</table></div>
${report.drivers.map(driverHtml).join('\n')}
</body></html>
`;
}

function cellHtml(cell: string): string {
  const kind = cell.startsWith('kept')
    ? ' class="good"'
    : cell === 'not offered' || cell === '–'
      ? ' class="none"'
      : '';
  const bad = kind === '' && !/^\d+$/.test(cell) ? ' class="bad"' : kind;
  return `<td${bad}>${text(cell)}</td>`;
}

function driverHtml(driver: DriverReport): string {
  const { name, version, capabilities, courses, seconds } = driver;
  const offers = capabilities.length > 0 ? `It offers ${capabilities.join(', ')}. ` : '';
  return `<h2>${text(name)}${version === undefined ? '' : ` ${text(version)}`}: ${keeps(driver) ? 'kept' : 'broken'}</h2>
<p>${text(offers)}${seconds} s.</p>
${courses.map(courseHtml).join('\n')}`;
}

function courseHtml(course: Course): string {
  const why = course.why === undefined ? '' : `<p>${text(course.why)}</p>`;
  const title = `${course.scenario}: ${courseText(course)}`;
  if (course.outcome === 'not offered') return `<p>${text(title)}, since ${text(course.why ?? '')}</p>`;
  const matrix = course.scenario.endsWith('matrix') ? matrixHtml(course) : '';
  const steps = course.steps.map((step) => `<li>${stepHtml(step)}</li>`).join('\n');
  return `<details${course.outcome === 'kept' ? '' : ' open'}><summary>${text(title)}</summary>${why}
${matrix}<ol>${steps}</ol></details>`;
}

function matrixHtml(course: Course): string {
  const matrix = matrixOf(course);
  const events = [...new Set(course.steps.map(({ event }) => event))].filter((event) => matrix.has(event));
  const row = (before: string) => {
    const cells = events.map((after) => {
      const cell = matrix.get(before)?.get(after);
      if (!cell) return '<td class="none">·</td>';
      const found = cell.moved + cell.others;
      const tip = `${cell.moved} moved, ${cell.others} other findings`;
      return found === 0 ? '<td class="good">0</td>' : `<td class="bad" title="${tip}">${found}</td>`;
    });
    return `<tr><th>${text(before)}</th>${cells.join('')}</tr>`;
  };
  const head = events.map((event) => `<th>${text(event)}</th>`).join('');
  return `<p>What was found after the event of the column that followed the one of the row.</p>
<div class="scroll"><table class="matrix"><tr><th></th>${head}</tr>${events.map(row).join('\n')}</table></div>`;
}

function stepHtml(step: Step): string {
  const said =
    step.claim === 'done' || step.claim === 'kit'
      ? ''
      : ` <em>${step.claim}${step.why ? `: ${text(step.why)}` : ''}</em>`;
  const moved = movedIn(step).length;
  const count = moved > 0 ? ` <strong>${moved} moved</strong>` : '';
  const findings = step.findings.map(({ kind, witness, what }) => {
    const by = witness === undefined ? '' : ` (${witness})`;
    return `<li><code>${kind}</code>${by} ${text(what)}</li>`;
  });
  const list = findings.length > 0 ? `<ul>${findings.join('')}</ul>` : '';
  return `${text(step.event)}${step.subject ? ` <code>${text(step.subject)}</code>` : ''}${said}${count}${list}`;
}

function text(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
