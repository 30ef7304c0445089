/** What planMigration finds on both hosts, all at once and without changing anything; and migrations that are refused. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainAccess } from '../../src/apply/index.js';
import { DomainDocument } from '../../src/domain/index.js';
import {
  baselineCpu,
  type CpuSpec,
  compareCpu,
  connect,
  type DomainSpec,
  type ErrorCode,
  type ManagedDomain,
  type MigrationOptions,
  type MigrationPlan,
  recoverMigration,
} from '../../src/index.js';
import { hostOf } from '../../src/migration/hosts.js';
import { OUTCOMES, outcomeOf } from '../../src/migration/outcomes.js';
import { leaveRecord, newRecord, writeRecord } from '../../src/migration/record.js';
import { project } from '../errors/page.js';
import { failure, failureNow } from '../support/deadline.js';
import { documentsOf } from '../support/scenario.js';
import { Wire } from '../support/wire.js';
import { LISTED_FOR_TEST } from './listed.js';
import { pairOnDemand } from './pair.js';

const pair = pairOnDemand();
test.after(pair.stop);

let defined = 0;
/** A small domain on the first host; started with its CPUs stopped unless told otherwise. */
async function domainOf(spec: Partial<DomainSpec> = {}, start = true): Promise<ManagedDomain> {
  const { a } = await pair();
  const name = `p${++defined}`;
  const domain = await a.manager.define({
    name,
    type: 'qemu',
    memory: '64 MiB',
    hotplug: { pciePorts: 4 },
    disks: [
      { id: 'root', target: 'vda', file: await a.host.createDisk(`${name}.qcow2`, { size: '1 MiB' }), format: 'qcow2' },
    ],
    ...spec,
  });
  if (start) await domain.start({ paused: true });
  return domain;
}

const found = (plan: MigrationPlan, host: string, subject: string, problem: RegExp, severity = 'blocks') =>
  plan.findings.some(
    (each) =>
      each.host === host &&
      each.subject === subject &&
      problem.test(each.problem) &&
      each.severity === severity &&
      each.remedy !== '',
  );

function assertFound(plan: MigrationPlan, host: string, subject: string, problem: RegExp, severity?: string): void {
  assert.ok(found(plan, host, subject, problem, severity), `${subject} on ${host}: ${problem} is not among\n${plan}`);
}

test('planMigration: a domain that can go has nothing that blocks; nothing is changed, on neither host', async () => {
  const { a, b } = await pair();
  const domain = await domainOf();
  const before = await documentsOf(domain);
  const images = readdirSync(join(a.host.directory, 'images'));
  const plan = await domain.planMigration(b.manager);
  assert.equal(plan.blocking, [], String(plan));
  assert.equal(
    plan.disks.map(({ identity, how }) => [identity, how]),
    [['disk root', 'shared']],
  );
  assert.is(plan.from.uuid, a.host.hostUuid);
  assert.is(plan.to.uuid, b.host.hostUuid);
  assert.equal(JSON.parse(JSON.stringify(plan)).steps, plan.steps);
  assert.equal(await documentsOf(domain), before);
  assert.equal(readdirSync(join(a.host.directory, 'images')), images, 'no marker is left');
  const { pools } = await a.connection.call('CONNECT_LIST_ALL_STORAGE_POOLS', { need_results: 1, flags: 0 });
  assert.equal(pools, [], 'no pool is left');
  await domain.destroy();
});

test('planMigration: what stands in the way at the source, all of it at once', async () => {
  const { a, b } = await pair();
  const domain = await domainOf(
    {
      disks: [
        { id: 'root', target: 'vda', file: await a.host.createDisk('snap.qcow2', { size: '1 MiB' }), format: 'qcow2' },
      ],
      devices: ["<shmem name='mem0'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>"],
    },
    false,
  );
  const dom = { name: domain.name, uuid: domain.uuid, id: -1 };
  await a.connection.call('DOMAIN_SNAPSHOT_CREATE_XML', {
    dom,
    xml_desc: '<domainsnapshot><name>s1</name></domainsnapshot>',
    flags: 0,
  });
  const off = await domain.planMigration(b.manager);
  assertFound(off, 'source', 'domain', /it is shutoff/);
  assertFound(off, 'source', 'domain', /it has 1 snapshots/);
  await domain.start({ paused: true });
  const plan = await domain.planMigration(b.manager);
  assertFound(plan, 'source', 'domain', /it has 1 snapshots/);
  assert.ok(
    plan.findings.some(({ subject, problem }) => subject.startsWith('shmem') && /shared with others/.test(problem)),
    String(plan),
  );
  assert.not.ok(plan.isPossible);
  assert.match(String(plan), /not possible/);
  const cold = await domain.planMigration(b.manager, { mode: 'cold' });
  assertFound(cold, 'source', 'domain', /it is paused|it is running/);
  await domain.destroy();
});

