import { nextItem } from '../apply/index.js';
import type { Connection, DomainHandle } from '../connection/index.js';
import { fired } from '../fired.js';
import type { MigrationPolicy, StallStep } from './policy.js';
import {
  type JobStats,
  jobStats,
  type MigrationProgress,
  type PolicyAct,
  processedOf,
  progressOf,
} from './progress.js';
import { SilenceWatch, StallJudge } from './stall.js';

/** Milliseconds between two readings of the job, and for one: a QEMU that does not answer holds it. */
const POLL = 500;
const READ = 5_000;
const GIB = 1024 ** 3;

/** What a monitor watches, over a connection of its own. */
export interface Monitored {
  readonly connection: Connection;
  readonly dom: DomainHandle;
  readonly policy: MigrationPolicy;
  /** Told of each reading. */
  readonly tell: (progress: MigrationProgress) => void;
  /** Called when the policy gives up. */
  readonly abort: (why: string) => void;
}

/** Watches memory and disks being sent, and does what the policy says when they do not get on. */
export class MigrationMonitor {
  readonly #of: Monitored;
  readonly #over = new AbortController();
  readonly #stopped = fired(this.#over.signal).then(() => false as const);
  readonly #judge: StallJudge;
  readonly #silence: SilenceWatch;
  readonly #steps: StallStep[];
  readonly #begun = performance.now();
  #acts: PolicyAct[] = [];
  #downtime = 0;
  #bandwidth: number | undefined;
  #sendingSince: number | undefined;
  #postCopy = false;
  #gaveUp = false;

  constructor(of: Monitored) {
    this.#of = of;
    this.#judge = new StallJudge(of.policy);
    this.#silence = new SilenceWatch(of.policy);
    this.#steps = [...of.policy.onStall];
    this.#bandwidth = of.policy.bandwidth?.begin;
  }

  /** Whether the guest went over before its memory did: there is no way back. */
  get postCopy(): boolean {
    return this.#postCopy;
  }

  /** Runs until {@link stop}. Never rejects: that a reading fails is silence. */
  async run(): Promise<void> {
    const { connection, dom } = this.#of;
    const events = await connection.subscribe('MIGRATION_ITERATION', { domain: dom }).catch(() => undefined);
    let boundary = events && nextItem(events, () => true).catch(() => undefined);
    try {
      while (!this.#over.signal.aborted) {
        await this.#look();
        const woken = await this.#pause(boundary);
        if (woken && events) boundary = nextItem(events, () => true).catch(() => undefined);
      }
    } finally {
      await events?.close();
    }
  }

  stop(): void {
    this.#over.abort();
  }

