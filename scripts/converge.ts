/**
 * Plans towards documents that libvirt has just accepted. They are made from libvirt's own RelaxNG schema: every element,
 * attribute, choice and data type of `<domain>` one at a time, then two at a time of what was accepted, on q35, i440fx and
 * `virt`. The plan must be empty, or its lines among those explained in converge/explained.ts. Ends with 1 otherwise.
 *
 *   npm run converge -- [--seed N] [--singles N] [--from N] [--pairs N] [--only ELEMENT,…] [--root DIRECTORY] [--out FILE]
 *
 * Without numbers it tries all singles and as many pairs again; `--from` leaves out the first singles. `--root` takes another release's libvirt and QEMU
 * (`prepareHostRoot`), and `--root fetch` fetches them; `--out` writes every outcome, one JSON value a line.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { prepareHostRoot } from '../src/testing/index.js';
import { EXPLAINED } from './converge/explained.js';
import { type Sweep, sweep } from './converge/sweep.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    singles: { type: 'string' },
    from: { type: 'string', default: '0' },
    pairs: { type: 'string', default: '20000' },
    only: { type: 'string' },
    root: { type: 'string' },
    out: { type: 'string' },
  },
});

function tell({ outcome, findings }: Sweep['unexplained'][number]): void {
  console.log(
    `UNEXPLAINED ${outcome.candidate.machine}, ${outcome.base}: ${outcome.candidate.parts.map(({ xml }) => xml).join(' + ')}`,
  );
  for (const line of new Set(findings.map((each) => `${each.desired}: ${each.line}`))) console.log(`  ${line}`);
}

function report({ unexplained, ...result }: Sweep): void {
  if (result.crashes.length > 0) console.log(`libvirtd ended or hung at ${result.crashes.length}`);
  for (const row of EXPLAINED) console.log(`explained in ${result.used.get(row) ?? 0}: ${row.why}`);
  for (const [{ step, why }, count] of result.leftOut)
    console.log(`${step === 'start' ? 'not started' : 'left out'}: ${count}: ${why}`);
  const trials = Object.entries(result.trials).map(([trial, count]) => `${trial} ${count}`);
  console.log(`libvirt ${result.libvirt}; beside the plans for a defined domain: ${trials.join(', ')}`);
  console.log(
    `generated ${result.generated}, accepted ${result.accepted}, empty ${result.empty}, explained ${result.explained}, unexplained ${unexplained.length}`,
  );
}

const root = values.root === 'fetch' ? await prepareHostRoot() : values.root;
const result = await sweep({
  seed: Number(values.seed),
  pairs: Number(values.pairs),
  from: Number(values.from),
  ...(values.singles === undefined ? {} : { singles: Number(values.singles) }),
  ...(values.only === undefined ? {} : { only: values.only.split(',') }),
  ...(root === undefined ? {} : { root }),
  onUnexplained: tell,
  onCrash: ({ about, machine, parts }) =>
    console.log(`libvirtd ended or hung at ${about} on ${machine}: ${parts.map(({ xml }) => xml).join(' + ')}`),
  progress: (tried, accepted) => console.error(`${tried} tried, ${accepted} accepted`),
});
report(result);
if (values.out)
  writeFileSync(
    values.out,
    result.outcomes
      .map(({ candidate: { about, machine, parts }, ...outcome }) =>
        JSON.stringify({ about, machine, parts: parts.map(({ xml }) => xml), ...outcome }),
      )
      .join('\n'),
  );
process.exitCode = result.unexplained.length === 0 && result.accepted > 0 ? 0 : 1;