test('planMigration: libvirt is asked itself, by a Begin that is cancelled and leaves no job', async () => {
  const { b } = await pair();
  const domain = await domainOf();
  using wire = new Wire();
  const plan = await domain.planMigration(b.manager);
  assert.equal(plan.blocking, [], String(plan));
  const calls = wire.calls.map(({ procedure }) => procedure).filter((name) => name.startsWith('DOMAIN_MIGRATE'));
  assert.equal(calls, ['DOMAIN_MIGRATE_BEGIN3_PARAMS', 'DOMAIN_MIGRATE_CONFIRM3_PARAMS']);
  // With no table of this library's own: libvirt alone knows that this domain is to be ended with its connection.
  const bound = await domainOf({}, false);
  const dom = { name: bound.name, uuid: bound.uuid, id: -1 };
  const { a } = await pair();
  const owner = await connect(a.host.uri);
  await owner.call('DOMAIN_CREATE_WITH_FLAGS', { dom, flags: 1 | 2 });
  assertFound(await bound.planMigration(b.manager), 'source', 'domain', /libvirt refuses to begin/);
  await owner.close();
  assert.is((await domain.stateReason()).state, 'paused', 'it is as before');
  await domain.apply(await domain.plan({ set: { title: 'not held by a job' } }));
  await domain.destroy();
});

test('planMigration: what stands in the way at the destination', async () => {
  const { a, b } = await pair();
  const domain = await domainOf({ interfaces: [{ id: 'lan', user: true, mac: '52:54:00:00:00:21' }] });
  const xml = await domain.canonical();
  const other = xml
    .replace(/<uuid>.*<\/uuid>/, '<uuid>11111111-2222-3333-4444-555555555555</uuid>')
    .replace(/52:54:00:00:00:21/, '52:54:00:00:00:22');
  const twin = await b.manager.define(other);
  assertFound(await domain.planMigration(b.manager), 'destination', 'domain', /its name is that of another domain/);
  await twin.undefine();
  const renamed = await b.manager.define(xml.replace(/<name>.*<\/name>/, '<name>other</name>'));
  assertFound(await domain.planMigration(b.manager), 'destination', 'domain', /its UUID is that of domain other/);
  await renamed.undefine();
  assertFound(await domain.planMigration(a.connection), 'both', 'domain', /the same host/);
  const nowhere = await domain.planMigration(b.manager, {
    sources: { root: { 'source/@file': '/nowhere/root.qcow2' } },
  });
  assertFound(nowhere, 'both', 'disk root', /does not have the storage/);
  await domain.destroy();
});

test('planMigration: a network that is not there, a bridge, a block device that cannot be told', async () => {
  const { b } = await pair();
  const domain = await domainOf({}, false);
  const plan = await domain.planMigration(b.manager, { mode: 'cold' });
  assert.equal(plan.blocking, [], String(plan));
  for (const { name, devices, subject, problem, severity } of LISTED_FOR_TEST) {
    const each = await domainOf({ name, devices }, false);
    const found = await each.planMigration(b.manager, { mode: 'cold' });
    assert.ok(
      found.findings.some(
        (one) => one.subject.startsWith(subject) && problem.test(one.problem) && severity.includes(one.severity),
      ),
      `${name}\n${found}`,
    );
  }
});

