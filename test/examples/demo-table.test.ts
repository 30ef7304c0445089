import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pictureOf } from '../../examples/demo/picture.js';
import type { Place, Sighting } from '../../examples/demo/sighting.js';
import { moved, renderTable, rowsOf, verdictOf } from '../../examples/demo/table.js';

const sighting = (places: Record<string, Place>): Sighting => new Map(Object.entries(places));
const root = { address: '0000:01:00.0', name: 'vda' };
const config = { address: '0000:02:00.0', name: 'vdb' };
const balloon = { address: '0000:03:00.0' };
const before = sighting({ root, config, balloon });
const shifted = sighting({
  root,
  config: { address: '0000:03:00.0', name: 'vdc' },
  balloon: { address: '0000:04:00.0' },
});

const exitCode = (regenerated: Sighting, canonical: readonly Sighting[], defines = 1) =>
  verdictOf(rowsOf(before, regenerated, canonical), defines).exitCode;

test('regenerating moves, the library does not: 0', () => {
  assert.is(exitCode(shifted, [before, before, before]), 0);
});

test('the canonical column moved: 1, and it is named', () => {
  const rows = rowsOf(before, shifted, [shifted]);
  const { text, exitCode } = verdictOf(rows, 1);
  assert.is(exitCode, 1);
  assert.match(text, 'Moved through libvirt-canonical: config, balloon');
  assert.match(text, 'FAILED');
});

test('a device that moved in one reboot and came back in the next has moved', () => {
  assert.is(exitCode(shifted, [before, shifted, before]), 1);
  assert.equal(
    rowsOf(before, shifted, [before, shifted, before]).map(({ canonical }) => canonical?.address),
    ['0000:01:00.0', '0000:03:00.0', '0000:04:00.0'],
  );
});

test('a name alone, a device that went and one that came count as moved', () => {
  assert.ok(moved(root, { ...root, name: 'vdb' }));
  assert.ok(moved(root, undefined));
  assert.ok(moved(undefined, root));
  assert.not(moved(balloon, { ...balloon }));
  assert.is(exitCode(shifted, [sighting({ root, config })]), 1);
  assert.is(exitCode(shifted, [sighting({ root, config, balloon, stray: root })]), 1);
});

test('regenerating that moves nothing shows nothing: 1', () => {
  assert.is(exitCode(before, [before]), 1);
});

test('a second define of the canonical domain, or none, is a failure: 1', () => {
  assert.is(exitCode(shifted, [before], 2), 1);
  assert.is(exitCode(shifted, [before], 0), 1);
});

test('no device at all proves nothing: 1', () => {
  assert.is(verdictOf([], 1).exitCode, 1);
});

test('the table marks what moved, in its own column', () => {
  const lines = renderTable(rowsOf(before, shifted, [before])).split('\n');
  assert.match(lines[0] ?? '', /^device +before +after regenerate +after canonical$/);
  assert.match(lines[2] ?? '', /^root +0000:01:00\.0 {2}vda +0000:01:00\.0 {2}vda +0000:01:00\.0 {2}vda$/);
  assert.match(lines[3] ?? '', /^config +0000:02:00\.0 {2}vdb +0000:03:00\.0 {2}vdc +◄ moved +0000:02:00\.0 {2}vdb$/);
  assert.match(renderTable(rowsOf(before, before, [shifted])), /0000:02:00\.0 {2}vdb +0000:03:00\.0 {2}vdc +◄ moved$/m);
});

test('the picture marks what moved, in words too, and draws what went and what came', () => {
  const drawn = pictureOf(rowsOf(before, shifted, [before]));
  assert.match(
    drawn,
    'Moved when the domain is generated anew: config, balloon. Moved with libvirt-canonical: nothing.',
  );
  assert.is(drawn.match(/◄ moved/g)?.length, 2);
  assert.is(drawn.match(/class="way moved"/g)?.length, 2);
  assert.is(drawn.match(/class="way"/g)?.length, 4);
  const gone = pictureOf(rowsOf(before, sighting({ root, config, '<stray>': balloon }), [before]));
  assert.is(gone.match(/class="box"/g)?.length, 9);
  assert.match(gone, '&#60;stray&#62;');
});

test.run();
