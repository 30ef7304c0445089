import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the project. */
export const project = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

/** A row of docs/errors.md about a code. */
export interface CodeRow {
  readonly code: string;
  readonly classes: readonly string[];
  readonly cause: string;
  readonly remedy: string;
  /** `nothing` when it is raised before anything is changed. */
  readonly changed: string;
}

/** A row of docs/errors.md about a class: the fields that it adds to those of every error. */
export interface ClassRow {
  readonly name: string;
  readonly fields: readonly string[];
}

/** The rows about codes, in the order of the page. */
export function codesOnPage(): CodeRow[] {
  return rows(5).map(([code = '', classes = '', cause = '', remedy = '', changed = '']) => ({
    code: inTicks(code)[0] ?? '',
    classes: inTicks(classes),
    cause,
    remedy,
    changed,
  }));
}

/** The rows about classes, in the order of the page. */
export function classesOnPage(): ClassRow[] {
  return rows(2).map(([name = '', fields = '']) => ({ name: inTicks(name)[0] ?? '', fields: inTicks(fields) }));
}

const inTicks = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);

/** The cells of the table rows with so many columns that begin with a name in ticks. */
function rows(columns: number): string[][] {
  return readFileSync(join(project, 'docs/errors.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '').trim()))
    .filter(({ length }) => length === columns);
}