test('migrate: options that are wrong are refused at once, by their path', async () => {
  const { b } = await pair();
  const domain = await domainOf({}, false);
  for (const [options, code, path] of [
    [{ colour: 'red' }, 'ARGUMENT_INVALID', 'colour'],
    [{ mode: 'warm' }, 'ARGUMENT_INVALID', 'mode'],
    [{ via: 'pigeon' }, 'ARGUMENT_INVALID', 'via'],
    [{ via: 'peer-to-peer' }, 'SPEC_INVALID', 'destinationUri'],
    [{ destinationUri: 'qemu:///system' }, 'SPEC_INVALID', 'destinationUri'],
    [{ disks: ['vda'] }, 'SPEC_INVALID', 'disks'],
    [{ mode: 'block', disks: 'vda' }, 'ARGUMENT_INVALID', 'disks'],
    [{ parallel: 0 }, 'ARGUMENT_INVALID', 'parallel'],
    [{ compression: { method: 'zip' } }, 'SPEC_INVALID', 'compression.method'],
    [{ compression: { method: 'zstd' } }, 'SPEC_INVALID', 'compression.method'],
    [{ hooks: { before: () => {} } }, 'SPEC_UNKNOWN_FIELD', 'hooks.before'],
    [{ uri: '' }, 'ARGUMENT_INVALID', 'uri'],
    [{ abortTimeout: -1 }, 'ARGUMENT_INVALID', 'abortTimeout'],
    [{ prove: 'paused', policy: 'post-copy' }, 'SPEC_INVALID', 'prove'],
    [{ mode: 'block', uri: 'unix:///x' }, 'SPEC_INVALID', 'disksUri'],
    [{ via: 'tunnelled', destinationUri: 'qemu:///system', mode: 'block' }, 'SPEC_INVALID', 'via'],
    [{ policy: { silence: 0 } }, 'SPEC_INVALID', 'policy.silence'],
    [{ sources: { root: 7 } }, 'SPEC_INVALID', 'sources["root"]'],
    [{ graphics: { listen: 5 } }, 'SPEC_INVALID', 'graphics.listen'],
    [{ graphics: { uri: '' } }, 'SPEC_INVALID', 'graphics.uri'],
    [{ tls: { destination: 5 } }, 'SPEC_INVALID', 'tls.destination'],
    [{ files: { source: { read: () => {} } } }, 'SPEC_INVALID', 'files.source'],
  ] as ReadonlyArray<[unknown, ErrorCode, string]>) {
    const error = failureNow(() => domain.migrate(b.manager, options as MigrationOptions), code);
    assert.is(error.path, path, JSON.stringify(options));
    assert.ok(code !== 'SPEC_INVALID' || error.remedy, `${error.message} says what to do`);
  }
  for (const [options, code, path] of [
    [{ mode: 'block', disks: ['vdz'] }, 'DEVICE_NOT_FOUND', 'disks[0]'],
    [{ shared: ['nobody'] }, 'DEVICE_NOT_FOUND', 'shared[0]'],
    [{ sources: { nobody: { 'source/@file': '/x' } } }, 'DEVICE_NOT_FOUND', 'sources["nobody"]'],
    [{ sources: { root: { 'target/@dev': 'vdb' } } }, 'SPEC_INVALID', 'sources["root"]["target/@dev"]'],
    [{ paths: { images: '/x' } }, 'SPEC_INVALID', 'paths["images"]'],
  ] as ReadonlyArray<[MigrationOptions, ErrorCode, string]>) {
    const error = await failure(domain.planMigration(b.manager, options), code);
    assert.is(error.path, path, JSON.stringify(options));
  }
});

test('recoverMigration: nothing to do, no such domain, and options that are wrong', async () => {
  const { a, b } = await pair();
  const domain = await domainOf();
  const nothing = await recoverMigration(a.connection, b.connection, domain.uuid);
  assert.equal([nothing.outcome, nothing.did, nothing.unfinished], ['not-migrated', [], []]);
  await failure(
    recoverMigration(a.connection, b.connection, '00000000-0000-0000-0000-000000000001'),
    'DOMAIN_NOT_FOUND',
  );
  await failure(recoverMigration(a.connection, b.connection, 'web1'), 'SPEC_INVALID');
  await failure(
    recoverMigration(a.connection, b.connection, domain.uuid, { way: 'back' } as never),
    'SPEC_UNKNOWN_FIELD',
  );
  await domain.destroy();
});

test('a record that is not of this domain, or not whole, counts for nothing', async () => {
  const { a } = await pair();
  const domain = await domainOf({}, false);
  const dom = { name: domain.name, uuid: domain.uuid, id: -1 };
  const uri = 'urn:libvirt-canonical:migration:1';
  const write = (text: string) =>
    a.connection.call('DOMAIN_SET_METADATA', {
      dom,
      type: 2,
      metadata: `<migration format="1">${text}</migration>`,
      key: 'lvcm',
      uri,
      flags: 2,
    });
  const host = { uuid: 'x', uri: 'y' };
  const record = {
    id: 'x',
    domain: domain.uuid,
    mode: 'live',
    via: 'client',
    source: host,
    destination: host,
    undefineSource: true,
    paused: false,
    autostart: false,
    autostartOnce: false,
    targets: [],
    moved: {},
    nvram: 'none',
  };
  for (const text of [
    '',
    '{',
    '[]',
    '{}',
    JSON.stringify({ ...record, domain: 'another' }),
    JSON.stringify({ ...record, targets: ['etc/passwd'] }),
    JSON.stringify({ ...record, targets: [7] }),
  ]) {
    await write(text);
    assert.is((await a.manager.get(domain.uuid)).migration, undefined, text);
  }
  await write(JSON.stringify(record));
  assert.is((await a.manager.get(domain.uuid)).migration?.mode, 'live');
  assert.not.match((await domain.export()).document, /libvirt-canonical:migration/);
});

