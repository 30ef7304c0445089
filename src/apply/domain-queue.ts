import { AsyncLocalStorage } from 'node:async_hooks';
import { AbortedError } from '../errors.js';

/** Works that wait for one another: the last of them, how many are not over, and whether the line is closed: then nothing joins it any more. */
interface Line {
  tail: Promise<unknown>;
  works: number;
  closed: boolean;
}

/** The line of each domain with work under way, by UUID. */
const lines = new Map<string, Line>();

/**
 * The lines that the running code may join, by UUID: each work has one of its own, so that a hook that applies or starts
 * is part of the work that called it. It is closed when the work ends: a timer or a listener that the work left behind
 * keeps the context for ever, and waits like anything else.
 */
const mine = new AsyncLocalStorage<ReadonlyMap<string, Line>>();

/**
 * Runs `work` after all work queued before it for the same domain, whether that succeeded or not. While it waits, `signal`
 * ends the waiting: `ABORTED`, and the work is not begun. Once it has begun the signal is its own matter.
 */
export async function inDomainQueue<T>(uuid: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const held = mine.getStore();
  const own = held?.get(uuid);
  const line = own && !own.closed ? own : (lines.get(uuid) ?? newLine());
  const waiting = line.works > 0 && signal ? untilAborted(signal) : undefined;
  if (waiting && signal?.aborted) return waiting.aborted;
  if (line !== own) lines.set(uuid, line);
  const within = newLine();
  const turn = async () => {
    waiting?.end();
    if (waiting && signal?.aborted) return waiting.aborted;
    return mine.run(new Map([...(held ?? []), [uuid, within]]), () => untilClosed(work, within));
  };
  line.works++;
  const outcome = line.tail.then(turn);
  const leave = () => {
    line.works--;
    if (line.works === 0 && lines.get(uuid) === line) lines.delete(uuid);
  };
  line.tail = outcome.then(leave, leave);
  return waiting ? Promise.race([outcome, waiting.aborted]) : outcome;
}

/** Rejects when the caller gives the waiting up before it is over. */
function untilAborted(signal: AbortSignal): { readonly aborted: Promise<never>; end(): void } {
  let giveUp = () => {};
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => reject(new AbortedError('waiting for other work on the domain', signal.reason));
  });
  if (signal.aborted) giveUp();
  else signal.addEventListener('abort', giveUp, { once: true });
  return { aborted, end: () => signal.removeEventListener('abort', giveUp) };
}

/** Runs a work to its end, and what it began within its line and did not wait for. */
async function untilClosed<T>(work: () => Promise<T>, within: Line): Promise<T> {
  try {
    return await work();
  } finally {
    for (let tail: unknown; tail !== within.tail; ) {
      tail = within.tail;
      await tail;
    }
    within.closed = true;
  }
}

function newLine(): Line {
  return { tail: Promise.resolve(), works: 0, closed: false };
}

/** Whether work on the domain is under way, or waits, within this process. */
export function isQueued(uuid: string): boolean {
  return lines.has(uuid);
}

/** Runs `work` as nobody's: begun inside work on a domain, it waits for its turn like any other. */
export function outsideDomainQueue<T>(work: () => T): T {
  return mine.run(new Map(), work);
}

/** Tells a caller something. What the caller's code begins there waits for its turn, and what it throws is dropped. */
export function notify<T>(callback: ((value: T) => unknown) | undefined, value: T): void {
  if (!callback) return;
  outsideDomainQueue(async () => callback(value)).catch(() => {});
}
