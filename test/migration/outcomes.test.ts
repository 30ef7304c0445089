/** Every row of the table of outcomes, made by the fault that leads to it, and what recovery makes of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument } from '../../src/domain/index.js';
import {
  connect,
  type ManagedDomain,
  type MigrationOptions,
  type MigrationOutcome,
  type RecoverMigrationOptions,
  recoverMigration,
} from '../../src/index.js';
import { type KnownOfMigration, OUTCOMES, outcomeOf } from '../../src/migration/outcomes.js';
import { migrationEntry } from '../../src/migration/record.js';
import { failure, scaled, within } from '../support/deadline.js';
import { type Pair, pairOnDemand, type Side, type Traveller, type TravellerOptions } from './pair.js';
import { type Moment, Program } from './program.js';

// A program that stands still does not answer the daemons' questions whether it is there: they are not to ask.
const quiet = { config: 'keepalive_interval = -1\n' };
const pair = pairOnDemand([quiet, quiet]);
test.after(pair.stop);
const MINUTES = 180_000;

/** A migration under way, and what can befall it. */
class Stage implements AsyncDisposable {
  readonly #programs: Program[] = [];
  readonly #locks: Array<() => void> = [];

  constructor(
    readonly pair: Pair,
    readonly t: Traveller,
    readonly options: MigrationOptions,
  ) {}

  /** Another program migrates it, and stands still or dies where it is told to. */
  program(...moments: Moment[]): Program {
    const { a, b } = this.pair;
    const program = new Program(a.host.uri, b.host.uri, this.t.uuid, moments, this.options);
    this.#programs.push(program);
    return program;
  }

  async stopped(at: Moment[1]): Promise<Program> {
    const program = this.program(['stop', at], ['kill', 'finish']);
    await program.stopped();
    return program;
  }

  async killed(at: Moment[1]): Promise<void> {
    await this.program(['kill', at]).killed();
  }

  async restarted({ host }: Side): Promise<void> {
    await host.killDaemon();
    await host.startDaemon();
  }

  domainOn(side: Side): Promise<ManagedDomain> {
    return side.manager.get(this.t.uuid);
  }

  /** An old definition of it at the destination. */
  async stale(): Promise<void> {
    const other = await connect(this.pair.b.host.uri, { redefine: 'allow' });
    const xml = this.t.there.domainXml({ uuid: this.t.uuid, memoryMiB: 32 });
    await other.call('DOMAIN_DEFINE_XML_FLAGS', { xml, flags: 0 });
    await other.close();
  }

  /** Somebody else opens its disk for writing, where both hosts look. */
  async lock(): Promise<() => void> {
    const [, file = ''] = /<source file='([^']*\.qcow2)'/.exec(await this.t.domain.canonical()) ?? [];
    // QEMU lets go of it some time after it has said that all is sent.
    for (const end = performance.now() + scaled(30_000); ; await sleep(100)) {
      const child = spawn('qemu-io', ['-f', 'qcow2', file], { stdio: ['pipe', 'pipe', 'ignore'] });
      const unlock = () => child.kill('SIGKILL');
      this.#locks.push(unlock);
      const opened = new Promise<boolean>((resolve) => child.stdout.once('data', () => resolve(true)));
      if (await Promise.race([opened, once(child, 'exit').then(() => false)])) return unlock;
      if (performance.now() > end) throw new Error(`${file} cannot be opened`);
    }
  }

  /** Finish fails at the destination, since it cannot have the disk; its program dies or stands still then. */
  async finishFails(then: 'stop' | 'kill'): Promise<void> {
    const program = this.program(['stop', 'perform'], [then, 'finish']);
    await program.stopped();
    const unlock = await this.lock();
    program.goOn();
    await (then === 'kill' ? program.killed() : program.stopped());
    unlock();
  }

  /** A call by somebody who does as he likes. */
  async byHand(side: Side, work: (domain: ManagedDomain) => Promise<unknown>): Promise<void> {
    await work(await this.domainOn(side));
  }

  /** Somebody else begins to migrate it, and holds its job as long as this lasts. */
  async otherJob(): Promise<void> {
    const other = await connect(this.pair.a.host.uri, { redefine: 'allow' });
    this.#locks.push(() => void other.close());
    const dom = { name: this.t.name, uuid: this.t.uuid, id: -1 };
    await other.call('DOMAIN_MIGRATE_BEGIN3_PARAMS', { dom, params: [], flags: 1 | 256 | 512 });
  }

  /** What holds locks and jobs ends; the program that stands still is killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const unlock of this.#locks) unlock();
    for (const each of this.#programs) await each[Symbol.asyncDispose]();
  }
}

interface Scenario {
  /** The row that the fault leads to. */
  readonly row: string;
  readonly fault: string;
  readonly make: (stage: Stage) => Promise<unknown>;
  /** Why recovery refuses; else the outcome it comes to, and the host on which the domain is then. */
  readonly refused?: RegExp;
  readonly ends?: MigrationOutcome;
  readonly on?: 'a' | 'b';
  /** Whether it runs in the end. Default true. */
  readonly runs?: boolean;
  readonly recover?: RecoverMigrationOptions;
  readonly options?: MigrationOptions;
  /** A guest of its own, which is lost by it; else the one that says in the end that it has not booted. */
  readonly own?: TravellerOptions;
  /** Whether a definition that was at the destination is there in the end. */
  readonly keepsStale?: boolean;
  /** The destination's daemon goes on listing it, without a definition, until it starts anew. */
  readonly listed?: boolean;
}

