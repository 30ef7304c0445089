/** A guest that writes its memory faster than it is sent: how that is told, and what each lever does. */
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  MIGRATION_POLICIES,
  type MigrationError,
  type MigrationPolicyRequest,
  type MigrationProgress,
  recoverMigration,
} from '../../src/index.js';
import { nextPause } from '../../src/migration/monitor.js';
import { policyOf } from '../../src/migration/policy.js';
import { SilenceWatch, StallJudge } from '../../src/migration/stall.js';
import { failure, failureNow, scaled, within } from '../support/deadline.js';
import { pairOnDemand, type Traveller } from './pair.js';

const pair = pairOnDemand();
test.after(pair.stop);
const MINUTES = 240_000;

test('MIGRATION_POLICIES: each preset is valid, and plain JSON', () => {
  for (const name of Object.keys(MIGRATION_POLICIES) as (keyof typeof MIGRATION_POLICIES)[])
    assert.equal(policyOf(name), JSON.parse(JSON.stringify(MIGRATION_POLICIES[name])));
});

test('policy: what is wrong with it is told by its path', () => {
  for (const [policy, code, path] of [
    ['quick', 'SPEC_INVALID', 'policy'],
    [7, 'SPEC_INVALID', 'policy'],
    [{ colour: 'red' }, 'SPEC_UNKNOWN_FIELD', 'policy.colour'],
    [{ preset: 'quick' }, 'SPEC_INVALID', 'policy'],
    [{ onStall: ['dance'] }, 'SPEC_INVALID', 'policy.onStall[0]'],
    [{ onStall: ['abort', 'abort'] }, 'SPEC_INVALID', 'policy.onStall[1]'],
    [{ onStall: ['post-copy'] }, 'SPEC_INVALID', 'policy.onStall[0]'],
    [{ bandwidth: { begin: 0 } }, 'SPEC_INVALID', 'policy.bandwidth.begin'],
    [{ bandwidth: { upto: 1 } }, 'SPEC_UNKNOWN_FIELD', 'policy.bandwidth.upto'],
    [{ downtime: { schedule: [{ after: 0, ms: 500 }], most: 300 } }, 'SPEC_INVALID', 'policy.downtime.schedule[0].ms'],
    [
      { downtime: { schedule: [{ after: -1, ms: 5 }], most: 300 } },
      'SPEC_INVALID',
      'policy.downtime.schedule[0].after',
    ],
    [{ autoConverge: { initial: 100, increment: 1 } }, 'SPEC_INVALID', 'policy.autoConverge.initial'],
    [{ autoConverge: true }, 'SPEC_INVALID', 'policy.autoConverge'],
    [{ stall: { boundaries: 1, improve: 0.1 } }, 'SPEC_INVALID', 'policy.stall.boundaries'],
    [{ stall: { boundaries: 3, improve: 1 } }, 'SPEC_INVALID', 'policy.stall.improve'],
    [{ silence: 0 }, 'SPEC_INVALID', 'policy.silence'],
    [{ deadline: { perGiB: 0, total: 1 } }, 'SPEC_INVALID', 'policy.deadline.perGiB'],
    [{ postCopy: 'yes' }, 'SPEC_INVALID', 'policy.postCopy'],
    [{ bandwidth: { begin: 20, most: 10 } }, 'SPEC_INVALID', 'policy.bandwidth.begin'],
    [
      {
        downtime: {
          schedule: [
            { after: 10, ms: 5 },
            { after: 0, ms: 50 },
          ],
        },
      },
      'SPEC_INVALID',
      'policy.downtime.schedule[1].after',
    ],
    [{ downtime: { schedule: 300 } }, 'SPEC_INVALID', 'policy.downtime.schedule'],
    [{ downtime: { most: 200 } }, 'SPEC_INVALID', 'policy.downtime.schedule[0].ms'],
    [{ downtime: 300 }, 'SPEC_INVALID', 'policy.downtime'],
  ] as const) {
    const error = failureNow(() => policyOf(policy as MigrationPolicyRequest), code);
    assert.is(error.path, path, JSON.stringify(policy));
    assert.ok(code !== 'SPEC_INVALID' || error.remedy, `${error.message} says what to do`);
  }
});

