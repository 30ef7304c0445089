import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MATRIX_EVENTS, matrixWalk, SCENARIOS } from '../../src/conformance/scenarios.js';
import { walkOf } from '../../src/conformance/walk.js';

/** How often each ordered pair is in a walk. */
function pairsOf(walk: readonly string[]): Map<string, number> {
  const pairs = new Map<string, number>();
  walk.slice(1).forEach((event, at) => {
    const pair = `${walk[at]} → ${event}`;
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  });
  return pairs;
}

test('a walk has every event after every other, and after itself, once', () => {
  for (const events of [['a'], ['a', 'b'], ['a', 'b', 'c', 'd', 'e']]) {
    const { walk } = walkOf(events);
    assert.is(walk.length, events.length ** 2 + 1);
    const pairs = pairsOf(walk);
    assert.is(pairs.size, events.length ** 2);
    assert.ok([...pairs.values()].every((count) => count === 1));
  }
  assert.equal(walkOf(['a', 'b', 'c']), walkOf(['a', 'b', 'c']), 'the same each time');
});

test('of several walks the one is taken that needs the fewest devices', () => {
  const weight = (event: string) => ({ '+': { x: 1 }, '-': { x: -1 } })[event] ?? {};
  const { least, most } = walkOf(['+', '-', '0', '1'], weight);
  assert.ok(most - least <= 4, `${least} to ${most}`);
});

test('the matrix has what it needs: always a device to be taken out, and a port to be put into', () => {
  const { walk, least, most } = matrixWalk(MATRIX_EVENTS);
  assert.is(pairsOf(walk).size, MATRIX_EVENTS.length ** 2);
  const matrix = SCENARIOS.find(({ name }) => name === 'matrix');
  assert.ok(matrix);
  // The first disk and the first NIC stay.
  assert.ok(-least <= Math.min(matrix.disks, matrix.interfaces) - 1, `${least} of ${matrix.disks}`);
  // Both kinds at their most, and the memory balloon.
  assert.ok(matrix.disks + matrix.interfaces + 2 * most + 1 <= matrix.ports, `${most} more than ${matrix.ports} ports`);
});

test.run();