test('OUTCOMES: each pair of sides once, and the page tells of each outcome', () => {
  const pairs = OUTCOMES.map(({ source, destination }) => `${source} × ${destination}`);
  assert.equal([...new Set(pairs)], pairs);
  const page = readFileSync(join(project, 'docs/migration.md'), 'utf8');
  for (const { outcome } of OUTCOMES) assert.ok(page.includes(`| \`${outcome}\` |`), outcome);
  const running = { is: 'there', state: 'running', reason: 'booted', persistent: true, job: false } as const;
  const held = { is: 'there', state: 'paused', reason: 'migration', persistent: true, job: false } as const;
  const unreachable = { is: 'unreachable', why: 'no route' } as const;
  for (const source of [running, held]) {
    const { outcome, action } = outcomeOf(source, unreachable);
    assert.equal(
      [outcome, action],
      ['unknown', 'refuse'],
      'a host that does not answer is never taken for an empty one',
    );
  }
  assert.is(outcomeOf(running, { ...running, reason: 'migrated' }).outcome, 'split-brain');
  // Of one that is coming up nothing is known: it is looked at again, and neither side is let go.
  for (const source of [running, held, { is: 'absent' } as const])
    assert.is(
      outcomeOf(source, { ...running, state: 'paused', reason: 'startingUp' }, { id: 'x', mode: 'live', paused: false })
        .action,
      'refuse',
    );
  // Off and only in the daemon's memory: no definition to rely on.
  const memory = { is: 'there', state: 'shutoff', reason: 'unknown', persistent: false, job: false } as const;
  assert.is.not(outcomeOf({ is: 'absent' }, memory).action, 'settled');
});

test('baselineCpu and compareCpu: a CPU that both hosts run, and a domain held against them', async () => {
  const { a, b } = await pair();
  const { cpu, xml } = await baselineCpu([a.manager, b.connection], { type: 'qemu', arch: 'x86_64', machine: 'q35' });
  assert.is(cpu.mode, 'custom');
  assert.ok(cpu.model.length > 0 && xml.includes(`>${cpu.model}<`));
  const domain = await domainOf({}, false);
  const document = (await domain.canonical()).replace(/<cpu[\s\S]*?<\/cpu>|<cpu[^>]*\/>/, xml);
  for (const each of await compareCpu(
    document.includes('<cpu') ? document : document.replace('<devices>', `${xml}<devices>`),
    [a.connection, b.connection],
  ))
    assert.ok(each.compatible, JSON.stringify(each));
  const exotic = document.replace(
    /<feature[^>]*name='[^']*'[^>]*\/>|<\/cpu>/,
    "<feature policy='require' name='amx-tile'/>$&",
  );
  const lacking = await compareCpu(exotic, [a.connection]);
  assert.ok(
    lacking.every(({ compatible, problems }) => !compatible && problems.join().includes('amx-tile')),
    JSON.stringify(lacking),
  );
  assert.ok((await compareCpu(domain, [b.manager])).every(({ host }) => host === b.connection.uri));
  await failure(baselineCpu([]), 'SPEC_INVALID');
  await failure(baselineCpu([a.connection], { machine: 'isapc-99' }), 'UNSUPPORTED');
});

