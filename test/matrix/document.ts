import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CELLS, type Findings, type Outcome } from './findings.js';

const PATH = fileURLToPath(new URL('../../../docs/support-matrix.md', import.meta.url));
const HEAD = `# Support matrix

Written by \`test/matrix\`, which tries every row on a real libvirt: what the library plans is applied, read back in both
documents, booted cold, compared and undone; what it refuses is called all the same, and libvirt's answer stands here.

| word | meaning |
|---|---|
| yes | planned, applied and seen in the documents |
| no (67 …) | the plan refuses it, and so does libvirt, with this error |
| ignored | the plan refuses it; libvirt says success and changes nothing |
| not offered | the plan refuses it although libvirt would do it |
| there already | every domain has one |
| by source | not tried here; from libvirt's source |
| – | there is nothing to try it on |
`;

/** A part of the document: one kind of daemon. */
export interface Section {
  readonly title: string;
  /** Versions of libvirt and QEMU that it was measured on. */
  readonly measured: string;
  readonly body: string;
}

/** The tables of all findings, by kind. */
export function tablesOf(findings: readonly Findings[]): string {
  const kinds = [...new Set(findings.map((each) => each.case.kind))].sort();
  return kinds
    .map((kind) =>
      kindTables(
        kind,
        findings.filter((each) => each.case.kind === kind),
      ),
    )
    .join('\n');
}

function kindTables(kind: string, findings: readonly Findings[]): string {
  const calls = findings.map((each) => [each.case.title, ...CELLS.map((cell) => wordOf(each.cells.get(cell)))]);
  const updates = findings.flatMap((each) =>
    each.updates
      .filter(({ fields }) => fields !== '')
      .map(({ fields, live, config }) => [each.case.title, `\`${fields}\``, wordOf(live), wordOf(config)]),
  );
  const never = findings.flatMap((each) => each.updates.filter(({ fields }) => fields === ''))[0];
  return [
    `### ${kind}\n`,
    table(['case', ...CELLS], calls),
    ...(updates.length > 0 ? [table(['case', 'update', 'live', 'config'], updates)] : []),
    ...(never ? [`Update: live ${wordOf(never.live)}, config ${wordOf(never.config)}.\n`] : []),
  ].join('\n');
}

export function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line), ''].join('\n');
}

function wordOf(outcome: Outcome | undefined): string {
  if (outcome === undefined) return '–';
  switch (outcome.word) {
    case 'no':
      return `no (${outcome.error})${outcome.left ? ', yet shown live until the next boot' : ''}`;
    case 'not offered':
      return `not offered: ${outcome.why}`;
    case 'by source':
      return `${outcome.says} by source: ${outcome.why}`;
    default:
      return outcome.word;
  }
}

/**
 * Compares a section with docs/support-matrix.md, or writes it there when LVC_WRITE_DOCS is set. Other versions than those
 * that it was measured on may answer otherwise: then nothing is compared. A cell for which one of the machines had nothing to
 * try it on, such as a TPM where none can be emulated, is not compared. Returns what is wrong.
 */
export function checkSection({ title, measured, body }: Section, command: string): string | undefined {
  const stored = read();
  const text = `Measured on ${measured}.\n\n${body}`;
  if (process.env.LVC_WRITE_DOCS) {
    stored.set(title, text);
    const parts = [...stored].sort(([a], [b]) => a.localeCompare(b)).map(([name, part]) => `## ${name}\n\n${part}`);
    writeFileSync(PATH, `${[HEAD, ...parts].join('\n').trimEnd()}\n`);
    return undefined;
  }
  const there = stored.get(title);
  if (there !== undefined && !there.startsWith(`Measured on ${measured}.`)) return undefined;
  if (there?.trim() === text.trim()) return undefined;
  const [a, b] = [there ?? '', text].map((part) => part.trim().split('\n')) as [string[], string[]];
  const at = b.findIndex((line, index) => !sameRow(line, a[index] ?? ''));
  if (at < 0 && a.length === b.length) return undefined;
  return `docs/support-matrix.md is stale; refresh it with \`${command}\`. First difference:\n- ${a[at] ?? '(none)'}\n+ ${b[at] ?? '(none)'}`;
}

/** Whether two lines agree in every cell that both could try. */
function sameRow(line: string, other: string): boolean {
  const [a, b] = [line, other].map((each) => each.split(' | '));
  if (line === other || a?.length !== b?.length) return line === other;
  const untried = (cell: string | undefined) => cell?.replace(/ \|$/, '') === '–';
  return (a ?? []).every((cell, index) => cell === b?.[index] || untried(cell) || untried(b?.[index]));
}

function read(): Map<string, string> {
  let text = '';
  try {
    text = readFileSync(PATH, 'utf8');
  } catch {}
  const [, ...parts] = text.split(/^## /m);
  return new Map(
    parts.map((part) => {
      const end = part.indexOf('\n');
      return [part.slice(0, end), `${part.slice(end).trim()}\n`];
    }),
  );
}
