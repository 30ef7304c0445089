import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DEFINE_ONLY, defineOnlyRow } from '../../../src/domain/define-only.js';
import { NOT_IN_SPEC } from '../../../src/domain/definition/not-in-spec.js';
import {
  DEFINITION_PARTS,
  type DefinitionParts,
  DomainDocument,
  type DomainSpec,
  decodeSpec,
  domainXml,
  type Field,
  readSpec,
  TIMER_SETS,
} from '../../../src/domain/index.js';
import { leaves, parseElement, under } from '../../../src/xml/index.js';
import { failureNow } from '../../support/deadline.js';
import { schemaPaths } from '../schema/schema.js';
import { EXAMPLES, type Example } from './examples.js';

const test = suite('parts of the definition');
const PARTS = DEFINITION_PARTS as unknown as Readonly<Record<string, Field<unknown>>>;
const UUID = '5f6b3c1e-3b0a-4c56-9b1f-0f2d6c1a7e10';
const base: DomainSpec = { name: 'p', uuid: UUID, type: 'qemu', memory: '128 MiB' };
const specOf = ({ part, with: more }: Example): DomainSpec => ({ ...base, ...more, ...part }) as DomainSpec;
const title = ({ part }: Example) => JSON.stringify(part);

/** Every path that a field writes or reads, those of the items of a list below it. */
function pathsOf(field: Field<unknown>): string[] {
  const inner = Object.values(field.members ?? field.items ?? {}).flatMap(pathsOf);
  const [only] = field.paths;
  const isList = field.items && field.paths.length === 1 && inner.every((path) => !under(path, only as string));
  if (isList) return [only as string, ...inner.map((path) => (path === '' ? (only as string) : `${only}/${path}`))];
  return [...field.paths, ...inner];
}

test('every define-only path of the schema has a field, or a reason why it has none', () => {
  const head = ['uuid', '@type', 'os/type', 'os/kernel', 'os/initrd', 'os/cmdline', 'os/dtb', 'os/shim', 'maxMemory'];
  const covered = new Set([
    ...[...head, 'maxMemory/@unit', 'maxMemory/@slots', 'os/type/@arch', 'os/type/@machine', 'devices/emulator'],
    ...Object.values(PARTS)
      .flatMap(pathsOf)
      .map((path) => path.replaceAll('qemu:', '')),
  ]);
  const schema = [...schemaPaths(8)];
  const isLeaf = (path: string) => path.includes('@') || !schema.some((each) => each.startsWith(`${path}/`));
  const open = schema.filter(
    (path) =>
      defineOnlyRow(path) &&
      isLeaf(path) &&
      !covered.has(path.replaceAll('qemu:', '')) &&
      !NOT_IN_SPEC.some((row) => under(path, row.path)),
  );
  assert.equal(open, []);
});

test('a reason is about something that the schema has and no field writes', () => {
  const schema = schemaPaths(8);
  for (const { path, reason } of NOT_IN_SPEC) {
    assert.ok(reason.length > 10, path);
    assert.ok(schema.has(path), `${path} is in the schema`);
    assert.ok(!Object.values(PARTS).flatMap(pathsOf).includes(path), `${path} has no field`);
  }
  assert.ok(DEFINE_ONLY.length > 30);
});

for (const example of EXAMPLES) {
  test(`spec → XML → spec is the identity: ${title(example)}`, () => {
    const xml = domainXml(specOf(example));
    const read = decodeSpec(DEFINITION_PARTS, leaves(parseElement(xml)));
    for (const [key, value] of Object.entries(example.part))
      assert.equal(read[key as keyof DefinitionParts], value, key);
    const whole = readSpec(xml);
    assert.equal(whole.unsaid, []);
    assert.equal(leavesOf(domainXml(whole.spec)), leavesOf(xml));
  });
}

