/**
 * Random changes, unplugs, reboots, daemon restarts and kills, and faults on the wire in the middle of changes, on several
 * domains of one private host, for as long as asked. After each step all witnesses are asked whether anything has moved;
 * after a change that failed, whether the domain is as before. Ends with 1 when an invariant was violated.
 *
 *   npm run soak -- [--minutes N] [--domains N] [--seed N] [--plant regenerate]
 *
 * The first domain runs a guest, which is a witness and unplugs; the others run nothing. `--plant regenerate` is the control:
 * a manager that defines anew at each hard reboot, which has to be caught.
 */
import { subscribe } from 'node:diagnostics_channel';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { CALL_CHANNEL, type CallRecord, type ChangeRequest, LibvirtCanonicalError } from '../src/index.js';
import { PrivateHost } from '../src/testing/index.js';
import { booted, type Model, type Real, sequences, verify } from '../test/property/commands.js';
import { FaultySubject } from '../test/property/faulty.js';
import { specOf } from '../test/property/run.js';
import { RegeneratingSubject } from '../test/property/subject.js';
import { FAULTS, type Fault } from '../test/support/fault-proxy.js';

/** Steps between two kills of the daemon when nothing is under way. */
const KILL_EVERY = 25;
/** One change in so many meets a fault, at one of its calls or none. */
const FAULT_EVERY = 3;
const CALLS_OF_A_CHANGE = 45;
/** Milliseconds between two readings of the process's memory. */
const READ_MEMORY_EVERY = 2_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    domains: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    plant: { type: 'string' },
  },
});
const planted = values.plant === 'regenerate';
const count = Number(values.domains);

type Commands = ReturnType<typeof sequences> extends fc.Arbitrary<infer T> ? T : never;

/** One domain on its walk. */
interface Walker {
  readonly name: string;
  readonly model: Model;
  readonly real: Real;
  steps: Iterator<Commands extends Iterable<infer C> ? C : never>;
}

let seed = Number(values.seed);
const newSteps = (withGuest: boolean) => {
  const [commands] = fc.sample(sequences(withGuest, 40), { seed: seed++, numRuns: 1 });
  return (commands as Commands)[Symbol.iterator]();
};

/** A fault for a change now and then; none where taking the change back would need a guest that answers, and there is none. */
function faultsFor(model: Model, withGuest: boolean): (request: ChangeRequest) => Fault | undefined {
  const fault = fc.record({
    kind: fc.constantFrom(...FAULTS),
    at: fc.integer({ min: 1, max: CALLS_OF_A_CHANGE }),
    turn: fc.integer({ min: 1, max: FAULT_EVERY }),
  });
  return ({ attach, set }) => {
    const [drawn] = fc.sample(fault, { seed: seed++, numRuns: 1 });
    const needsGuest = set?.vcpus !== undefined || (!withGuest && attach !== undefined);
    return drawn?.turn === 1 && !(model.running && needsGuest) ? drawn : undefined;
  };
}

async function walker(host: PrivateHost, n: number): Promise<Walker> {
  const guest = n === 0 && !planted ? await host.guest({ name: `soak${n}` }) : undefined;
  const images = new Map<string, string>();
  for (let d = 0; d < 5; d++) images.set(`d${d}`, await host.createDisk(`s${n}-d${d}.qcow2`, { size: '4 MiB' }));
  const spec = specOf(`soak${n}`, await host.createDisk(`s${n}-root.qcow2`, { size: '4 MiB' }), guest);
  const model: Model = {
    running: true,
    vcpus: 1,
    devices: new Map(),
    first: new Map(),
    guest: new Map(),
    machine: undefined,
  };
  const subject = await (planted
    ? RegeneratingSubject.define(host, spec)
    : FaultySubject.over(host, spec, faultsFor(model, guest !== undefined)));
  const real: Real = { subject, host, images, checks: 0, ...(guest ? { guest } : {}) };
  await subject.start();
  await booted(real);
  await verify(model, real);
  return { name: `soak${n}`, model, real, steps: newSteps(guest !== undefined) };
}

const calls = { all: 0, defines: 0 };
subscribe(CALL_CHANNEL, (message) => {
  const { phase, procedure } = message as CallRecord;
  if (phase !== 'start') return;
  calls.all++;
  if (/^DOMAIN_(DEFINE_XML|CREATE_XML)/.test(procedure)) calls.defines++;
});

