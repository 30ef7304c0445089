/** The guest ends while a plan is applied: the error says whether QEMU ended by itself, and shows its log. */
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ApplyError } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

/** The QEMU process of a domain of the private host. */
function qemuOf(name: string): number {
  const pid = readdirSync('/proc').find((each) => {
    try {
      return /^\d+$/.test(each) && readFileSync(`/proc/${each}/cmdline`, 'utf8').includes(`guest=${name},`);
    } catch {
      return false;
    }
  });
  return Number(pid);
}

test('apply: says that QEMU itself ended, with its log, and undoes what was done', async () => {
  const b = await bench();
  const name = `ends-${process.pid}`;
  const domain = await b.started({ name });
  const before = await domain.canonical();
  const attach = [{ rng: { id: 'own', random: '/dev/urandom' } }] as const;
  const plan = await domain.plan({ attach, set: { title: 'x' } });
  const onProgress = ({ done, state }: { done: number; state: string }) => {
    if (done === 1 && state === 'started') process.kill(qemuOf(name), 'SIGKILL');
  };
  const error = await failure<ApplyError>(
    domain.apply(plan, { onProgress, unplug: { attempts: 1, timeout: 500 } }),
    'APPLY_FAILED',
  );
  assert.match(error.message, /QEMU itself ended/);
  assert.ok(error.log, 'the end of its log');
  assert.is(error.rollback, 'undone', String(error.rollbackErrors));
  assert.not.match(await domain.canonical(), 'ua-own');
  assert.is((await domain.plan({ set: { title: 'y' } })).refusals.length, 0);
  assert.match(before, name);
});

test('apply: says that the domain was shut off when another client did that', async () => {
  const b = await bench();
  const domain = await b.started();
  const plan = await domain.plan({ attach: [{ rng: { id: 'own', random: '/dev/urandom' } }] });
  const rival = await b.rival();
  let stopped = false;
  const stop = async () => {
    await rival.call('DOMAIN_DESTROY_FLAGS', { dom: { name: domain.name, uuid: domain.uuid, id: -1 }, flags: 0 });
    stopped = true;
  };
  let stopping: Promise<void> | undefined;
  const error = await failure<ApplyError>(
    domain.apply(plan, {
      onProgress: ({ state }) => {
        if (state === 'started') stopping ??= stop();
      },
    }),
    'APPLY_FAILED',
  );
  await stopping;
  assert.ok(stopped);
  assert.match(error.message, /shut off meanwhile/);
});

test.run();
