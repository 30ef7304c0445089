/** Begins a migration and is stopped or killed, by itself, at moments of it. Run by {@link Program}. */
import { subscribe } from 'node:diagnostics_channel';
import { CALL_CHANNEL, type CallRecord, connect, DomainManager } from '../../src/index.js';
import type { Moment } from './program.js';

const [, , from = '', to = '', uuid = '', text = '[]', options = '{}'] = process.argv;
const moments = JSON.parse(text) as Moment[];
/** The journal's turn is metadata, too; the record is what is written after that. */
let metadata = 0;
const reach = (name: string) => {
  const [next] = moments;
  if (!next || next[1] !== name) return;
  moments.shift();
  process.kill(process.pid, next[0] === 'stop' ? 'SIGSTOP' : 'SIGKILL');
};
subscribe(CALL_CHANNEL, (message) => {
  const { procedure, phase } = message as CallRecord;
  if (phase !== 'end') return;
  const step = /^DOMAIN_MIGRATE_(\w+)3_PARAMS$/.exec(procedure)?.[1]?.toLowerCase();
  if (step) reach(step);
  else if (procedure === 'DOMAIN_SET_METADATA' && ++metadata === 2) reach('record');
});
const [source, destination] = [await connect(from), await connect(to)];
const domain = await new DomainManager(source).get(uuid);
const job = domain.migrate(destination, JSON.parse(options));
job.done.catch(() => {});
for await (const { processed } of job) if (processed > 1 << 20) reach('sending');
await job.done.catch(() => {});
await Promise.all([source.close(), destination.close()]);
