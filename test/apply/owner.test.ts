import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SELF, stateOfOwner } from '../../src/apply/owner.js';

const ended = spawnSync(process.execPath, ['--version']).pid;

/** What becomes of an owner that differs from this process in so much. */
const CASES: ReadonlyArray<readonly [what: string, differs: Partial<typeof SELF>, state: string]> = [
  ['this process', {}, 'running'],
  ['a process that has ended', { pid: ended }, 'ended'],
  ['one whose number was given to this process since', { started: '1' }, 'ended'],
  ['one of the same number before this boot', { boot: 'another boot' }, 'ended'],
  ['one of another host', { host: 'elsewhere' }, 'unknown'],
  ['one of another host of the same name', { machine: 'another' }, 'unknown'],
  ['one of another host that has ended here', { host: 'elsewhere', pid: ended }, 'unknown'],
  ['one of another container on this host', { namespace: 'pid:[1]', pid: ended }, 'unknown'],
  ['one of a host that does not tell its boot', { boot: '' }, 'unknown'],
  ['one of a system that tells no start times', { started: '', thread: '' }, 'running'],
  ['a thread whose number was given to another since', { thread: `${process.pid} 1` }, 'ended'],
  ['a thread of this process that there is none of', { thread: `${ended} 1` }, 'ended'],
];

test('a worker thread: running as long as it runs, seen from any process, and ended when it has in a process that lives on', async () => {
  const source = `const { parentPort, workerData } = require('node:worker_threads');
    import(workerData).then(({ SELF }) => parentPort.postMessage(SELF));
    parentPort.on('message', () => process.exit());`;
  const worker = new Worker(source, {
    eval: true,
    workerData: new URL('../../src/apply/owner.js', import.meta.url).href,
  });
  const [owner] = (await once(worker, 'message')) as [typeof SELF];
  assert.is(owner.pid, process.pid);
  assert.is.not(owner.thread, SELF.thread);
  assert.is.not(owner.copy, SELF.copy);
  assert.is(stateOfOwner(owner), 'running');
  worker.postMessage('end');
  await once(worker, 'exit');
  assert.is(stateOfOwner(owner), 'ended');
  assert.is(stateOfOwner({ ...owner, thread: '' }), 'running', 'of a release that names no thread');
});

for (const [what, differs, state] of CASES)
  test(`${what}: ${state}`, () => assert.is(stateOfOwner({ ...SELF, ...differs }), state));

test('a machine is told by a hash, not by its id', () => {
  assert.match(SELF.machine, /^([0-9a-f]{12})?$/);
  for (const field of ['boot', 'namespace', 'started', 'thread'] as const) assert.is.not(SELF[field], '', field);
});

test.run();
