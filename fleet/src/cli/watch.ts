import type { Operation } from '../operation.js';
import { globals, say } from './session.js';
import { picture, plain } from './show.js';

/** Shows an operation until it ends, and what came of it; the command ends with 1 when it did not do all. */
export async function watched(operation: Operation): Promise<void> {
  const live = process.stdout.isTTY && !globals().json;
  let lines = 0;
  let state = '';
  for await (const now of operation.progress()) {
    const text = picture(now);
    if (live && lines > 0) process.stdout.write(`\u001b[${lines}A\u001b[J`);
    say(now, () => text);
    lines = text.split('\n').length;
    state = now.state;
  }
  const result = await operation.result();
  const good = state === 'ended' && isGood(result as unknown as Record<string, unknown>);
  say(result, () => plain(summary(result as unknown as Record<string, unknown>)));
  if (!good) process.exitCode = 1;
}

/** Whether an operation did all that was asked: each kind says so in its own field. */
const isGood = ({ cancelled, empty, complete, failed, notBegun }: Record<string, unknown>): boolean =>
  cancelled !== true &&
  empty !== false &&
  complete !== false &&
  !(notBegun as number) &&
  !(failed as unknown[] | undefined)?.length;

function summary({ kind, ...result }: Record<string, unknown>): string {
  const words = Object.entries(result).map(
    ([key, value]) => `${key} ${Array.isArray(value) ? value.length : typeof value === 'object' ? '…' : value}`,
  );
  return `${kind} ended: ${words.join(', ')}`;
}