const COLD = { mode: 'cold' } as const;
const REPLACE = { definitionThere: 'replace' } as const;
const SLOW = { policy: { bandwidth: { begin: 8 }, onStall: [] } } as const;
/** A guest that is given up: nobody waits for its boot. */
const LOST = { shared: 0, wait: false } as const;
const LOCKED = { shared: 1, wait: false } as const;
const OFF = { shared: 0, start: false } as const;

const SCENARIOS: readonly Scenario[] = [
  // It lives on the source.
  { row: 'lives × absent', fault: 'the program dies once it has written down what it will do', make: (s) => s.killed('record'), ends: 'not-migrated', on: 'a' },
  { row: 'lives × absent', fault: 'the program dies after Begin', make: (s) => s.killed('begin'), ends: 'not-migrated', on: 'a' },
  { row: 'lives × absent', fault: 'the program dies after Prepare', make: (s) => s.killed('prepare'), ends: 'not-migrated', on: 'a' },
  { row: 'lives × absent', fault: 'the program dies while memory is sent', make: (s) => s.killed('sending'), options: SLOW, ends: 'not-migrated', on: 'a' },
  { row: 'lives × off', fault: 'the program dies after Begin; an old definition is there', options: REPLACE, make: async (s) => { await s.stale(); await s.killed('begin'); }, ends: 'not-migrated', on: 'a', keepsStale: true },
  { row: 'lives × failed', fault: 'Finish fails, the program dies, somebody resumes the source', own: LOCKED, make: async (s) => { await s.finishFails('kill'); await s.byHand(s.pair.a, (d) => d.resume()); }, ends: 'not-migrated', on: 'a' },
  { row: 'lives × incoming', fault: "the source's daemon dies after Prepare", make: async (s) => { await s.stopped('prepare'); await s.restarted(s.pair.a); }, ends: 'not-migrated', on: 'a' },
  { row: 'lives × arrived', fault: 'the program dies after Finish, somebody resumes the source', own: LOST, make: async (s) => { await s.killed('finish'); await s.byHand(s.pair.a, (d) => d.resume()); }, refused: /suspended at the destination/ },
  { row: 'lives × ended', fault: 'the same, and the guest at the destination ends', own: LOST, make: async (s) => { await s.killed('finish'); await s.byHand(s.pair.a, (d) => d.resume()); await s.byHand(s.pair.b, (d) => d.destroy()); }, refused: /it ran at the destination and is off there, and the source runs/ },
  // The same with its job held.
  { row: 'lives, job × absent', fault: 'the program stands still after Begin', make: (s) => s.stopped('begin'), ends: 'not-migrated', on: 'a' },
  { row: 'lives, job × off', fault: 'the program stands still after Begin; an old definition is there', options: REPLACE, make: async (s) => { await s.stale(); await s.stopped('begin'); }, ends: 'not-migrated', on: 'a', keepsStale: true },
  { row: 'lives, job × failed', fault: 'Finish fails, somebody resumes the source and begins again', own: LOCKED, make: async (s) => { await s.finishFails('kill'); await s.byHand(s.pair.a, (d) => d.resume()); await s.otherJob(); }, ends: 'not-migrated', on: 'a' },
  { row: 'lives, job × incoming', fault: 'the program stands still after Prepare', make: (s) => s.stopped('prepare'), ends: 'not-migrated', on: 'a' },
  { row: 'lives, job × incoming', fault: 'the program stands still while memory is sent', options: SLOW, make: (s) => s.stopped('sending'), ends: 'not-migrated', on: 'a' },
  { row: 'lives, job × arrived', fault: 'the program dies after Finish, somebody resumes the source and begins again', own: LOST, make: async (s) => { await s.killed('finish'); await s.byHand(s.pair.a, (d) => d.resume()); await s.otherJob(); }, refused: /suspended at the destination/ },
  // It stands still on the source: its memory is sent.
  { row: 'held × absent', fault: 'the program dies after Perform', make: (s) => s.killed('perform'), ends: 'not-migrated', on: 'a' },
  { row: 'held × off', fault: 'the program dies after Perform; an old definition is there', options: REPLACE, make: async (s) => { await s.stale(); await s.killed('perform'); }, ends: 'not-migrated', on: 'a', keepsStale: true },
  { row: 'held × incoming', fault: "the source's daemon dies after Perform", make: async (s) => { await s.stopped('perform'); await s.restarted(s.pair.a); }, ends: 'not-migrated', on: 'a' },
  { row: 'held × incoming', fault: "the source's daemon dies after Perform, and the caller wants it there", recover: { prefer: 'forward' }, make: async (s) => { await s.stopped('perform'); await s.restarted(s.pair.a); }, ends: 'done', on: 'b' },
  { row: 'held × arrived', fault: 'the program dies after Finish', make: (s) => s.killed('finish'), ends: 'done', on: 'b' },
  { row: 'held × arrived', fault: 'the program dies after a Finish that left the guest paused', options: { prove: 'paused' }, make: (s) => s.killed('finish'), ends: 'done', on: 'b' },
  { row: 'held × failed', fault: 'Finish fails and the program dies', own: LOCKED, make: (s) => s.finishFails('kill'), ends: 'not-migrated', on: 'a' },
  { row: 'held × ended', fault: 'the program dies after Finish, and the guest ends there', own: LOST, make: async (s) => { await s.killed('finish'); await s.byHand(s.pair.b, (d) => d.destroy()); }, ends: 'done', on: 'b', runs: false },
  { row: 'held × ended or failed', fault: "the same, and the destination's daemon dies", own: LOST, make: async (s) => { await s.killed('finish'); await s.byHand(s.pair.b, (d) => d.destroy()); await s.restarted(s.pair.b); }, refused: /cannot tell any more whether it ran there/ },
  // The same with its job held.
  { row: 'held, job × absent', fault: "the destination's daemon dies after Perform", make: async (s) => { await s.stopped('perform'); await s.restarted(s.pair.b); }, ends: 'not-migrated', on: 'a' },
  { row: 'held, job × off', fault: 'somebody ends what waits there after Perform; an old definition is there', options: REPLACE, make: async (s) => { await s.stale(); await s.stopped('perform'); await s.byHand(s.pair.b, (d) => d.destroy()); }, ends: 'not-migrated', on: 'a', keepsStale: true },
  { row: 'held, job × incoming', fault: 'the program stands still after Perform', make: (s) => s.stopped('perform'), ends: 'not-migrated', on: 'a' },
  { row: 'held, job × arrived', fault: 'the program stands still after Finish', own: LOST, make: (s) => s.stopped('finish'), ends: 'done', on: 'b' },
  { row: 'held, job × failed', fault: 'Finish fails and the program stands still', own: LOCKED, make: (s) => s.finishFails('stop'), ends: 'not-migrated', on: 'a' },
  { row: 'held, job × ended', fault: 'the program stands still after Finish, and the guest ends there', own: LOST, make: async (s) => { await s.stopped('finish'); await s.byHand(s.pair.b, (d) => d.destroy()); }, ends: 'done', on: 'b', runs: false },
  // It is off on the source.
  { row: 'off × absent', fault: 'somebody ends the guest while memory is sent, and the program dies', own: LOST, options: SLOW, make: async (s) => { await s.killed('sending'); await s.byHand(s.pair.a, (d) => d.destroy()); }, ends: 'source-ended', on: 'a', runs: false },
  { row: 'off × off', fault: 'the same; an old definition is there', own: LOST, options: { ...SLOW, ...REPLACE }, make: async (s) => { await s.stale(); await s.killed('sending'); await s.byHand(s.pair.a, (d) => d.destroy()); }, ends: 'source-ended', on: 'a', runs: false, keepsStale: true },
  { row: 'off × incoming', fault: 'somebody ends the source after Perform', own: LOST, make: async (s) => { await s.stopped('perform'); await s.byHand(s.pair.a, (d) => d.destroy()); }, ends: 'source-ended', on: 'a', runs: false },
  { row: 'off × arrived', fault: 'somebody ends the source after Finish', own: LOST, make: async (s) => { await s.stopped('finish'); await s.byHand(s.pair.a, (d) => d.destroy()); }, ends: 'done', on: 'b' },
  { row: 'off × failed', fault: 'Finish fails, the program dies, and somebody ends the source', own: LOCKED, make: async (s) => { await s.finishFails('kill'); await s.byHand(s.pair.a, (d) => d.destroy()); }, ends: 'source-ended', on: 'a', runs: false },
  { row: 'off × prepared', fault: 'cold, the program dies after Prepare', own: OFF, options: COLD, make: (s) => s.killed('prepare'), ends: 'source-ended', on: 'a', runs: false, listed: true },
  { row: 'lives × prepared', fault: 'the same, and somebody starts it at the source', own: OFF, options: COLD, make: async (s) => { await s.killed('prepare'); await s.byHand(s.pair.a, (d) => d.start()); }, ends: 'not-migrated', on: 'a', listed: true },
  { row: 'off × ended', fault: 'cold, the program dies after Finish', own: OFF, options: COLD, make: (s) => s.killed('finish'), ends: 'done', on: 'b', runs: false },
  { row: 'off × ended', fault: 'cold, the same over an old definition', own: OFF, options: { ...COLD, ...REPLACE }, make: async (s) => { await s.stale(); await s.killed('finish'); }, ends: 'done', on: 'b', runs: false },
  // The source does not have it.
  { row: 'absent × arrived', fault: 'the program dies after Confirm', own: LOST, make: (s) => s.killed('confirm'), ends: 'done', on: 'b' },
  { row: 'absent × ended', fault: 'cold, the program dies after Confirm', own: OFF, options: COLD, make: (s) => s.killed('confirm'), ends: 'done', on: 'b', runs: false },
  { row: 'absent × off', fault: 'cold, and all went well', own: OFF, options: COLD, make: async (s) => { await s.t.domain.migrate(s.pair.b.manager, s.options).done; }, ends: 'done', on: 'b', runs: false },
  { row: 'absent × incoming', fault: 'somebody ends the source after Perform and removes its definition', own: LOST, make: async (s) => { await s.stopped('perform'); await s.byHand(s.pair.a, async (d) => { await d.destroy(); await d.undefine(); }); }, refused: /the source does not have it/ },
  { row: 'absent × failed', fault: 'Finish fails, and somebody ends the source and removes its definition', own: LOCKED, make: async (s) => { await s.finishFails('kill'); await s.byHand(s.pair.a, async (d) => { await d.destroy(); await d.undefine(); }); }, refused: /its finish at the destination failed/ },
]; // biome-ignore format: a table

