import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runExample } from './run.js';

test('snapshot: on another file and back, at one address', async () => {
  const said = await runExample('snapshot');
  const places = [...said.matchAll(/^(\w+): disk root at (pci \S+), (pci \S+) now, on \S+\/root\.(\w+)$/gm)];
  assert.equal(
    places.map(([, when, , , on]) => `${when} ${on}`),
    ['Before raw', 'Snapshot overlay', 'Committed raw'],
  );
  for (const [, , next, now] of places) assert.equal([next, now], [places[0]?.[2], places[0]?.[2]]);
  assert.match(said, /Deleted: \S+\/root\.overlay\n/);
  assert.match(said, 'Nothing moved');
});

test('copy-disk: copied, given up, moved', async () => {
  const said = await runExample('copy-disk');
  assert.match(said, /Copied: the disk stays on \S+\/root\.raw/);
  assert.match(said, /ABORTED: .*\/slow\.raw is incomplete and stays/);
  assert.match(said, 'Jobs: 0');
  assert.match(said, /Moved: disk root at (pci \S+), \1 now, on \S+\/moved\.raw/);
  assert.match(said, 'Nothing moved but the data');
});

test('backup: the guest reads from the second what it wrote before either', async () => {
  const said = await runExample('backup');
  const [, whole = 0, part = 0] =
    /monday: filesystem-consistent, (\d+) KiB\ntuesday: filesystem-consistent, (\d+) KiB/.exec(said) ?? [];
  assert.ok(Number(part) > 0 && Number(part) < Number(whole), said);
  assert.match(said, 'Checkpoint tuesday, after monday');
  assert.match(said, 'Restored: monday and tuesday');
});

test.run();
