import type { OperationProgress } from '../operation.js';

/** Text without what a terminal would take for a command: names come from hosts, and anybody may have written them. */
export const plain = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '?');

/** Rows in columns as wide as their widest text. */
export function table(rows: ReadonlyArray<readonly string[]>): string {
  const clean = rows.map((row) => row.map(plain));
  const widths = (clean[0] ?? []).map((_, at) => Math.max(...clean.map((row) => (row[at] ?? '').length)));
  return clean
    .map((row) =>
      row
        .map((text, at) => text.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** An operation as people watch it: how far it is, what moves and how, what failed and why, what is waited for. */
export function picture(now: OperationProgress): string {
  const { id, kind, state, done, total, left, moving, failed, waiting } = now;
  const head = `${plain(id)}  ${kind}  ${state}  ${done} of ${total} done, ${left} left${failed.length > 0 ? `, ${failed.length} failed` : ''}`;
  const rows = moving.map(({ name, from, to = '', phase = '', percent, policy = '' }) => [
    name,
    to === '' ? from : `${from} → ${to}`,
    phase,
    percent === undefined ? '' : `${percent} %`,
    policy,
  ]);
  return [
    head,
    ...(rows.length > 0 ? [table([['DOMAIN', 'WAY', 'PHASE', 'SENT', 'POLICY'], ...rows])] : []),
    ...failed.map(({ name, from, error }) => plain(`FAILED ${name} on ${from}: ${error.code}: ${error.message}`)),
    ...Object.entries(waiting).map(([topic, { says, host }]) =>
      plain(
        `WAITS for ${topic}: ${says}. lvc-fleet confirm ${id} ${topic} --by NAME${host === undefined ? '' : ` --host ${host}`}`,
      ),
    ),
  ].join('\n');
}