const made = new Set<string>();
let everybody: Promise<{ t: Traveller; bootId: string }> | undefined;
/** One guest for all that do not lose it: it never boots again, and something of it waits for its next boot. */
function witness() {
  everybody ??= (async () => {
    const t = await (await pair()).guest('witness');
    const attach = [{ interface: { id: 'later', user: true, mac: '52:54:00:00:00:09' } }] as const;
    await t.domain.apply(await t.domain.plan({ attach, scope: 'config' }));
    return { t, bootId: (await t.here.report()).bootId };
  })();
  return everybody;
}

let guests = 0;
const subjectOf = async (own: TravellerOptions | undefined): Promise<Traveller> =>
  own ? (await pair()).guest(`lost${++guests}`, { memoryMiB: 48, interfaces: [], ...own }) : (await witness()).t;

/** What the record of the migration says, from whichever host has it. */
async function knownOf({ uuid }: Traveller): Promise<KnownOfMigration | undefined> {
  const { a, b } = await pair();
  for (const side of [a, b]) {
    const domain = await side.manager.get(uuid).catch(() => undefined);
    for (const text of domain ? [await domain.canonical(), await domain.live()] : []) {
      const entry = text === undefined ? undefined : migrationEntry(new DomainDocument(text));
      if (entry) return entry.record;
    }
  }
  return undefined;
}