test('policy: what of downtime, stall, deadline and bandwidth is not given is as the preset has it', () => {
  const { leave } = MIGRATION_POLICIES;
  const policy = policyOf({
    preset: 'leave',
    downtime: { most: 800 },
    deadline: { total: 60 },
    bandwidth: { begin: 8 },
  });
  assert.equal(policy, {
    ...leave,
    downtime: { ...leave.downtime, most: 800 },
    deadline: { ...leave.deadline, total: 60 },
    bandwidth: { begin: 8 },
  });
});

test('StallJudge: only what remains when a pass begins counts, not the saw tooth in between', () => {
  const judge = new StallJudge(MIGRATION_POLICIES.gentle);
  // As measured: what remains at each pass, and how low it falls within it.
  const passes: ReadonlyArray<readonly [atOnce: number, lowest: number]> = [
    [185, 8],
    [69.4, 8.6],
    [66.7, 8.1],
    [66.7, 8],
    [65, 8],
  ];
  const told: Array<string | undefined> = [];
  for (const [at, [begin, lowest]] of passes.entries()) {
    told.push(judge.read(at * 4, { iteration: at + 1, memory: begin, disk: 0 }));
    assert.is(
      judge.read(at * 4 + 2, { iteration: at + 1, memory: lowest, disk: 0 }),
      undefined,
      'between two passes nothing is judged',
    );
  }
  assert.equal(told, [undefined, undefined, undefined, 'memory', undefined], 'at the third pass that did not get on');
});

test('StallJudge: a disk is judged by the least that remained in each window', () => {
  const judge = new StallJudge(MIGRATION_POLICIES.gentle);
  const told: Array<string | undefined> = [];
  for (let now = 0; now < 60; now += 1) told.push(judge.read(now, { iteration: 0, memory: 0, disk: 100 + (now % 3) }));
  assert.ok(told.includes('disk'), 'it does not get smaller');
  const falling = new StallJudge(MIGRATION_POLICIES.gentle);
  for (let now = 0; now < 60; now += 1)
    assert.is(falling.read(now, { iteration: 0, memory: 0, disk: 1000 - now * 10 }), undefined);
});

test('nextPause: what is needed; more when that was allowed and was not enough; never more than the most', () => {
  assert.is(nextPause(300, 0, 1_000), 360);
  assert.is(nextPause(300, 360, 1_000), 540, 'an estimate that was too low');
  assert.is(nextPause(300, 810, 1_000), 1_000);
  assert.is(nextPause(300, 1_000, 1_000), undefined, 'all of it is allowed');
  assert.is(nextPause(900, 300, 1_000), undefined, 'more would be needed');
});

test('SilenceWatch: goes by bytes sent; a reading that cannot be had is silence, too', () => {
  const watch = new SilenceWatch(policyOf({ silence: 10 }));
  assert.equal(
    [watch.read(0, 1), watch.read(8, 2), watch.read(17, 2), watch.read(18.5, undefined), watch.read(19, 3)],
    [false, false, false, true, false],
  );
});

/**
 * 24 MiB of memory written again and again, by copying: more than goes over in the time that it takes to write them. Made of
 * random bytes, since pages of zeroes cost nothing to send.
 */
const DIRTY = [
  'mkdir -p /d',
  'kill $(cat /d/loop 2>/dev/null) 2>/dev/null',
  '[ -e /d/from ] || { dd if=/dev/urandom of=/d/part bs=1M count=4; for i in 1 2 3 4 5 6; do cat /d/part; done >/d/from; }',
  '(while :; do dd if=/d/from of=/d/to bs=1M conv=notrunc; done) >/dev/null 2>&1 & echo $! >/d/loop; echo started',
].join('; ');
let made: Promise<Traveller> | undefined;
let at: 'a' | 'b' = 'a';
/**
 * The guest, busy, wherever it is. QEMU's emulation (not KVM) loses a write now and then while it keeps track of what a busy
 * guest writes; a guest that died of it on its way is booted again.
 */
