/**
 * Runs the tests of each machine on its emulator and prints one table: machine by event.
 *
 *   npm run machines
 *
 * The kernel of the arm64 guest is fetched into the cache, 22 MB, where it is not there. With LVC_WRITE_DOCS=1 the table goes
 * into docs/machines.md. Ends with 1 when a test fails.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchArmGuest } from '../test/machines/arm-guest.js';
import { EVENTS } from '../test/machines/events.js';

const project = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const MARKS = ['<!-- table of the last run -->', '<!-- end of the table -->'] as const;

await fetchArmGuest().catch((error) => console.log(`The arm64 guest could not be fetched: ${error.message}`));
const proved = new Map<string, Set<string>>();
const notes: string[] = [];
for (const file of readdirSync(join(project, 'build/test/machines')).sort()) {
  if (!file.endsWith('.test.js')) continue;
  const run = spawnSync(process.execPath, ['--enable-source-maps', join(project, 'build/test/machines', file)], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  });
  for (const [, machine = '', event = ''] of run.stdout.matchAll(/proved: (.*?) \| (.*)$/gm))
    proved.set(machine, (proved.get(machine) ?? new Set()).add(event));
  for (const [, why = ''] of run.stdout.matchAll(/skipped: (.*)$/gm))
    notes.push(`${file.replace('.test.js', '')}: ${why}`);
  console.log(`${run.status === 0 ? 'ok  ' : 'FAIL'}  ${file}`);
  if (run.status === 0) continue;
  process.exitCode = 1;
  console.log(run.stdout.replace(/^/gm, '      | '));
}

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
const table = [
  row(['machine', ...EVENTS]),
  row(['machine', ...EVENTS].map(() => '---')),
  ...[...proved].map(([machine, events]) =>
    row([machine, ...EVENTS.map((event) => (events.has(event) ? 'yes' : '–'))]),
  ),
  ...notes.map((note) => `\nNot run: ${note}`),
].join('\n');
console.log(`\n${table}`);
if (process.env.LVC_WRITE_DOCS) {
  const page = join(project, 'docs/machines.md');
  const text = readFileSync(page, 'utf8');
  const [start, end] = [text.indexOf(MARKS[0]), text.indexOf(MARKS[1])];
  if (start < 0 || end < 0) throw new Error(`${page} has no place for the table`);
  writeFileSync(page, `${text.slice(0, start)}${MARKS[0]}\n\n${table}\n\n${text.slice(end)}`);
}
