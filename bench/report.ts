import { type Spread, spreadText } from './statistics.js';

/** One line of a table: what was measured, and its figures. */
export interface Line {
  readonly what: string;
  readonly figures: ReadonlyArray<Spread | string>;
}

/** An aim of the project, and whether this run met it. Nothing fails when it did not. */
export interface Aim {
  readonly aim: string;
  readonly measured: string;
  readonly met: boolean;
}

export interface Section {
  readonly title: string;
  readonly notes: readonly string[];
  readonly columns: readonly string[];
  readonly digits: number;
  readonly lines: readonly Line[];
  readonly aims: readonly Aim[];
}

/** A section as text: title, table, notes, aims. */
export function renderSection({ title, notes, columns, digits, lines, aims }: Section): string {
  const rows = [
    ['', ...columns],
    ...lines.map(({ what, figures }) => [
      what,
      ...figures.map((figure) => (typeof figure === 'string' ? figure : spreadText(figure, digits))),
    ]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const table = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('   ')
      .trimEnd(),
  );
  return [
    title,
    '─'.repeat(Math.max(...table.map((line) => line.length))),
    ...table,
    ...notes.map((note) => `· ${note}`),
    ...aims.map(({ aim, measured, met }) => `${met ? '✓ met' : '✗ MISSED'}: ${aim}; measured ${measured}`),
    '',
  ].join('\n');
}
