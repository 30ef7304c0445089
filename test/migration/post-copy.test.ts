/** A guest that goes over before its memory does, to the end, and when the program stands still meanwhile. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY } from '../../src/connection/index.js';
import {
  connect,
  DomainManager,
  type MigrationError,
  type MigrationOptions,
  type MigrationProgress,
  recoverMigration,
} from '../../src/index.js';
import { outcomeOf } from '../../src/migration/outcomes.js';
import { privilegedProblem } from '../../src/testing/index.js';
import { failure, within } from '../support/deadline.js';
import { eventually } from '../support/eventually.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { type Pair, pairOnDemand } from './pair.js';
import { Program } from './program.js';

/** There when the kernel has userfaultfd. */
const UFFD = '/proc/sys/vm/unprivileged_userfaultfd';
const problem = (await privilegedProblem()) ?? (existsSync(UFFD) ? undefined : 'this kernel has no userfaultfd');
if (problem) console.log(`  skipped: ${problem}`);
const privileged = problem ? test.skip : test;

const quiet = { privileged: true, config: 'keepalive_interval = -1\n' };
const started = pairOnDemand([quiet, quiet]);
test.after(started.stop);
const MINUTES = 240_000;

let prepared: Promise<Pair> | undefined;
/** Post-copy needs userfaultfd, which QEMU has as root with its capabilities. */
function pair(): Promise<Pair> {
  prepared ??= (async () => {
    const hosts = await started();
    for (const { host } of [hosts.a, hosts.b]) {
      const file = join(host.directory, 'etc/libvirt/qemu.conf');
      const others = readFileSync(file, 'utf8').replace(/^(user|group) = .*$/gm, '');
      const root = 'user = "root"\ngroup = "root"\nclear_emulator_capabilities = 0\n';
      writeFileSync(file, `${others}${root}dynamic_ownership = 0\nremember_owner = 0\n`);
      await host.restartDaemon();
    }
    return hosts;
  })();
  return prepared;
}

/** Memory that is written faster than it is sent. */
const DIRTY =
  'mkdir -p /d; dd if=/dev/urandom of=/d/from bs=1M count=16; (while :; do dd if=/d/from of=/d/to bs=1M conv=notrunc; done) >/dev/null 2>&1 & echo started';
const POLICY = {
  preset: 'post-copy',
  bandwidth: { begin: 16 },
  downtime: { schedule: [], most: 1 },
  stall: { boundaries: 2, improve: 0.05 },
  onStall: ['post-copy'],
} as const;
let guests = 0;

async function leaving() {
  const { a, b, guest } = await pair();
  const t = await guest(`leaves${++guests}`, { memoryMiB: 112, shared: 0 });
  await t.here.exec(DIRTY);
  const options: MigrationOptions = {
    ...t.options,
    uri: `unix://${join(b.host.directory, `${t.name}.memory`)}`,
    policy: POLICY,
  };
  return { a, b, t, options };
}
type Subject = Awaited<ReturnType<typeof leaving>>;

async function rowOf({ a, b, t }: Subject): Promise<string> {
  const look = await recoverMigration(a.connection, b.connection, t.uuid, { mode: 'look' });
  const { source, destination } = outcomeOf(look.source, look.destination);
  return `${source} × ${destination}`;
}

async function arrived({ a, b, t }: Subject): Promise<void> {
  await failure(a.manager.get(t.uuid), 'DOMAIN_NOT_FOUND');
  const there = await b.manager.get(t.uuid);
  assert.equal([await there.state(), there.migration], ['running', undefined]);
  await there.destroy();
}

privileged(
  'migrate: post-copy lets a guest go over that never converges; an abort after that does not end it',
  async () => {
    const subject = await leaving();
    const { b, t, options } = subject;
    const job = t.domain.migrate(b.manager, options);
    const seen: MigrationProgress[] = [];
    for await (const each of job) {
      seen.push(each);
      if (each.policy.some(({ did }) => did === 'started post-copy')) job.abort().catch(() => {});
    }
    assert.equal((await within(job.done, MINUTES, 'the migration')).unfinished, []);
    assert.ok(seen.some(({ policy }) => policy.some(({ did }) => did === 'started post-copy')));
    await arrived(subject);
  },
);

for (const [at, row] of [
  ['perform', 'post-copy × incoming'],
  ['finish', 'post-copy × arrived'],
] as const)
  privileged(`recoverMigration: ${row}: the program stands still after ${at}`, async () => {
    const subject = await leaving();
    const { a, b, t, options } = subject;
    await using program: Program = new Program(a.host.uri, b.host.uri, t.uuid, [['stop', at]], options);
    await program.stopped();
    assert.is(await rowOf(subject), row);
    // What has begun to go over has to go over: it is waited for.
    if (at === 'perform') program.goOn();
    const { outcome, did } = await within(
      recoverMigration(a.connection, b.connection, t.uuid, { owner: 'gone' }),
      MINUTES,
      'recovery',
    );
    assert.is(outcome, 'done', did.join());
    await arrived(subject);
  });

privileged(
  'migrate: the answer to Perform is lost after post-copy began: the guest goes over all the same',
  async () => {
    const subject = await leaving();
    const { a, b, t, options } = subject;
    await using proxy: FaultProxy = await FaultProxy.start(a.host.uri, async () => {});
    const source = await connect(proxy.uri);
    try {
      const domain = await new DomainManager(source).get(t.uuid);
      // Pending: it is in the cookie that is lost with the answer.
      await domain.apply(await domain.plan({ set: { title: 'went over' }, scope: 'config' }));
      proxy.arm({ kind: 'reply lost', at: 1, of: 'DOMAIN_MIGRATE_PERFORM3_PARAMS' });
      assert.equal((await within(domain.migrate(b.manager, options).done, MINUTES, 'the migration')).unfinished, []);
      assert.ok((await proxy.disarm()).happened);
    } finally {
      await source.close();
    }
    assert.match(await (await b.manager.get(t.uuid)).canonical(), /<title>went over</);
    await arrived(subject);
  },
);

privileged(
  'recoverMigration: post-copy failed × absent: libvirt ends the guest with a program that dies then',
  async () => {
    const subject = await leaving();
    const { a, b, t, options } = subject;
    const moments = [
      ['stop', 'sending'],
      ['kill', 'perform'],
    ] as const;
    await using program: Program = new Program(a.host.uri, b.host.uri, t.uuid, moments, options);
    await program.stopped();
    // Were all of the memory over before libvirt ends the destination, the source would be off, and not failed.
    const dom = { name: t.name, uuid: t.uuid, id: -1 };
    await a.connection.call('DOMAIN_MIGRATE_SET_MAX_SPEED', {
      dom,
      bandwidth: 1,
      flags: VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY,
    });
    program.goOn();
    await program.killed();
    await eventually(
      'both hosts have seen it',
      async () => (await rowOf(subject)) === 'post-copy failed × absent',
      MINUTES,
    );
    const error = await failure<MigrationError>(
      recoverMigration(a.connection, b.connection, t.uuid, { owner: 'gone' }),
      'MIGRATION_UNSETTLED',
    );
    assert.match(error.message, /was lost at the destination/);
    await (await a.manager.get(t.uuid)).destroy();
  },
);

test.run();
