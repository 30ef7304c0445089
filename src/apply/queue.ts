import { AsyncLocalStorage } from 'node:async_hooks';

/** Works that wait for one another, the last of them, and whether the line is closed: then nothing joins it any more. */
interface Line {
  tail: Promise<unknown>;
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

/** Runs `work` after all work queued before it for the same domain, whether that succeeded or not. */
export async function queued<T>(uuid: string, work: () => Promise<T>): Promise<T> {
  const held = mine.getStore();
  const own = held?.get(uuid);
  const line = own && !own.closed ? own : (lines.get(uuid) ?? newLine());
  if (line !== own) lines.set(uuid, line);
  const within = newLine();
  const turn = () => mine.run(new Map([...(held ?? []), [uuid, within]]), () => untilClosed(work, within));
  const outcome = line.tail.then(turn);
  const settled = outcome.then(
    () => {},
    () => {},
  );
  line.tail = settled;
  try {
    return await outcome;
  } finally {
    if (line.tail === settled && lines.get(uuid) === line) lines.delete(uuid);
  }
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
  return { tail: Promise.resolve(), closed: false };
}

/** Whether work on the domain is under way, or waits, within this process. */
export function isQueued(uuid: string): boolean {
  return lines.has(uuid);
}

/** Runs `work` as nobody's: begun inside work on a domain, it waits for its turn like any other. */
export function apart<T>(work: () => T): T {
  return mine.run(new Map(), work);
}

/** Tells a caller something. What the caller's code begins there waits for its turn, and what it throws is dropped. */
export function tell<T>(callback: ((value: T) => unknown) | undefined, value: T): void {
  if (!callback) return;
  apart(async () => callback(value)).catch(() => {});
}
