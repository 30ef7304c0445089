import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Expected, type FindingKind, Ledger, type Sighting } from '../../src/conformance/ledger.js';
import type { Seen, View } from '../../src/conformance/views.js';

const view = (devices: Record<string, Seen>): View => new Map(Object.entries(devices));
const DISK = 'disk S-d1';
const BOTH: Expected = new Map([[DISK, { in: 'both' as const }]]);

/** All witnesses tell one place of one disk. */
function sight(place: string, more: Partial<Sighting> = {}): Sighting {
  const document = view({ [DISK]: { place, pci: `0000:${place}` } });
  const guest = view({ [DISK]: { place, path: `0000:${place}` } });
  return { document, live: document, qemu: view({ [DISK]: { place } }), guest, machine: 'm', description: '', ...more };
}

const kinds = (ledger: Ledger, now: Sighting, expected = BOTH): FindingKind[] =>
  ledger.compare(now, expected).map(({ kind }) => kind);

test('what stays is no finding, and what is seen for the first time neither', () => {
  const ledger = new Ledger();
  assert.equal(kinds(ledger, sight('02.0')), []);
  assert.equal(kinds(ledger, sight('02.0')), []);
});

test('a move is told by each witness that sees it, once', () => {
  const ledger = new Ledger();
  ledger.compare(sight('02.0'), BOTH);
  const found = ledger.compare(sight('03.0'), BOTH);
  assert.equal(
    found.map(({ kind, witness }) => `${kind} ${witness}`),
    ['moved document', 'moved live', 'moved qemu', 'moved guest'],
  );
  assert.match(found[0]?.what ?? '', 'place 02.0 → 03.0');
  assert.equal(kinds(ledger, sight('03.0')), []);
});

test('a place of the next boot that is not that of the guest is told before it moves, and once', () => {
  const ledger = new Ledger();
  const other = { document: view({ [DISK]: { place: '05.0' } }) };
  assert.equal(kinds(ledger, sight('02.0', other)), ['split']);
  assert.equal(kinds(ledger, sight('02.0', other)), []);
});

test('what is missing and what nobody asked for', () => {
  const ledger = new Ledger();
  const none = view({});
  const off = { machine: 'm', description: '' };
  assert.equal(kinds(ledger, { ...off, document: none }), ['lost']);
  assert.equal(kinds(ledger, { ...off, document: sight('02.0').document ?? none }, new Map()), ['unasked']);
  const waits: Expected = new Map([[DISK, { in: 'document' as const }]]);
  assert.equal(kinds(new Ledger(), sight('02.0'), waits), ['unasked', 'unasked']);
});

test('a device that was detached may come back elsewhere', () => {
  const ledger = new Ledger();
  ledger.compare(sight('02.0'), BOTH);
  ledger.forget(DISK);
  assert.equal(kinds(ledger, sight('03.0')), []);
});

test('witnesses that contradict each other', () => {
  const contradiction = { guest: view({ [DISK]: { place: '07.0' } }) };
  assert.equal(kinds(new Ledger(), sight('02.0', contradiction)), ['disagree']);
});

test('what goes on being wrong is told once, and again when it was right meanwhile', () => {
  const ledger = new Ledger();
  const off = { machine: 'm', description: '', document: view({}) };
  assert.equal(kinds(ledger, off), ['lost']);
  assert.equal(kinds(ledger, off), []);
  assert.equal(kinds(ledger, sight('02.0')), []);
  assert.equal(kinds(ledger, off), ['lost']);
});

test('of two NICs with one MAC the guest cannot tell which is which, and is not taken for a contradiction', () => {
  const nics = (a: string, b: string) => view({ 'interface m': { place: a }, 'interface m #2': { place: b } });
  const two = { document: nics('01', '02'), live: nics('01', '02'), qemu: nics('01', '02'), guest: nics('02', '01') };
  const expected: Expected = new Map([['interface m', { in: 'both' as const }]]);
  const found = new Ledger().compare({ machine: 'm', description: '', ...two }, expected);
  assert.equal(
    found.map(({ kind, device }) => `${kind} ${device}`),
    ['unasked interface m #2', 'unasked interface m #2', 'unasked interface m #2'],
  );
});

test("another machine, and somebody else's edit that is gone", () => {
  const ledger = new Ledger();
  ledger.compare(sight('02.0'), BOTH);
  ledger.edited('by hand');
  assert.equal(kinds(ledger, sight('02.0', { description: 'by hand' })), []);
  assert.equal(kinds(ledger, sight('02.0', { description: '', machine: 'n' })), ['machine', 'edit']);
  assert.equal(kinds(ledger, sight('02.0', { description: '', machine: 'n' })), []);
});

test('PCI functions without a name may become more in the guest, and not fewer or others', () => {
  const ledger = new Ledger();
  const functions = (path: string) =>
    sight('02.0', { guest: view({ [DISK]: { place: '02.0' }, 'pci 1b36:000c': { path } }) });
  assert.equal(kinds(ledger, functions('0000:00:01.0')), []);
  assert.equal(kinds(ledger, functions('0000:00:01.0 0000:00:02.0')), []);
  assert.equal(kinds(ledger, functions('0000:00:02.0 0000:00:03.0')), ['moved']);
});

test.run();
