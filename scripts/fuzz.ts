/**
 * Looks for inputs that break a promise, led by coverage: V8 tells which blocks an input reached, and inputs that reach a
 * new one are kept and changed further. Ends with 1 when it found something.
 *
 *   npm run fuzz -- [--seconds N] [--until-found] [--patience MS] [--targets MODULE] [--keep DIRECTORY] [TARGET…]
 *
 * Each target (test/hostile/targets.ts) runs for N seconds (default 60) in a worker with 512 MiB. What it throws is shrunk
 * and kept beside the corpus; so is, as it came, an input that takes more than MS (default 10,000) or wants more memory.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type Profiler, Session } from 'node:inspector';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

interface Target {
  readonly seeds: () => Buffer[];
  run(bytes: Buffer): void;
}
interface Work {
  readonly module: string;
  readonly target: string;
  readonly directory: string;
  readonly seconds: number;
  readonly untilFound: boolean;
  /** The input under way, its length first: what the main thread sees when the worker never comes back. */
  readonly shared: SharedArrayBuffer;
}

type Range = Profiler.CoverageRange;

const LONGEST = 65_536;
/** Inputs between two looks at the coverage, which costs more than an input. */
const BATCH = 32;
const EXTREMES = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x00040000, 28];

const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex').slice(0, 12);
const below = (n: number) => Math.floor(Math.random() * n);
const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;

/** A changed input: some small changes, one after the other. */
function mutate(parent: Buffer, corpus: readonly Buffer[]): Buffer {
  let bytes = Buffer.from(parent);
  for (let n = 1 + below(4); n > 0; n--) {
    const at = below(bytes.length + 1);
    const other = pick(corpus);
    const from = below(other.length);
    const piece = other.subarray(from, from + 1 + below(below(2) ? 8 : 256));
    const cut = pick([0, 0, 1, piece.length, below(64)]);
    const kind = below(5);
    if (kind === 0 && at < bytes.length) bytes[at] = below(256);
    else if (kind === 1 && at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << below(8));
    else if (kind === 2 && at + 4 <= bytes.length) bytes.writeUInt32BE(pick(EXTREMES), at);
    else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + cut)]);
    else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(below(2) ? 4 : 128))]);
  }
  return bytes.subarray(0, LONGEST);
}

/** A smaller input of which `fails` still holds: pieces are left out, from halves down to single bytes. */
function shrink(bytes: Buffer, fails: (bytes: Buffer) => boolean): Buffer {
  let small = bytes;
  for (let size = small.length >> 1; size > 0; size >>= 1)
    for (let at = 0; at < small.length; ) {
      const without = Buffer.concat([small.subarray(0, at), small.subarray(at + size)]);
      if (fails(without)) small = without;
      else at += size;
    }
  return small;
}

const holds = (a: Range, b: Range): boolean => a.startOffset <= b.startOffset && b.endOffset <= a.endOffset;

function saved(directory: string, bytes: Buffer, name = hash(bytes)): string {
  const file = join(directory, name);
  writeFileSync(file, bytes);
  return file;
}

