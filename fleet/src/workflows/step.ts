import { setTimeout as sleep } from 'node:timers/promises';
import { DBOS } from '@dbos-inc/dbos-sdk';
import { EngineError } from '../errors.js';
import { current, type Done, never, type StepIo } from '../worker/current.js';

/** Makes a step of an operation, or gives what came of it when it was made before. It never rejects. */
export function step<T>(operation: string, name: string, run: (io: StepIo) => Promise<T>): Promise<Done<T>> {
  return DBOS.runStep(() => current().make(operation, run), { name });
}

/** What a step gave; where it failed the workflow fails with it. For steps on the store alone. */
export function must<T>(done: Done<T>): T {
  if (done.ok) return done.value;
  throw new EngineError('STORE_UNAVAILABLE', done.error.message, done.error.remedy ?? 'Look at the log of the worker');
}

/** Writes an entry of the operation's audit. */
export async function note(
  operation: string,
  key: string,
  what: string,
  detail: object = {},
  who?: string,
): Promise<void> {
  must(
    await step(operation, `note ${key}`, ({ store, worker }) =>
      store.note(operation, key, who ?? `worker ${worker}`, what, detail),
    ),
  );
}

/**
 * Waits for what the engine gives: a run's result, a message. Once this worker is fenced the engine rejects whatever waits, and that
 * must not count as what came of the run: then it never settles.
 */
export async function awaited<T>(engine: Promise<T>): Promise<T> {
  const steps = current();
  try {
    return await engine;
  } catch (error) {
    if (steps.fenced) return never();
    throw error;
  }
}

/** Milliseconds between two looks of an operation that is paused. */
const PAUSED = 250;

/** Waits within a step while the operation is paused. Whether it is to go on. */
export async function goesOn({ operation, signal }: StepIo): Promise<boolean> {
  for (;;) {
    const asked = await current().asked(operation);
    if (asked === 'run') return true;
    if (asked !== 'pause') return false;
    await sleep(PAUSED, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return false;
  }
}

/** Does something with a domain while no other operation of the store has it. Errors: `OPERATION_EXISTS`. */
export async function whileHeld<T>(
  { store, operation }: StepIo,
  domain: { readonly name: string; readonly uuid: string },
  work: () => Promise<T>,
): Promise<T> {
  await store.hold(domain, operation);
  try {
    return await work();
  } finally {
    // Fenced, it belongs to whoever takes over.
    if (!current().fenced) await store.release(domain.uuid, operation).catch(() => undefined);
  }
}

/** A step of its own that waits while the operation is paused. Whether it is to go on. */
export async function gate(operation: string): Promise<boolean> {
  const passed = await step(operation, 'gate', goesOn);
  return passed.ok && passed.value;
}