/** Where it is, by both hosts; the witness says itself that it has not booted, and what was pending is pending. */
async function assertOn(t: Traveller, { on, own, runs = true, keepsStale = false, listed }: Scenario): Promise<void> {
  const { a, b } = await pair();
  const domain = await (on === 'b' ? b : a).manager.get(t.uuid);
  assert.is(await domain.state(), runs ? 'running' : 'shutoff', `on ${on}`);
  assert.is(domain.migration, undefined, 'no record is left');
  if (keepsStale) assert.is(await (await b.manager.get(t.uuid)).state(), 'shutoff', 'the old definition is there');
  else if (listed) await assertListed(t);
  else await failure((on === 'b' ? a : b).manager.get(t.uuid), 'DOMAIN_NOT_FOUND');
  if (own) return;
  assert.is((await (on === 'b' ? t.there : t.here).report()).bootId, (await witness()).bootId, 'it has not booted');
  const { changes } = await domain.pending();
  assert.equal(
    changes.map(({ action, subject }) => `${action} ${subject}`),
    ['attach interface later'],
  );
  assert.equal((await domain.drift()).changes, []);
}

/** libvirt lists it, and it is nothing: no definition, and in the way of no other migration. */
async function assertListed({ domain, options, uuid }: Traveller): Promise<void> {
  const { b } = await pair();
  const left = await b.manager.get(uuid);
  assert.is(await left.state(), 'shutoff');
  assert.is(
    (await b.connection.call('DOMAIN_IS_PERSISTENT', { dom: { name: left.name, uuid, id: -1 } })).persistent,
    0,
  );
  const running = (await domain.state()) === 'running';
  const { uri, ...others } = options;
  const again = running ? { ...others, ...(uri !== undefined && { uri }) } : { ...others, mode: 'cold' as const };
  assert.equal((await domain.planMigration(b.manager, again)).blocking, []);
}

