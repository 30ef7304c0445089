import type { Place, Sighting } from './sighting.js';

/** One device in the three columns of the table. A device that the guest does not see has no place. */
export interface Row {
  readonly device: string;
  readonly before: Place | undefined;
  readonly regenerated: Place | undefined;
  readonly canonical: Place | undefined;
}

/** In the order in which the guest saw the devices before any reboot. */
export function rowsOf(before: Sighting, regenerated: Sighting, canonical: readonly Sighting[]): Row[] {
  const devices = new Set([before, regenerated, ...canonical].flatMap((sighting) => [...sighting.keys()]));
  return [...devices]
    .map((device) => {
      const was = before.get(device);
      const seen = canonical.map((sighting) => sighting.get(device));
      // Of several reboots the one that shows the most is the one that moved it.
      const now = seen.find((place) => moved(was, place)) ?? seen.at(-1);
      return { device, before: was, regenerated: regenerated.get(device), canonical: now };
    })
    .sort((a, b) => (a.before?.address ?? '~').localeCompare(b.before?.address ?? '~'));
}

/** True when a device is elsewhere, has another name, came or went. */
export function moved(before: Place | undefined, after: Place | undefined): boolean {
  return before?.address !== after?.address || before?.name !== after?.name;
}

/** What the table proves, as a sentence, and as the exit code of the demo. */
export function verdictOf(rows: readonly Row[], canonicalDefines: number): { text: string; exitCode: 0 | 1 } {
  const names = (of: readonly Row[]) => of.map(({ device }) => device).join(', ') || 'nothing';
  const byRegenerating = rows.filter((row) => moved(row.before, row.regenerated));
  const byCanonical = rows.filter((row) => moved(row.before, row.canonical));
  const proved = byRegenerating.length > 0 && byCanonical.length === 0 && rows.length > 0 && canonicalDefines === 1;
  const text = [
    `Moved by regenerating: ${names(byRegenerating)}.`,
    `Moved through libvirt-canonical: ${names(byCanonical)}, with ${canonicalDefines} define call${canonicalDefines === 1 ? '' : 's'} in the domain's life.`,
    ...(proved ? [] : ['This is not what the demo is to show: it FAILED.']),
  ].join('\n');
  return { text, exitCode: proved ? 0 : 1 };
}

const MARK = '◄ moved';

export function renderTable(rows: readonly Row[]): string {
  const cell = (place: Place | undefined) =>
    place ? `${place.address}  ${place.name ?? '-'}`.padEnd(18) : 'not seen'.padEnd(18);
  const marked = (row: Row, place: Place | undefined) =>
    `${cell(place)}${moved(row.before, place) ? ` ${MARK}` : ''}`.padEnd(18 + MARK.length + 1);
  const header = [
    'device'.padEnd(12),
    'before'.padEnd(18),
    'after regenerate'.padEnd(18 + MARK.length + 1),
    'after canonical',
  ];
  const lines = rows.map((row) => [
    row.device.padEnd(12),
    cell(row.before),
    marked(row, row.regenerated),
    marked(row, row.canonical),
  ]);
  const all = [header, ...lines].map((columns) => columns.join('   ').trimEnd());
  const rule = '─'.repeat(Math.max(...all.map((line) => line.length)));
  return [all[0], rule, ...all.slice(1)].join('\n');
}