  /** Until the next reading is due, or a pass over memory begins: true for the latter. */
  async #pause(boundary: Promise<unknown> | undefined): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const due = new Promise<false>((resolve) => (timer = setTimeout(resolve, POLL, false)));
    const began = boundary?.then((item) => (item === undefined ? due : true));
    try {
      return await Promise.race([due, this.#stopped, ...(began ? [began] : [])]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #look(): Promise<void> {
    const { connection, dom, tell } = this.#of;
    const read = await connection
      .call('DOMAIN_GET_JOB_STATS', { dom, flags: 0 }, { timeout: READ, signal: this.#over.signal })
      .catch(() => undefined);
    if (this.#over.signal.aborted) return;
    const stats = read && jobStats(read);
    const now = (performance.now() - this.#begun) / 1000;
    if (stats && !this.#gaveUp) await this.#drive(now, stats);
    if (!this.#postCopy && !this.#gaveUp) {
      if (this.#silence.read(now, stats && processedOf(stats)))
        this.#giveUp(`nothing was sent for ${this.#of.policy.silence} s`);
      else if (stats && now > deadlineOf(this.#of.policy, stats))
        this.#giveUp(`it was not done after ${Math.round(deadlineOf(this.#of.policy, stats))} s`);
    }
    const acts = this.#acts;
    this.#acts = [];
    if (stats || acts.length > 0) tell(progressOf('sending', now * 1000, stats ?? {}, acts));
  }

  /** Holds the pause to its schedule, and takes the next step when it stalls. */
  async #drive(now: number, stats: JobStats): Promise<void> {
    if (processedOf(stats) > 0) this.#sendingSince ??= now;
    const sending = now - (this.#sendingSince ?? now);
    const due = this.#of.policy.downtime.schedule.filter(({ after }) => after <= sending).at(-1);
    if (due && due.ms > this.#downtime) await this.#setDowntime(due.ms, `scheduled after ${due.after} s`, stats);
    const stalled = this.#judge.read(now, {
      iteration: stats.memory_iteration ?? 0,
      memory: stats.memory_remaining ?? 0,
      disk: stats.disk_remaining ?? 0,
    });
    if (stalled && !this.#postCopy) await this.#step(stalled, stats);
  }

  /** The first step that is left and can do something. That of the pause is left until all of it is allowed. */
  async #step(stalled: 'memory' | 'disk', stats: JobStats): Promise<void> {
    const left = (stalled === 'memory' ? stats.memory_remaining : stats.disk_remaining) ?? 0;
    const why = `${stalled} stalls with ${left} bytes left`;
    const steps = this.#steps.filter((step) => stalled === 'memory' || step === 'speed' || step === 'abort');
    for (const step of steps) {
      const taken = await this.#take(step, why, stats);
      if (!taken || step !== 'downtime') this.#steps.splice(this.#steps.indexOf(step), 1);
      if (taken) return;
    }
  }

  async #take(step: StallStep, why: string, stats: JobStats): Promise<boolean> {
    const { connection, dom, policy } = this.#of;
    const call = { timeout: READ };
    try {
      if (step === 'downtime') {
        const needed = pauseNeeded(stats);
        const next = nextPause(needed, this.#downtime, policy.downtime.most);
        if (next === undefined) {
          const told = `${why}: the last pass would take ${Math.ceil(needed)} ms`;
          this.#acts.push({ did: 'left the pause as it is', why: told });
          return false;
        }
        await this.#setDowntime(next, why, stats);
      } else if (step === 'speed') {
        const most = policy.bandwidth?.most;
        if (most === undefined || this.#bandwidth === undefined || most <= this.#bandwidth) return false;
        await connection.call('DOMAIN_MIGRATE_SET_MAX_SPEED', { dom, bandwidth: most, flags: 0 }, call);
        this.#bandwidth = most;
        this.#acts.push({ did: `allowed ${most} MiB/s`, why });
      } else if (step === 'post-copy') {
        await connection.call('DOMAIN_MIGRATE_START_POST_COPY', { dom, flags: 0 }, call);
        this.#postCopy = true;
        this.#acts.push({ did: 'started post-copy', why });
      } else if (step === 'suspend') {
        await connection.call('DOMAIN_SUSPEND', { dom }, call);
        this.#acts.push({ did: 'stopped the guest until it has gone over', why });
      } else this.#giveUp(why);
      return true;
    } catch (error) {
      this.#acts.push({ did: `tried ${step} in vain`, why: error instanceof Error ? error.message : String(error) });
      return false;
    }
  }

  async #setDowntime(ms: number, why: string, { downtime }: JobStats): Promise<void> {
    const { connection, dom } = this.#of;
    // What is in force before the second pass is the limit itself; later the number is QEMU's estimate.
    this.#downtime = ms;
    await connection.call('DOMAIN_MIGRATE_SET_MAX_DOWNTIME', { dom, downtime: ms, flags: 0 }, { timeout: READ }).then(
      () => this.#acts.push({ did: `allowed a pause of ${ms} ms`, why }),
      (error: Error) =>
        this.#acts.push({ did: `tried a pause of ${ms} ms in vain (${downtime ?? '?'})`, why: error.message }),
    );
  }

  #giveUp(why: string): void {
    this.#gaveUp = true;
    this.#acts.push({ did: 'gave up', why });
    this.#of.abort(why);
  }
}

/** What the last pass is taken to need more than it looks like, and by how much a pause grows that looked long enough and was not. */
const MARGIN = 1.2;
const GROWTH = 1.5;

/**
 * The pause to allow next, in milliseconds: what the last pass seems to need. That is an estimate, and QEMU has one of its own:
 * when as much is allowed already, and it still stalls, it is half as much again. Undefined when more than `most` is needed, or
 * all of it is allowed already.
 */
export function nextPause(needed: number, allowed: number, most: number): number | undefined {
  const wanted = Math.ceil(needed * MARGIN);
  if (wanted > allowed) return wanted > most ? undefined : wanted;
  return allowed < most ? Math.min(Math.ceil(allowed * GROWTH), most) : undefined;
}

/** Milliseconds that the last pass would take, by what remains and how fast it goes; QEMU's own estimate without a rate. */
function pauseNeeded({ memory_remaining: remaining = 0, memory_bps: rate = 0, downtime = 0 }: JobStats): number {
  return rate > 0 ? (remaining / rate) * 1000 : downtime;
}

function deadlineOf({ deadline }: MigrationPolicy, stats: JobStats): number {
  const gib = ((stats.memory_total ?? 0) + (stats.disk_total ?? 0)) / GIB;
  return Math.min(deadline.total, Math.max(gib, 1) * deadline.perGiB);
}