async function work({ module, target: name, directory, seconds, untilFound, shared }: Work): Promise<void> {
  const { TARGETS } = (await import(pathToFileURL(module).href)) as { TARGETS: Readonly<Record<string, Target>> };
  const target = TARGETS[name] as Target;
  const under = Buffer.from(shared);
  /** Runs an input where the main thread can see it; tells what was broken. */
  const failureOf = (bytes: Buffer): string | undefined => {
    under.writeUInt32BE(bytes.length, 4);
    bytes.copy(under, 8);
    under.writeUInt32BE((under.readUInt32BE(0) + 1) >>> 0, 0);
    try {
      target.run(bytes);
    } catch (error) {
      return String(error).split('\n', 1)[0]?.slice(0, 300);
    }
    return undefined;
  };
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const known = new Set<string>();
  /** Blocks that some run passed by, by function. */
  const passedBy = new Map<string, Map<string, Range>>();
  /** Functions, and blocks of them that were passed by before, reached since it was last asked and by no input before. */
  const reached = (): string[] => {
    const blocks: string[] = [];
    session.post('Profiler.takePreciseCoverage', (_error, coverage) => {
      for (const { url, functions } of coverage?.result ?? [])
        if (url.startsWith('file:') && url !== import.meta.url)
          for (const { ranges } of functions) {
            const [whole] = ranges;
            if (!whole?.count) continue;
            const name = `${url} ${whole.startOffset}`;
            const all = passedBy.get(name) ?? new Map<string, Range>();
            passedBy.set(name, all);
            // V8 tells a block by itself only where its count is another than that of what is around it.
            const not = ranges.filter(({ count }) => count === 0);
            for (const range of not) all.set(`${name} ${range.startOffset} ${range.endOffset}`, range);
            blocks.push(name);
            for (const [block, range] of all) if (!not.some((each) => holds(each, range))) blocks.push(block);
          }
    });
    return blocks.filter((block) => !known.has(block));
  };
  const corpus: Buffer[] = [];
  const failures = new Set<string>();
  const tryOut = (bytes: Buffer): void => {
    // The same complaint about other values is the same failure.
    const kindOf = (failure: string | undefined) => failure?.replace(/["'`].*["'`]|[\d.]+/g, '…');
    const failure = failureOf(bytes);
    const kind = kindOf(failure);
    if (kind === undefined || failures.has(kind)) return;
    failures.add(kind);
    const small = shrink(bytes, (each) => kindOf(failureOf(each)) === kind);
    parentPort?.postMessage({ failure, file: saved(directory, small, `crash-${hash(small)}`) });
  };
  const tryAll = (inputs: readonly Buffer[]): void => {
    for (const bytes of inputs) tryOut(bytes);
    const together = reached();
    if (together.length === 0) return;
    for (const bytes of inputs) {
      failureOf(bytes);
      const blocks = reached();
      if (blocks.length === 0) continue;
      for (const block of blocks) known.add(block);
      corpus.push(bytes);
      saved(directory, bytes);
    }
    for (const block of together) known.add(block);
  };
  const kept = readdirSync(directory).filter((file) => /^[0-9a-f]+$/.test(file));
  for (const bytes of [...target.seeds(), ...kept.map((file) => readFileSync(join(directory, file)))]) tryAll([bytes]);
  if (corpus.length === 0) corpus.push(Buffer.alloc(4));
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end && !(untilFound && failures.size > 0))
    tryAll(Array.from({ length: BATCH }, () => mutate(pick(corpus), corpus)));
  parentPort?.postMessage({ corpus: corpus.length, blocks: known.size });
}

/** Runs one target in a worker and watches it; true when nothing was found. */
async function watch(work: Omit<Work, 'shared'>, patience: number): Promise<boolean> {
  const shared = new SharedArrayBuffer(LONGEST + 8);
  const under = Buffer.from(shared);
  const thread = new Worker(new URL(import.meta.url), {
    workerData: { ...work, shared },
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  });
  let good = true;
  const report = (what: string): void => {
    good = false;
    console.log(`${work.target}: ${what}`);
  };
  const caught = (why: string): void => {
    const bytes = Buffer.from(under.subarray(8, 8 + under.readUInt32BE(4)));
    report(`${why}\n  ${saved(work.directory, bytes, `crash-${hash(bytes)}`)}`);
  };
  let [last, since] = [0, performance.now()];
  const timer = setInterval(() => {
    const runs = under.readUInt32BE(0);
    if (runs !== last) [last, since] = [runs, performance.now()];
    else if (runs > 0 && performance.now() - since > patience) {
      since = Number.POSITIVE_INFINITY;
      caught(`an input takes more than ${patience} ms`);
      void thread.terminate();
    }
  }, 500);
  thread.on('message', ({ failure, file, corpus, blocks }) => {
    if (failure !== undefined) report(`${failure}\n  ${file}`);
    else console.log(`${work.target}: ${under.readUInt32BE(0)} inputs, ${corpus} kept, ${blocks} blocks reached`);
  });
  thread.on('error', (error) => caught(String(error)));
  await new Promise((done) => thread.once('exit', done));
  clearInterval(timer);
  return good;
}

if (isMainThread) {
  const cache = process.env.LIBVIRT_CANONICAL_CACHE ?? join(homedir(), '.cache/libvirt-canonical');
  const own = fileURLToPath(new URL('../test/hostile/targets.js', import.meta.url));
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '60' },
      'until-found': { type: 'boolean', default: false },
      patience: { type: 'string', default: '10000' },
      targets: { type: 'string', default: own },
      keep: { type: 'string', default: join(cache, 'fuzz') },
    },
  });
  const module = resolve(values.targets);
  const { TARGETS } = (await import(pathToFileURL(module).href)) as { TARGETS: object };
  const unknown = positionals.find((name) => !Object.hasOwn(TARGETS, name));
  if (unknown !== undefined) {
    console.error(`There is no target ${unknown}: ${Object.keys(TARGETS).join(', ')}`);
    process.exit(2);
  }
  for (const target of positionals.length > 0 ? positionals : Object.keys(TARGETS)) {
    const directory = join(values.keep, target);
    mkdirSync(directory, { recursive: true });
    const work = { module, target, directory, seconds: Number(values.seconds), untilFound: values['until-found'] };
    if (!(await watch(work, Number(values.patience)))) process.exitCode = 1;
  }
} else await work(workerData as Work);
