import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Progress, ProgressMeter } from '../../src/power/progress.js';

/** A meter with a clock that the test winds. */
function wound(onProgress?: (progress: Progress) => void) {
  let clock = 1_000;
  const meter = new ProgressMeter('copy of disk root', { onProgress }, () => clock);
  return (after: number, done: number | bigint, total: number | bigint) => {
    clock += after;
    return meter.read(done, total);
  };
}

test('the first reading has a fraction and no rate', () => {
  assert.equal(wound()(0, 25n, 100n), {
    what: 'copy of disk root',
    fraction: 0.25,
    bytes: { done: 25, total: 100 },
    rate: undefined,
    remaining: undefined,
  });
});

test('rate and remaining time come from two readings', () => {
  const at = wound();
  at(0, 0, 1000);
  const { rate, remaining } = at(500, 100, 1000);
  assert.equal([rate, remaining], [200, 4500]);
});

test('the rate follows a change within the window, however slowly one polls', () => {
  const at = wound();
  at(0, 0, 10_000);
  at(1_000, 4_000, 10_000);
  for (let second = 0; second < 5; second++) at(1_000, 4_000 + (second + 1) * 100, 10_000);
  assert.is(at(1_000, 4_600, 10_000).rate, 100);
  assert.is(at(60_000, 10_000, 20_000).rate, 90);
});

test('nothing moves: no remaining time; nothing left: none needed', () => {
  const at = wound();
  at(0, 50, 100);
  assert.equal([at(1_000, 50, 100).rate, at(1_000, 50, 100).remaining], [0, undefined]);
  assert.equal([at(1_000, 100, 100).fraction, at(1_000, 100, 100).remaining], [1, 0]);
});

test('an unknown total and one that is passed give no nonsense', () => {
  const at = wound();
  assert.is(at(0, 0, 0).fraction, 0);
  assert.is(at(100, 120, 100).fraction, 1);
});

test('a job that begins anew begins its rate anew', () => {
  const at = wound();
  at(0, 0, 100);
  at(1_000, 90, 100);
  assert.is(at(1_000, 10, 100).rate, undefined);
  assert.is(at(1_000, 20, 100).rate, 10);
});

test('what the callback throws is dropped', () => {
  const told: number[] = [];
  const at = wound(({ fraction }) => {
    told.push(fraction);
    throw new Error('no');
  });
  at(0, 1, 2);
  at(1_000, 2, 2);
  assert.equal(told, [0.5, 1]);
});

test.run();
