import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Finding } from '../../src/index.js';
import { privilegedProblem } from '../../src/testing/index.js';
import { runBuilt } from '../examples/run.js';

type Of<T extends Finding['type']> = Extract<Finding, { type: T }>;

const problem = await privilegedProblem();
if (problem !== undefined) console.log(`skipped: ${problem}`);
const watched = problem === undefined ? test : test.skip;

watched(
  'storage that is full: which disk and why, once; room again, and the guest goes on; its panic and its end',
  async () => {
    const { code, stdout, stderr } = await runBuilt('test/events/full-child.js', {
      under: ['unshare', '--mount', '--propagation', 'private'],
      deadline: 300_000,
    });
    assert.is(code, 0, stdout + stderr);
    const told = JSON.parse(stdout) as {
      readonly file: string;
      readonly stopped: Of<'io-error'>;
      readonly state: unknown;
      readonly status: number;
      readonly panic: Of<'guest-panic'>;
      readonly crash: Of<'crash'>;
    };
    const { device, target, path, reason } = told.stopped;
    assert.equal(device, { alias: 'ua-data', id: 'data', identity: 'disk data' });
    assert.equal([target, path, reason], ['vda', told.file, 'enospc']);
    assert.equal(told.state, { state: 'paused', reason: 'ioError' });
    assert.is(told.status, 0, 'every byte was written once there was room');
    assert.is(told.panic.detail, 'panicked');
    assert.is(told.crash.detail, 'crashed');
    assert.match(told.crash.log.tail ?? '', 'reason=crashed');
  },
);

test.run();
