/** The heartbeat of a host in a process of its own, so that it can be killed, stopped and kept from writing. */
import { heartbeat } from '../../src/fleet/index.js';

const ended = new AbortController();
process.once('SIGTERM', () => ended.abort());
const onBeat = ({ count, error }: { readonly count: number; readonly error?: unknown }) =>
  console.log(`${error === undefined ? 'beat' : 'lost'} ${count}`);
await heartbeat({ ...JSON.parse(process.argv[2] as string), signal: ended.signal, onBeat });
console.log('ended');