/** Leaves without order: in which sequence elements stand says nothing. */
function leavesOf(xml: string): string[] {
  return [...leaves(new DomainDocument(xml).root)].map(([path, value]) => `${path}=${value}`).sort();
}

test('the examples use every field of every part', () => {
  const used = new Set(EXAMPLES.flatMap(({ part }) => namesIn(part, '')));
  for (const [key, field] of Object.entries(PARTS)) {
    if (key === 'idmap') continue;
    assert.ok(used.has(key), key);
    for (const name of Object.keys(field.members ?? {})) assert.ok(used.has(`${key}.${name}`), `${key}.${name}`);
    for (const [name, { members }] of Object.entries(field.members ?? {}))
      for (const inner of Object.keys(members ?? {}))
        assert.ok(used.has(`${key}.${name}.${inner}`), `${key}.${name}.${inner}`);
  }
});

function namesIn(value: unknown, at: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => {
    const path = at === '' ? key : `${at}.${key}`;
    return [path, ...namesIn(each, path)];
  });
}

const WRONG: ReadonlyArray<
  readonly [part: unknown, code: 'SPEC_INVALID' | 'SPEC_UNKNOWN_FIELD', path: string, hint?: RegExp]
> = [
  [{ frimware: 'efi' }, 'SPEC_UNKNOWN_FIELD', 'frimware', /Did you mean firmware\?/],
  [{ firmware: 'uefi' }, 'SPEC_INVALID', 'firmware'],
  [
    { firmware: { efi: { secureboot: true } } },
    'SPEC_UNKNOWN_FIELD',
    'firmware.efi.secureboot',
    /Did you mean secureBoot\?/,
  ],
  [{ firmware: { efi: { enrolledKeys: true } } }, 'SPEC_INVALID', 'firmware.efi.enrolledKeys'],
  [{ firmware: { efi: {}, loader: '/x' } }, 'SPEC_UNKNOWN_FIELD', 'firmware.loader'],
  [{ firmware: { loader: 'relative.fd' } }, 'SPEC_INVALID', 'firmware.loader'],
  [{ firmware: { loader: '/x', secure: true }, features: { smm: false } }, 'SPEC_INVALID', 'features.smm'],
  [{ cpu: { modle: 'x' } }, 'SPEC_UNKNOWN_FIELD', 'cpu.modle', /Did you mean model\?/],
  [{ cpu: { mode: 'host-model', model: 'EPYC' } }, 'SPEC_INVALID', 'cpu.model'],
  [{ cpu: { mode: 'host-model', pin: 'always' } }, 'SPEC_INVALID', 'cpu.pin'],
  [{ cpu: { features: { vmx: 'on' } } }, 'SPEC_INVALID', 'cpu.features.vmx'],
  [{ cpu: { topology: { sockets: 2, cores: 2 } } }, 'SPEC_INVALID', 'cpu.topology.threads'],
  [
    { cpu: { topology: { sockets: 2, cores: 2, threads: 1 } }, vcpus: { current: 1, maximum: 3 } },
    'SPEC_INVALID',
    'cpu.topology',
  ],
  [{ cpu: { numa: [{ cpus: '0', memory: '64 MiB' }] }, vcpus: { current: 1, maximum: 1 } }, 'SPEC_INVALID', 'cpu.numa'],
  [
    { cpu: { numa: [{ cpus: '0', memory: '128 MiB' }] }, vcpus: { current: 1, maximum: 2 } },
    'SPEC_INVALID',
    'cpu.numa',
  ],
  [
    { cpu: { numa: [{ cpus: '0-3', memory: '128 MiB' }] }, vcpus: { current: 1, maximum: 2 } },
    'SPEC_INVALID',
    'cpu.numa[0].cpus',
  ],
  [{ clock: { offset: { timezone: 'Europe/Berlin', variable: 1 } } }, 'SPEC_INVALID', 'clock.offset'],
  [{ clock: { offset: { absolute: 1, basis: 'utc' } } }, 'SPEC_INVALID', 'clock.offset.basis'],
  [{ clock: { timers: { hpt: { present: false } } } }, 'SPEC_INVALID', 'clock.timers.hpt'],
  [{ features: { hyperv: { spinlocks: 5 } } }, 'SPEC_INVALID', 'features.hyperv.spinlocks'],
  [{ features: { kvm: { dirtyRing: 1000 } } }, 'SPEC_INVALID', 'features.kvm.dirtyRing'],
  [
    { features: { hyperv: { vpindx: true } } },
    'SPEC_UNKNOWN_FIELD',
    'features.hyperv.vpindx',
    /Did you mean vpindex\?/,
  ],
  [{ memoryBacking: { hugepages: [{}] } }, 'SPEC_INVALID', 'memoryBacking.hugepages[0].size'],
  [{ iothreads: 0 }, 'SPEC_INVALID', 'iothreads'],
  [{ iothreads: { 0: {} } }, 'SPEC_INVALID', 'iothreads.0'],
  [{ launchSecurity: { sev: {} } }, 'SPEC_INVALID', 'launchSecurity.sev.policy'],
  [{ launchSecurity: 'sev' }, 'SPEC_INVALID', 'launchSecurity'],
  [{ sysinfo: { bios: { date: '2026-01-31' } } }, 'SPEC_INVALID', 'sysinfo.bios.date'],
  [{ sysinfo: { mode: 'sysinfo' } }, 'SPEC_INVALID', 'sysinfo'],
  [
    { sysinfo: { fwCfg: { 'opt/ovmf/X-PciMmio64Mb': '1' } } },
    'SPEC_INVALID',
    'sysinfo.fwCfg["opt/ovmf/X-PciMmio64Mb"]',
  ],
  [{ sysinfo: { system: { colour: 'red' } } }, 'SPEC_UNKNOWN_FIELD', 'sysinfo.system.colour'],
  [{ seclabel: true }, 'SPEC_INVALID', 'seclabel'],
  [{ genid: 'x' }, 'SPEC_INVALID', 'genid'],
  [{ qemu: { override: { 'virtio-disk0': { x: 1 } } } }, 'SPEC_INVALID', 'qemu.override.virtio-disk0'],
  [{ qemu: { args: ['a\u0001'] } }, 'SPEC_INVALID', 'qemu.args[0]'],
  [{ idmap: { uid: {} } }, 'SPEC_INVALID', 'idmap'],
  [{ os: 'windows11' }, 'SPEC_INVALID', 'os', /Did you mean windows-11\?/],
];

