import { connect, DomainManager, LibvirtCanonicalError, LibvirtError } from '../../src/index.js';
import { PrivateHost } from '../../src/testing/index.js';
import { readGrammar, SCHEMAS } from '../../test/domain/schema/grammar.js';
import { type Candidate, pairs, singles } from './candidates.js';
import { EXPLAINED, type ExplainedRow } from './explained.js';
import type { NotTriedRow } from './not-tried.js';
import { type Finding, type Outcome, type Site, type Trial, tryOut } from './subject.js';

export interface SweepOptions {
  /** The same seed tries the same documents. Default 1. */
  readonly seed?: number;
  /** How many documents with one thing in them. Default: all. */
  readonly singles?: number;
  /** Leaves out so many of those, to go on where a run was cut. Default 0. */
  readonly from?: number;
  /** How many with two, made of those that were accepted. Default 0. */
  readonly pairs?: number;
  /** Only these elements. */
  readonly only?: readonly string[];
  /** Another release's libvirt and QEMU: see `prepareHostRoot`. */
  readonly root?: string;
  /** Told every so often how far it is. */
  readonly progress?: (tried: number, accepted: number) => void;
  /** Told of each document at which the daemon ended or hung, twice. */
  readonly onCrash?: (at: Candidate) => void;
  /** Told of each document that is not explained, once it is known: a long sweep may be cut. */
  readonly onUnexplained?: (found: Unexplained) => void;
}

export interface Sweep {
  readonly libvirt: string;
  readonly outcomes: readonly Outcome[];
  /** Documents at which the daemon ended, or hung. */
  readonly crashes: readonly Candidate[];
  readonly generated: number;
  readonly accepted: number;
  readonly empty: number;
  readonly explained: number;
  readonly unexplained: readonly Unexplained[];
  /** How many domains went through each trial. */
  readonly trials: Readonly<Record<Trial, number>>;
  /** Rows that explained something, by how many documents. */
  readonly used: ReadonlyMap<ExplainedRow, number>;
  /** Rows by which something was not tried, by how many documents. */
  readonly leftOut: ReadonlyMap<NotTriedRow, number>;
}

export interface Unexplained {
  readonly outcome: Outcome;
  readonly findings: readonly Finding[];
}

const LANES = 3;
const IMAGES = ['root.img', 'a.img', 'm.img', 'ü b.img'];

/** Tries documents out on a private host. */
export async function sweep(options: SweepOptions = {}): Promise<Sweep> {
  const { seed = 1, root } = options;
  const grammar = readGrammar(root === undefined ? SCHEMAS : `${root}${SCHEMAS}`);
  await using runner = await Runner.start(options);
  const all = singles(grammar, seed, options.only);
  for (let left = options.from ?? 0; left > 0; left--) all.next();
  await runner.tryAll(first(all, options.singles ?? Number.POSITIVE_INFINITY));
  if (options.pairs) await runner.tryAll(first(pairs(runner.accepted, seed), options.pairs));
  return summary(runner);
}

function* first<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count;
  if (left > 0)
    for (const item of items) {
      yield item;
      if (--left === 0) return;
    }
}

/** Tries candidates out, a few at a time, and starts another host when one of them ends its daemon, or makes it hang. */
class Runner implements AsyncDisposable {
  readonly outcomes: Outcome[] = [];
  readonly crashes: Candidate[] = [];
  readonly #options: SweepOptions;
  #host: PrivateHost;
  #site: Omit<Site, 'lane'>;
  #tried: number;

  private constructor(options: SweepOptions, host: PrivateHost, site: Omit<Site, 'lane'>) {
    this.#options = options;
    this.#host = host;
    this.#site = site;
    this.#tried = options.from ?? 0;
  }

  static async start(options: SweepOptions): Promise<Runner> {
    const host = await hostFor(options);
    return new Runner(options, host, await siteOn(host));
  }

  get libvirt(): string {
    return this.#host.libvirtVersion;
  }

  /** What libvirt took, in the order in which it was tried. */
  get accepted(): Candidate[] {
    return [...this.outcomes]
      .sort((a, b) => a.index - b.index)
      .flatMap(({ base, candidate }) => (base === undefined ? [] : [candidate]));
  }