async function busy(): Promise<Traveller> {
  const { a, b, guest } = await pair();
  made ??= guest('busy', { memoryMiB: 144, shared: 1 });
  const t = await made;
  const [manager, witness] = at === 'a' ? [a.manager, t.here] : [b.manager, t.there];
  const answers = await witness.exec(DIRTY, { timeout: scaled(5_000) }).then(
    () => true,
    () => false,
  );
  if (answers) return t;
  const domain = await manager.get(t.uuid);
  await domain.destroy();
  await domain.start();
  await witness.waitForReport({ timeout: scaled(90_000) });
  await witness.exec(DIRTY);
  return t;
}

/** MiB/s. */
const begin = 40;
const stall = { boundaries: 2, improve: 0.05 };

/** Migrates it to the other host by a policy. */
async function driven(
  t: Traveller,
  policy: MigrationPolicyRequest,
): Promise<{ seen: MigrationProgress[]; done: Promise<unknown> }> {
  const { a, b } = await pair();
  const [from, to, options] = at === 'a' ? [a, b, t.options] : [b, a, t.back];
  const job = (await from.manager.get(t.uuid)).migrate(to.manager, { ...options, policy });
  const seen: MigrationProgress[] = [];
  job.done.catch(() => {});
  for await (const each of job) seen.push(each);
  return { seen, done: job.done };
}
const acts = (seen: readonly MigrationProgress[]) => seen.flatMap(({ policy }) => policy.map(({ did }) => did));

test('migrate: a guest that never converges stays where it is when the policy gives up', async () => {
  const t = await busy();
  const { bootId } = await t.here.report();
  const { seen, done } = await within(
    driven(t, { bandwidth: { begin }, stall, downtime: { schedule: [], most: 300 }, onStall: ['downtime', 'abort'] }),
    MINUTES,
    'the migration',
  );
  const error = await failure<MigrationError>(done, 'MIGRATION_FAILED');
  assert.match(error.message, /gave up: memory stalls/);
  assert.is(error.where.outcome, 'not-migrated');
  assert.ok(acts(seen).some((did) => /left the pause/.test(did)) && acts(seen).includes('gave up'), acts(seen).join());
  assert.ok(
    seen.some(({ dirtyRate = 0 }) => dirtyRate > 1 << 20),
    'how fast it writes is told',
  );
  assert.is((await t.here.report()).bootId, bootId);
  assert.is((await (await pair()).a.manager.get(t.uuid)).migration, undefined);
});

test('migrate: a deadline and an abort leave the guest where it is; abort says where', async () => {
  const t = await busy();
  const { b } = await pair();
  const policy = { bandwidth: { begin }, onStall: [] } as const;
  const { done } = await within(driven(t, { ...policy, deadline: { perGiB: 4, total: 4 } }), MINUTES, 'the migration');
  assert.match((await failure<MigrationError>(done, 'MIGRATION_FAILED')).message, /not done after 4 s/);
  const job = t.domain.migrate(b.manager, { ...t.options, policy });
  for await (const { processed } of job) if (processed > 0) break;
  const where = await within(job.abort(), MINUTES, 'the abort');
  assert.is(where.outcome, 'not-migrated');
  await failure(job.done, 'ABORTED');
  assert.is(await t.domain.state(), 'running');
  // Before it has begun, and by a signal.
  const early = t.domain.migrate(b.manager, { ...t.options, signal: AbortSignal.abort() });
  await failure(early.done, 'ABORTED');
  assert.is((await early.abort()).outcome, 'not-migrated');
});

