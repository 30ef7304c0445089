/** Placing domains on hosts, without hosts: what fits, what is kept apart, and that nothing is given away twice. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument } from '../../src/domain/index.js';
import { type DomainNeeds, NOTHING, needsOf } from '../../src/fleet/needs.js';
import { type Admits, type Placed, type PlacementRules, placed } from '../../src/fleet/placement.js';
import { type HostFigures, HostRoom } from '../../src/fleet/room.js';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

const host = (name: string, gib: number, more: Partial<HostFigures> = {}, keep = 0) =>
  new HostRoom(
    name,
    { domains: 0, vcpus: 0, cpus: 4, memory: { total: gib * GIB, available: gib * GIB }, cells: [], ...more },
    [0, 1, 2, 3],
    keep * GIB,
  );
const domain = (name: string, gib: number, more: Partial<DomainNeeds> = {}): Placed => ({
  uuid: name,
  name,
  needs: { ...NOTHING, memory: gib * GIB, vcpus: 1, ...more },
});
const NO_RULES: PlacementRules = { spread: [], apart: [], together: [], residents: new Map(), labels: new Map() };
const all: Admits = async () => [];

const document = (inside: string) =>
  new DomainDocument(`<domain type='qemu'><name>d</name><memory unit='KiB'>4194304</memory>${inside}</domain>`);

test('needsOf: memory, huge pages by size and cell, binding, pinning', () => {
  assert.equal(needsOf(document("<vcpu current='2'>8</vcpu>")), { ...NOTHING, memory: 4 * GIB, vcpus: 2 });
  const huge = (pages: string, more = '') => needsOf(document(`<memoryBacking>${pages}</memoryBacking>${more}`));
  assert.equal(huge('<hugepages/>').hugePages, [{ size: undefined, bytes: 4 * GIB }]);
  assert.is(huge('<hugepages/>').memory, 0);
  assert.equal(huge("<hugepages><page size='1' unit='G'/></hugepages>").hugePages, [{ size: GIB, bytes: 4 * GIB }]);
  const cells =
    "<cpu><numa><cell id='0' cpus='0' memory='1' unit='GiB'/><cell id='1' cpus='1' memory='3' unit='GiB'/></numa></cpu>";
  const one = huge("<hugepages><page size='2048' unit='KiB' nodeset='1'/></hugepages>", cells);
  assert.equal([one.hugePages, one.memory], [[{ size: 2 * MIB, bytes: 3 * GIB }], GIB]);
  const both = huge("<hugepages><page size='2048' nodeset='1'/><page size='1048576'/></hugepages>", cells);
  assert.equal(both.hugePages, [
    { size: 2 * MIB, bytes: 3 * GIB },
    { size: GIB, bytes: GIB },
  ]);
  const bound = (mode: string) =>
    needsOf(document(`<numatune><memory mode='${mode}' nodeset='0,2'/></numatune>`)).cells;
  assert.equal([bound('strict'), bound('restrictive'), bound('preferred')], [[0, 2], [0, 2], undefined]);
  const pinned =
    "<vcpu cpuset='4-5'>2</vcpu><cputune><vcpupin vcpu='0' cpuset='1'/><emulatorpin cpuset='4'/></cputune>";
  assert.equal(needsOf(document(pinned)).cpus, [1, 4, 5]);
});

test('HostRoom: memory with what is kept, cells, huge pages, CPUs; what is lacking is said with the figures', () => {
  const lack = (room: HostRoom, needs: Partial<DomainNeeds>) => room.lack({ ...NOTHING, ...needs })?.reason;
  assert.is(lack(host('b', 4), { memory: 4 * GIB }), undefined);
  assert.is(
    lack(host('b', 4, {}, 1), { memory: 4 * GIB }),
    'it takes 4 GiB of memory, and b has 3 GiB to give beside the 1 GiB that are kept free',
  );
  const cells = [
    { id: 0, free: 2 * GIB, hugePages: [{ size: 2 * MIB, free: GIB }] },
    {
      id: 1,
      free: 2 * GIB,
      hugePages: [
        { size: 2 * MIB, free: 0 },
        { size: GIB, free: 2 * GIB },
      ],
    },
  ];
  const numa = () => host('b', 4, { cells });
  assert.is(lack(numa(), { memory: 3 * GIB }), undefined, 'from both cells');
  assert.is(
    lack(numa(), { memory: 3 * GIB, cells: [0] }),
    'it takes 3 GiB of NUMA cell 0, of which 2 GiB are free on b',
  );
  assert.is(lack(numa(), { cells: [7] }), 'its memory is bound to NUMA cell 7, which b does not have');
  assert.is(lack(numa(), { cpus: [2, 9] }), 'it is pinned to CPU 9, which b does not have');
  assert.is(lack(numa(), { hugePages: [{ size: GIB, bytes: 2 * GIB }] }), undefined);
  assert.match(
    String(lack(numa(), { hugePages: [{ size: GIB, bytes: GIB }], cells: [0] })),
    /pages of 1 GiB, of which 0 B/,
  );
  assert.match(
    String(
      lack(numa(), {
        hugePages: [
          { size: GIB, bytes: GIB + 1 },
          { size: GIB, bytes: GIB },
        ],
      }),
    ),
    /takes 3 GiB/,
  );
  assert.match(String(lack(host('b', 4), { hugePages: [{ size: undefined, bytes: GIB }] })), /in huge pages/);
  const room = numa();
  room.take({ ...NOTHING, hugePages: [{ size: undefined, bytes: GIB }] });
  assert.match(
    String(lack(room, { hugePages: [{ size: 2 * MIB, bytes: 1 }] })),
    /takes 2 MiB .* of which 0 B are free/,
  );
  room.take({ ...NOTHING, memory: 2 * GIB, cells: [0] });
  assert.is(lack(room, { memory: 1, cells: [0] })?.includes('NUMA cell 0, of which 0 B'), true);
});

test('placed: what refuses less of the two packings counts', async () => {
  // By most room: 6 to the 10, then no 5 fits twice. By least: 6 to the 6, and both 5 to the 10.
  const found = await placed(
    [domain('six', 6), domain('five', 5), domain('cinq', 5)],
    [host('b', 10), host('c', 6)],
    NO_RULES,
    all,
  );
  assert.equal(
    [...found.hosts],
    [
      ['six', 'c'],
      ['five', 'b'],
      ['cinq', 'b'],
    ],
  );
  assert.equal(
    found.rooms.map(({ left }) => left),
    [0, 0],
  );
});

test('placed: every host that was tried says why it does not take a domain', async () => {
  const admits: Admits = async ({ name }, to) =>
    to === 'c' ? [{ domain: name, host: to, subject: 'cpu', reason: 'it lacks avx', remedy: 'Another host' }] : [];
  const { hosts, refused } = await placed([domain('big', 9)], [host('b', 4), host('c', 16)], NO_RULES, admits);
  assert.is(hosts.size, 0);
  assert.equal(
    refused.get('big')?.map((each) => [each.host, each.subject]),
    [
      ['c', 'cpu'],
      ['b', 'capacity'],
    ],
  );
});

test('placed: apart, together, and spread, with those that are elsewhere already', async () => {
  const labels = new Map([
    ['b', { rack: '1' }],
    ['c', { rack: '2' }],
    ['d', { rack: '2' }],
  ]);
  const rooms = [host('b', 64), host('c', 32), host('d', 16)];
  const place = (names: readonly string[], rules: Partial<PlacementRules>) =>
    placed(
      names.map((name) => domain(name, 1)),
      rooms,
      { ...NO_RULES, labels, ...rules },
      all,
    );
  const apart = await place(['x', 'y', 'z'], {
    apart: [['x', 'y', 'elsewhere']],
    residents: new Map([['elsewhere', 'b']]),
  });
  assert.equal(
    [...apart.hosts],
    [
      ['x', 'c'],
      ['y', 'd'],
      ['z', 'b'],
    ],
  );
  const crowded = await place(['x', 'y', 'z', 'w'], { apart: [['x', 'y', 'z', 'w']] });
  assert.is(crowded.hosts.size, 3);
  assert.equal(
    crowded.refused.get('w')?.map(({ subject }) => subject),
    ['apart', 'apart', 'apart'],
  );
  const together = await place(['x', 'y', 'z'], {
    together: [
      ['x', 'z'],
      ['z', 'db'],
    ],
    residents: new Map([['db', 'd']]),
  });
  assert.equal([together.hosts.get('x'), together.hosts.get('z'), together.hosts.get('y')], ['d', 'd', 'b']);
  const torn = await place(['x', 'y'], {
    together: [['x', 'y', 'p', 'q']],
    residents: new Map([
      ['p', 'b'],
      ['q', 'c'],
    ]),
  });
  assert.is(torn.refused.size, 2, 'what they are to be with is on two hosts');
  const spread = await place(['x', 'y', 'z', 'w'], { spread: ['rack'] });
  const racks = [...spread.hosts.values()].map((name) => labels.get(name)?.rack);
  assert.equal(racks.sort(), ['1', '1', '2', '2']);
});

test('placed, property: no host gives away more than it has, sets hold, and every domain has a host or a reason', async () => {
  const names = ['p', 'q', 'r', 's', 't', 'u'];
  const sets = fc.array(fc.uniqueArray(fc.constantFrom(...names), { minLength: 2, maxLength: 3 }), { maxLength: 2 });
  const world = fc.record({
    domains: fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: names.length }),
    hosts: fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 1, maxLength: 4 }),
    apart: sets,
    together: sets,
    refusing: fc.array(fc.tuple(fc.constantFrom(...names), fc.integer({ min: 0, max: 3 })), { maxLength: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(world, async ({ domains, hosts, apart, together, refusing }) => {
      const rooms = hosts.map((gib, at) => host(`h${at}`, gib));
      const wanted = domains.map((gib, at) => domain(names[at] as string, gib));
      const admits: Admits = async ({ name }, to) =>
        refusing.some(([who, at]) => who === name && `h${at}` === to)
          ? [{ domain: name, host: to, subject: 'cpu', reason: 'no', remedy: 'no' }]
          : [];
      const found = await placed(wanted, rooms, { ...NO_RULES, apart, together }, admits);
      const on = (name: string) => found.hosts.get(name);
      for (const { name } of wanted)
        assert.ok((on(name) !== undefined) !== (found.refused.get(name)?.length ?? 0) > 0, `${name} has one of both`);
      for (const [at, gib] of hosts.entries()) {
        const given = wanted
          .filter(({ name }) => on(name) === `h${at}`)
          .reduce((sum, { needs }) => sum + needs.memory, 0);
        assert.ok(given <= gib * GIB, `h${at} gave ${given}`);
        assert.is(found.rooms[at]?.left, gib * GIB - given);
      }
      for (const set of apart) {
        const places = set.flatMap((name) => on(name) ?? []);
        assert.is(new Set(places).size, places.length, `apart ${set}`);
      }
      for (const set of together)
        assert.ok(new Set(set.flatMap((name) => on(name) ?? [])).size <= 1, `together ${set}`);
      for (const [name, at] of refusing) assert.is.not(on(name), `h${at}`);
    }),
  );
});

test.run();