/** As before: the witness at home, anything else gone. */
async function tidied(t: Traveller, { on, own, keepsStale, listed }: Scenario): Promise<void> {
  const { a, b } = await pair();
  if (listed) {
    await b.host.killDaemon();
    await b.host.startDaemon();
  }
  if (keepsStale) await (await b.manager.get(t.uuid)).undefine();
  if (!own && on === 'b') {
    await within((await b.manager.get(t.uuid)).migrate(a.connection, t.back).done, MINUTES, 'the way back');
    return;
  }
  for (const side of own ? [a, b] : []) {
    const left = await side.manager.get(t.uuid).catch(() => undefined);
    if (left && (await left.state()) !== 'shutoff') await left.destroy();
    await (await side.manager.get(t.uuid).catch(() => undefined))?.undefine();
  }
}

for (const scenario of SCENARIOS)
  test(`recoverMigration: ${scenario.row}: ${scenario.fault}: ${scenario.ends ?? 'refused'}`, async () => {
    const { a, b } = await pair();
    const { own, options, row, ends, refused } = scenario;
    const t = await subjectOf(own);
    {
      const { uri, paths } = t.options;
      const cold = options?.mode === 'cold';
      const all = { ...(!cold && uri !== undefined && { uri }), ...(paths && { paths }), ...options };
      await using stage: Stage = new Stage(await pair(), t, all);
      await scenario.make(stage);
      const known = await knownOf(t);
      const look = await recoverMigration(a.connection, b.connection, t.uuid, { mode: 'look' });
      const found = outcomeOf(look.source, look.destination, known);
      assert.is(`${found.source} × ${found.destination}`, row, JSON.stringify([look.source, look.destination]));
      assert.is(look.outcome, found.outcome);
      made.add(row);
      const recover = { owner: 'gone', ...scenario.recover } as const;
      const recovery = recoverMigration(a.manager, b.manager, t.uuid, recover);
      if (refused) assert.match((await failure(recovery, 'MIGRATION_UNSETTLED', MINUTES)).message, refused);
      else {
        const recovered = await within(recovery, MINUTES, 'recovery');
        assert.is(recovered.outcome, ends, recovered.did.join());
        assert.equal(recovered.unfinished, []);
        await assertOn(t, scenario);
      }
    }
    if (!refused) {
      // The program that stood still has ended by now, and its connections with it.
      await assertOn(t, scenario);
      const again = await recoverMigration(a.connection, b.connection, t.uuid);
      assert.equal(again.did, [], 'asked again it does nothing');
    }
    await tidied(t, scenario);
  });

/** Those of post-copy need other hosts: post-copy.test.ts. And there is one without a domain. */
const ELSEWHERE = /^post-copy|^absent × absent$/;
test('OUTCOMES: each row was made by a fault', () => {
  const rows = OUTCOMES.map(({ source, destination }) => `${source} × ${destination}`);
  assert.equal(
    rows.filter((row) => !made.has(row) && !ELSEWHERE.test(row)),
    [],
  );
});

test.run();
