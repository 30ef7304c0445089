import { subscribe } from 'node:diagnostics_channel';
import { CALL_CHANNEL, type CallRecord, connect, DomainManager } from '../../src/index.js';

/** Begins a rescue and dies as soon as one of its calls has been answered. */
const [uri = '', uuid = '', file = '', at = ''] = process.argv.slice(2);
subscribe(CALL_CHANNEL, (message) => {
  const { phase, procedure } = message as CallRecord;
  if (phase === 'end' && procedure === at) process.kill(process.pid, 'SIGKILL');
});
const connection = await connect(uri);
await (await new DomainManager(connection).get(uuid)).rescue({ disk: { file, format: 'qcow2' } });