test('define with cpu.baseline: the CPU that all the hosts can run, shown by planDefine, and wrong ones refused', async () => {
  const { a, b } = await pair();
  const { cpu: common } = await baselineCpu([a.connection, b.connection], { type: 'qemu' });
  const [feature] = Object.keys(common.features);
  const topology = { sockets: 1, cores: 2, threads: 1 };
  const spec = (cpu: unknown): DomainSpec => ({
    name: `p${++defined}`,
    type: 'qemu',
    memory: '64 MiB',
    vcpus: 2,
    cpu: cpu as CpuSpec,
  });
  const asked = spec({ baseline: [b.manager], topology, ...(feature && { features: { [feature]: 'disable' } }) });
  const plan = await a.manager.planDefine(asked);
  const added = plan.added.find(({ path }) => path === 'cpu');
  assert.ok(added?.why.includes(a.connection.uri) && added.why.includes(b.connection.uri), String(plan));
  assert.ok(added?.value.startsWith(`${common.model} with `), added?.value);
  const domain = await a.manager.define(asked);
  const root = new DomainDocument(await domain.canonical());
  assert.equal(
    ['@mode', '@match', 'model', 'model/@fallback', 'topology/@cores'].map((path) => root.value(`cpu/${path}`)),
    ['custom', 'exact', common.model, 'forbid', '2'],
  );
  if (feature) assert.match(root.xml, new RegExp(`<feature policy='disable' name='${feature}'/>`));
  const hosts = await compareCpu(domain, [a.connection, b.connection]);
  assert.ok(
    hosts.every(({ compatible }) => compatible),
    JSON.stringify(hosts),
  );
  for (const [cpu, path] of [
    [{ baseline: [] }, 'cpu.baseline'],
    [{ baseline: b.manager }, 'cpu.baseline'],
    [{ baseline: [b.manager, 'qemu:///system'] }, 'cpu.baseline[1]'],
    [{ baseline: [b.manager], model: 'qemu64' }, 'cpu.model'],
    [{ baseline: [b.manager], mode: 'host-model' }, 'cpu.mode'],
    [{ baseline: [b.manager], pin: 'never' }, 'cpu.pin'],
  ] as const) {
    const error = await failure(a.manager.define(spec(cpu)), 'SPEC_INVALID');
    assert.is(error.path, path, error.message);
  }
  const later = await failure(domain.planTowards(asked), 'SPEC_INVALID');
  assert.is(later.path, 'cpu.baseline', 'hosts are asked once, at define');
});

test("a migration record in a copied document is nobody's: not of a clone, not of what is defined or imported from it", async () => {
  const { a, b } = await pair();
  const domain = await domainOf({}, false);
  const dom = { name: domain.name, uuid: domain.uuid, id: -1 };
  const reader = new DomainAccess(a.connection, dom);
  const [source, destination] = [await hostOf(a.connection, {}), await hostOf(b.connection, {})];
  const off = { undefineSource: true, paused: false, autostart: false, autostartOnce: false };
  const record = newRecord({
    domain: domain.uuid,
    mode: 'cold',
    via: 'client',
    source,
    destination,
    targets: [],
    nvram: 'none',
    moved: {},
    ...off,
  });
  await writeRecord(reader, record, true);
  leaveRecord(record);
  const written = await documentsOf(domain);
  const text = written.canonical;
  assert.match(text, /urn:libvirt-canonical:migration:1/);
  assert.is((await a.manager.get(domain.uuid)).migration?.mode, 'cold', 'of its own domain it counts');
  const uuid = 'c0ffee00-0000-4000-8000-000000000018';
  const copy = text.replace(domain.uuid, uuid).replace(`<name>${domain.name}<`, `<name>${domain.name}-copy<`);
  // virsh dumpxml and define, by somebody who does not know what the metadata says.
  const foreign = await connect(a.host.uri, { redefine: 'allow' });
  await foreign.call('DOMAIN_DEFINE_XML_FLAGS', { xml: copy, flags: 0 });
  await foreign.close();
  const clone = await a.manager.get(uuid);
  assert.match(await clone.canonical(), /urn:libvirt-canonical:migration:1/);
  assert.is(clone.migration, undefined);
  assert.is(
    (await clone.planMigration(b.manager)).findings.filter(({ problem }) => /a migration to/.test(problem)).length,
    0,
  );
  const recovered = await recoverMigration(a.connection, b.connection, uuid);
  assert.equal([recovered.outcome, recovered.did, recovered.unfinished], ['source-ended', [], []]);
  await failure(recoverMigration(b.connection, a.connection, domain.uuid), 'MIGRATION_UNSETTLED');
  await clone.undefine();
  // By this library, from the same texts.
  const defined = await b.manager.define(text);
  assert.is(defined.migration, undefined);
  assert.not.match(await defined.canonical(), /urn:libvirt-canonical:migration/);
  await defined.undefine();
  await recoverMigration(a.connection, b.connection, domain.uuid);
  assert.not.match(await domain.canonical(), /urn:libvirt-canonical:migration/, 'its own is taken out');
});

test.run();
