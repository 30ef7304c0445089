/**
 * Applies a plan and kills itself at a message of the apply: after a request was sent, or when its answer is there. Prints
 * what it called, as JSON, when it lives. Run by kill.test.ts.
 *
 *   kill-child.js URI UUID REQUEST PHASE CALL
 *
 * CALL is a procedure and how often it was called by then: `DOMAIN_SET_METADATA 2`.
 */
import { subscribe } from 'node:diagnostics_channel';
import { CALL_CHANNEL, type CallRecord, type ChangeRequest, connect, DomainManager } from '../../src/index.js';

const [uri = '', uuid = '', request = '{}', phase = 'start', call = ''] = process.argv.slice(2);
const connection = await connect(uri);
const domain = await new DomainManager(connection).get(uuid);
const plan = await domain.plan(JSON.parse(request) as ChangeRequest);

const calls: string[] = [];
const times = new Map<string, number>();
subscribe(CALL_CHANNEL, (message) => {
  const record = message as CallRecord;
  if (record.phase !== phase) return;
  const time = (times.get(record.procedure) ?? 0) + 1;
  times.set(record.procedure, time);
  calls.push(`${record.procedure} ${time}`);
  if (calls.at(-1) !== call) return;
  // A call that is announced goes over the wire in this turn of the event loop or the next.
  if (phase === 'end') process.kill(process.pid, 'SIGKILL');
  else setImmediate(() => process.kill(process.pid, 'SIGKILL'));
});
await domain.apply(plan);
process.stdout.write(JSON.stringify(calls));
await connection.close();
