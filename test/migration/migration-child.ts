/** Begins a migration and is killed, with SIGKILL and by itself, at one moment of it. Run by recover.test.ts. */
import { subscribe } from 'node:diagnostics_channel';
import { CALL_CHANNEL, type CallRecord, connect, DomainManager } from '../../src/index.js';

const [, , from = '', to = '', uuid = '', moment = '', options = '{}'] = process.argv;
const die = () => process.kill(process.pid, 'SIGKILL');
const [procedure, phase = 'end'] = moment.split(' ');
/** The journal's turn is metadata, too; the record is what is written after that. */
let left = procedure === 'DOMAIN_SET_METADATA' ? 2 : 1;
subscribe(CALL_CHANNEL, (message) => {
  const record = message as CallRecord;
  if (record.procedure !== procedure || record.phase !== phase) return;
  left -= 1;
  if (left === 0) die();
});
const [source, destination] = [await connect(from), await connect(to)];
const domain = await new DomainManager(source).get(uuid);
const job = domain.migrate(destination, JSON.parse(options));
if (moment === 'sending') for await (const { processed } of job) if (processed > 1 << 20) die();
await job.done;
