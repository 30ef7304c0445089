import { type DeviceKind, deviceKinds } from '../../src/domain/devices/index.js';
import { SETTINGS } from '../../src/domain/settings/index.js';

const COLUMNS = ['kind', 'plug in', 'unplug', 'change'] as const;

/** README's account of what is supported, in Markdown, made from the tables beside each kind. */
export function supportTable(): string {
  const rows = [...deviceKinds()]
    .sort((a, b) => a.element.localeCompare(b.element))
    .map((kind) => [kind.element, word(kind, 'attach'), word(kind, 'detach'), changes(kind)]);
  const widths = COLUMNS.map((column, index) => Math.max(column.length, ...rows.map((row) => row[index]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`;
  const settings = Object.keys(SETTINGS)
    .sort()
    .map((name) => `\`${name}\``)
    .join(', ');
  return [
    line(COLUMNS),
    line(widths.map((width) => '-'.repeat(width))),
    ...rows.map(line),
    '',
    'Paths under _change_ are those of the XML that the running guest takes; with a `*` only some devices of the kind do.',
    '',
    `Settings (\`set\` of a request): ${settings}.`,
  ].join('\n');
}

function word({ support }: DeviceKind, action: 'attach' | 'detach'): string {
  const rows = support.filter((row) => row.action === action && row.scope === 'live');
  if (rows.every(({ supported }) => !supported)) return 'no';
  return rows.every(({ supported, where }) => supported && !where) ? 'yes' : 'partly';
}

function changes({ updates }: DeviceKind): string {
  const live = updates.filter((row) => row.live === 'yes');
  const paths = [...new Set(live.map(({ path }) => path))].sort();
  const always = (path: string) => live.some((row) => row.path === path && !row.where);
  return paths.length === 0 ? 'no' : paths.map((path) => `\`${path}\`${always(path) ? '' : '\\*'}`).join(' ');
}