for (const [part, code, path, hint] of WRONG) {
  test(`refused by its path: ${JSON.stringify(part)}`, () => {
    const error = failureNow(() => domainXml({ ...base, ...(part as object) } as DomainSpec), code);
    assert.is(error.path, path);
    if (hint) assert.match(error.message, hint);
  });
}

test('clock.timers: a word stands for the set that it names', () => {
  for (const word of ['linux', 'windows'] as const) {
    const timers = { ...TIMER_SETS[word] };
    assert.is(domainXml({ ...base, clock: { timers: word } }), domainXml({ ...base, clock: { timers } }));
  }
  assert.is(
    failureNow(() => domainXml({ ...base, clock: { timers: 'bsd' as never } }), 'SPEC_INVALID').path,
    'clock.timers',
  );
});

test('a value of every part is checked: null, a list, a number and an object with a field of its own are refused', () => {
  for (const key of Object.keys(PARTS)) {
    for (const value of [null, 3.5, { nosuchfield: 1 }, [[]]]) {
      let thrown: unknown;
      try {
        domainXml({ ...base, [key]: value } as unknown as DomainSpec);
      } catch (error) {
        thrown = error;
      }
      assert.match(
        (thrown as { code?: string } | undefined)?.code ?? 'nothing',
        /^SPEC_/,
        `${key}: ${JSON.stringify(value)}`,
      );
    }
  }
});

test.run();