  async tryAll(candidates: Iterable<Candidate>): Promise<void> {
    const queue = candidates[Symbol.iterator]();
    const again: Array<readonly [Candidate, number]> = [];
    const lane = async (number: number) => {
      for (let each = queue.next(); !each.done; each = queue.next()) {
        const index = this.#tried++;
        const outcome = await this.#attempt(each.value, index, number);
        if (outcome) this.#told(outcome);
        else {
          again.push([each.value, index]);
          return;
        }
      }
    };
    for (let more = true; more; ) {
      await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
      more = again.length > 0;
      // The daemon has ended: of those that were under way each is tried alone, to tell which did it.
      for (const [candidate, index] of again.splice(0)) {
        await this.#restart();
        const outcome = await this.#attempt(candidate, index, 0);
        if (outcome) this.#told(outcome);
        else {
          this.crashes.push(candidate);
          this.#options.onCrash?.(candidate);
        }
      }
      if (more) await this.#restart();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#site.connection.close();
    await this.#host.stop();
  }

  /** Undefined when the daemon ended at it, or hung. */
  async #attempt(candidate: Candidate, index: number, lane: number): Promise<Outcome | undefined> {
    try {
      return await tryOut({ ...this.#site, lane }, candidate, index);
    } catch (error) {
      if (!isDaemonsEnd(error)) throw error;
      return undefined;
    }
  }

  /** What hangs, a QEMU for instance, goes with the old host. */
  async #restart(): Promise<void> {
    await this.#site.connection.close();
    await this.#host.stop();
    this.#host = await hostFor(this.#options);
    this.#site = await siteOn(this.#host);
  }

  #told(outcome: Outcome): void {
    this.outcomes.push(outcome);
    const { left } = judged(outcome);
    if (left.length > 0) this.#options.onUnexplained?.({ outcome, findings: left });
    if (this.outcomes.length % 500 === 0)
      this.#options.progress?.(this.outcomes.length, this.outcomes.filter(({ base }) => base !== undefined).length);
  }
}

async function hostFor({ root }: SweepOptions): Promise<PrivateHost> {
  const host = await PrivateHost.start(root === undefined ? {} : { root });
  for (const name of IMAGES) await host.createMedium(name);
  return host;
}

/** Its connection was lost, or it has not answered in time: another call holds the domain. */
function isDaemonsEnd(error: unknown): boolean {
  if (!(error instanceof LibvirtCanonicalError)) return false;
  const timedOut = error instanceof LibvirtError && error.errorName === 'VIR_ERR_OPERATION_TIMEOUT';
  return timedOut || error.code === 'CALL_TIMEOUT' || error.code.startsWith('CONNECTION');
}

async function siteOn(host: PrivateHost): Promise<Omit<Site, 'lane'>> {
  const connection = await connect(host.uri, { redefine: 'allow', maxInFlight: 8, callTimeout: 60_000 });
  return { connection, manager: new DomainManager(connection), images: `${host.directory}/images` };
}

function summary({ outcomes, crashes, libvirt }: Runner): Sweep {
  const used = new Map<ExplainedRow, number>();
  const leftOut = new Map<NotTriedRow, number>();
  const unexplained: Unexplained[] = [];
  const accepted = outcomes.filter(({ base }) => base !== undefined);
  for (const each of outcomes) for (const row of new Set(each.leftOut)) leftOut.set(row, (leftOut.get(row) ?? 0) + 1);
  for (const outcome of accepted) {
    const { rows, left } = judged(outcome);
    for (const row of rows) used.set(row, (used.get(row) ?? 0) + 1);
    if (left.length > 0) unexplained.push({ outcome, findings: left });
  }
  const empty = accepted.filter(({ findings }) => findings.length === 0).length;
  const went = (trial: Trial) => accepted.filter(({ trials }) => trials.includes(trial)).length;
  return {
    libvirt,
    outcomes,
    crashes,
    generated: outcomes.length + crashes.length,
    accepted: accepted.length,
    empty,
    explained: accepted.length - empty - unexplained.length,
    unexplained,
    trials: {
      start: went('start'),
      attach: went('attach'),
      'own attach': went('own attach'),
      'own define': went('own define'),
      move: went('move'),
    },
    used,
    leftOut,
  };
}

/** The rows that explain findings of a document, and the findings that none explains. */
function judged(outcome: Outcome): { rows: ReadonlySet<ExplainedRow>; left: readonly Finding[] } {
  const rows = outcome.findings.map((finding) => EXPLAINED.find((row) => explains(row, finding, outcome)));
  return {
    rows: new Set(rows.filter((row) => row !== undefined)),
    left: outcome.findings.filter((_, index) => rows[index] === undefined),
  };
}

function explains({ line, desired, document }: ExplainedRow, finding: Finding, { xml }: Outcome): boolean {
  return line.test(finding.line) && (desired?.test(finding.desired) ?? true) && (document?.test(xml) ?? true);
}