const violations: string[] = [];
const kinds = new Map<string, number>();
let lost = 0;
let kills = 0;
let steps = 0;
const memory: Array<readonly [seconds: number, mebibytes: number]> = [];
const started = performance.now();
const seconds = () => (performance.now() - started) / 1000;
const readMemory = () => memory.push([seconds(), process.memoryUsage().rss / 2 ** 20]);

/** The next step of a walker that fits its state; false when an invariant was violated. */
async function step(each: Walker): Promise<boolean> {
  for (;;) {
    const { done, value: command } = each.steps.next();
    if (done) {
      each.steps = newSteps(each.real.guest !== undefined);
      continue;
    }
    if (!command.check(each.model)) continue;
    try {
      await command.run(each.model, each.real);
      steps++;
      const [kind = ''] = String(command).split(' ');
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      return true;
    } catch (error) {
      if (error instanceof LibvirtCanonicalError && error.code === 'DOMAIN_NOT_FOUND') lost++;
      violations.push(
        `${each.name}, ${command}, seed ${values.seed}: ${error instanceof Error ? error.message : error}`,
      );
      return false;
    }
  }
}

/** The daemon dies without a word; the domains go on, and connections to a new daemon find them as they were. */
async function killDaemon(host: PrivateHost, walkers: readonly Walker[]): Promise<void> {
  await host.killDaemon();
  await host.startDaemon();
  kills++;
  for (const { model, real } of walkers) await verify(model, real);
}

const host = await PrivateHost.start();
try {
  let walkers: Walker[] = [];
  for (let n = 0; n < count; n++) walkers.push(await walker(host, n));
  const until = performance.now() + Number(values.minutes) * 60_000;
  const begun = seconds();
  readMemory();
  const timer = setInterval(readMemory, READ_MEMORY_EVERY);
  let nextKill = KILL_EVERY;
  while (walkers.length > 0 && performance.now() < until) {
    for (const each of [...walkers]) if (!(await step(each))) walkers = walkers.filter((other) => other !== each);
    if (steps < nextKill || planted) continue;
    nextKill += KILL_EVERY;
    await killDaemon(host, walkers).catch((error: Error) => {
      violations.push(`after the daemon was killed, seed ${values.seed}: ${error.message}`);
      walkers = [];
    });
  }
  clearInterval(timer);
  readMemory();
  if (calls.defines !== count) violations.push(`${calls.defines} defines for ${count} domains`);
  report(seconds() - begun, walkers);
  for (const { real } of walkers) await real.subject.close();
} finally {
  await host.stop();
}
if (violations.length > 0) process.exitCode = 1;

function report(duration: number, walkers: readonly Walker[]): void {
  const [first, last] = [memory[0]?.[1] ?? 0, memory.at(-1)?.[1] ?? 0];
  console.log(`${duration.toFixed(0)} s, ${count} domains, seed ${values.seed}`);
  console.log(`steps: ${steps} (${(steps / duration).toFixed(1)} a second), calls: ${calls.all}`);
  console.log(`  ${listOf([...kinds])}`);
  const subjects = walkers.map(({ real }) => real.subject).filter((each) => each instanceof FaultySubject);
  console.log(`daemon killed between steps: ${kills}`);
  console.log(`faults in the middle of changes: ${listOf(subjects.flatMap(({ met }) => [...met]))}`);
  console.log(`  ended: ${listOf(subjects.flatMap(({ ends }) => Object.entries(ends)))}`);
  console.log(
    `memory: ${first.toFixed(0)} MiB → ${last.toFixed(0)} MiB, slope ${slope().toFixed(2)} MiB a minute in the second half`,
  );
  console.log(`domains lost: ${lost}, defines: ${calls.defines}`);
  console.log(`violations: ${violations.length}`);
  for (const violation of violations) console.log(`  ${violation}`);
}

/** What was counted, each name once. */
function listOf(counts: ReadonlyArray<readonly [string, number]>): string {
  const sums = new Map<string, number>();
  for (const [name, count] of counts) sums.set(name, (sums.get(name) ?? 0) + count);
  return [...sums].map(([name, count]) => `${name} ${count}`).join(', ') || 'none';
}

/** Least squares over the second half, when everything has been loaded and compiled. */
function slope(): number {
  const half = memory.slice(memory.length >> 1);
  const mean = (at: 0 | 1) => half.reduce((sum, each) => sum + each[at], 0) / half.length;
  const [x, y] = [mean(0), mean(1)];
  const spread = half.reduce((sum, [t]) => sum + (t - x) ** 2, 0);
  return spread === 0 ? 0 : (half.reduce((sum, [t, m]) => sum + (t - x) * (m - y), 0) / spread) * 60;
}
