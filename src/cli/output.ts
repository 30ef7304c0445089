import type { Answer } from './exit.js';

/** Version of the form of what `--json` prints. It is raised when a field goes or changes its meaning, not when one comes. */
export const JSON_FORM = 1;

type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'bold' | 'dim';
const CODES: Readonly<Record<Colour, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };

/** Writes a text in a colour when stdout is a terminal and nobody asked for none (https://no-color.org). */
export function coloured(colour: Colour, text: string): string {
  return hasColours() ? `\x1b[${CODES[colour]}m${text}\x1b[0m` : text;
}

function hasColours(): boolean {
  const { NO_COLOR, TERM } = process.env;
  return process.stdout.isTTY === true && !NO_COLOR && TERM !== 'dumb';
}

/** One JSON value with the version of its form and the command it comes from. Big numbers are numbers where JSON can hold them. */
export function jsonText(command: string, content: object, indent?: number): string {
  return JSON.stringify({ lvc: JSON_FORM, command, ...content }, plain, indent);
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Map) return Object.fromEntries(value);
  return value instanceof Error ? errorFields(value) : value;
}

/** What `--json` tells of an error. */
export function errorFields(error: unknown): Record<string, unknown> {
  const { code, message, remedy, domain, device, path } = error as Record<string, unknown>;
  return { code: typeof code === 'string' ? code : 'USAGE', message, remedy, domain, device, path };
}

/** Prints what a command gave back. */
export function printAnswer(command: string, { result, text }: Answer, json: boolean): void {
  if (json) print(jsonText(command, { result }, 2));
  else if (text !== '') print(text);
}

export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** Lines of columns, each as wide as it must be. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return [coloured('bold', line(head)), ...rows.map(line)].join('\n');
}

/** All control characters but tab and line break, those of the second half of Latin 1 too. */
const CONTROL = /(?![\t\n])\p{Cc}/gu;

/** Makes what comes from a domain or a daemon safe for a terminal: control characters are shown, not obeyed. */
export function shownText(text: string): string {
  return text.replace(CONTROL, (each) => `\\x${each.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