test('abort: a source whose QEMU does not answer does not hold it up; recoverMigration settles it later', async () => {
  const t = await busy();
  const { a, b } = await pair();
  const job = t.domain.migrate(b.manager, {
    ...t.options,
    policy: { bandwidth: { begin }, onStall: [] },
    abortTimeout: 1_000,
  });
  for await (const { processed } of job) if (processed > 0) break;
  const pid = qemuOf(a.host.directory, t.name);
  process.kill(pid, 'SIGSTOP');
  let where: Awaited<ReturnType<typeof job.abort>>;
  try {
    where = await within(job.abort(), 60_000, 'the abort');
    await failure(job.done, 'MIGRATION_UNSETTLED');
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  assert.is.not(where.outcome, 'done');
  const { outcome } = await within(recoverMigration(a.connection, b.connection, t.uuid), MINUTES, 'recovery');
  assert.is(outcome, 'not-migrated');
  assert.is(await t.domain.state(), 'running');
});

test('migrate: a destination that falls silent is given up by the bytes sent', async () => {
  const t = await busy();
  const { b } = await pair();
  const job = t.domain.migrate(b.manager, {
    ...t.options,
    policy: { bandwidth: { begin }, onStall: [], silence: 3 },
    abortTimeout: 5_000,
  });
  let pid: number | undefined;
  try {
    for await (const { processed } of job) {
      if (processed === 0 || pid !== undefined) continue;
      pid = qemuOf(b.host.directory, t.name);
      process.kill(pid, 'SIGSTOP');
    }
    assert.match(
      (await failure<MigrationError>(job.done, 'MIGRATION_FAILED', MINUTES)).message,
      /nothing was sent for 3 s/,
    );
  } finally {
    try {
      if (pid !== undefined) process.kill(pid, 'SIGCONT');
    } catch {
      // libvirt has ended it.
    }
  }
  assert.is(await t.domain.state(), 'running');
});

// Each from where the one before it came to.
for (const [name, policy, did] of [
  [
    'a pause as long as it takes',
    { bandwidth: { begin }, stall, downtime: { schedule: [], most: 30_000 }, onStall: ['downtime'] },
    /allowed a pause of/,
  ],
  ['more speed', { bandwidth: { begin, most: 4096 }, stall, onStall: ['speed'] }, /allowed 4096 MiB/],
  [
    'stopping the guest',
    // A pause that no busy guest goes over in, so that it stalls whatever this machine is like.
    { bandwidth: { begin }, stall, downtime: { schedule: [{ after: 0, ms: 1 }], most: 1 }, onStall: ['suspend'] },
    /stopped the guest/,
  ],
] as const)
  test(`migrate: ${name} lets it go over`, async () => {
    const t = await busy();
    const { seen, done } = await within(driven(t, policy), MINUTES, 'the migration');
    await done;
    assert.ok(
      acts(seen).some((each) => did.test(each)),
      acts(seen).join(),
    );
    await arrivedBusy(t);
  });

test('migrate: auto-converge slows the guest down until it can go over, and how far is told', async () => {
  const t = await busy();
  const policy = {
    preset: 'converge',
    bandwidth: { begin },
    autoConverge: { initial: 40, increment: 30 },
    onStall: [],
  } as const;
  const { seen, done } = await within(driven(t, policy), MINUTES, 'the migration');
  await done;
  const told = seen.flatMap(({ throttle }) => throttle ?? []);
  assert.is(told[0], 40, told.join());
  assert.ok(
    told.every((each, n) => n === 0 || each >= (told[n - 1] ?? 0)),
    told.join(),
  );
  assert.equal(
    acts(seen).filter((did) => !/allowed a pause of 300 ms/.test(did)),
    [],
    'nothing else was done',
  );
  await arrivedBusy(t);
});

/** On the other host now, running, also when it was stopped or slowed down on its way. */
async function arrivedBusy({ uuid }: Traveller): Promise<void> {
  const { a, b } = await pair();
  at = at === 'a' ? 'b' : 'a';
  assert.is(await (await (at === 'a' ? a : b).manager.get(uuid)).state(), 'running');
}

/** The QEMU of a domain of a private host, told by its command line. */
function qemuOf(directory: string, name: string): number {
  for (const pid of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      if (line.includes(`guest=${name},`) && line.includes(directory)) return Number(pid);
    } catch {
      // It has ended.
    }
  }
  throw new Error(`no QEMU of ${name} below ${directory}`);
}

test.run();
