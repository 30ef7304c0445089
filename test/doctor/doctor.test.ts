import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainAccess } from '../../src/apply/index.js';
import { procedureOf } from '../../src/connection/procedures.js';
import { type ClockReading, checkClocks, readClock } from '../../src/doctor/clocks.js';
import { checkDaemonLimits } from '../../src/doctor/daemon-limits.js';
import { checkHostUuid } from '../../src/doctor/host-identity.js';
import { checkSupport } from '../../src/doctor/host-support.js';
import { checkVersions } from '../../src/doctor/versions.js';
import { DomainDocument } from '../../src/domain/index.js';
import { LOCAL_FILES } from '../../src/host/files.js';
import {
  type Connection,
  DOCTOR_FINDINGS,
  type DoctorCode,
  type DoctorFinding,
  DomainManager,
  type ManagedDomain,
} from '../../src/index.js';
import { newRecord, writeRecord } from '../../src/migration/record.js';
import { PrivateHost } from '../../src/testing/index.js';
import { benchOnDemand } from '../support/bench.js';
import { writeEntry } from '../support/entry.js';
import { asUser, otherUserProblem } from '../support/other-user.js';
import { Wire } from '../support/wire.js';

const DUMMY = '00020003-0004-0005-0006-000700080009';
const TIGHT = {
  max_clients: 20,
  max_anonymous_clients: 5,
  max_workers: 8,
  min_workers: 2,
  prio_workers: 1,
  max_client_requests: 3,
  keepalive_interval: -1,
};
const bench = benchOnDemand({
  config: `host_uuid = "${DUMMY}"\n${Object.entries(TIGHT)
    .map(([key, value]) => `${key} = ${value}`)
    .join('\n')}`,
});
test.after(() => bench.stop());

if (otherUserProblem) console.log(`skipped: limits of the daemon, as its user: ${otherUserProblem}`);
const asOther = otherUserProblem === undefined ? test : test.skip;

/** Codes that a test of this file has provoked. */
const provoked = new Set<DoctorCode>();

function one(findings: readonly Omit<DoctorFinding, 'domain'>[], code: DoctorCode, seen: string | RegExp): void {
  const all = findings.filter((each) => each.code === code);
  assert.ok(
    all.some((each) => (typeof seen === 'string' ? each.seen.includes(seen) : seen.test(each.seen))),
    `${code}: ${JSON.stringify(all)}`,
  );
  for (const { severity, why, remedy } of all) {
    assert.equal([severity, why], [...DOCTOR_FINDINGS[code]]);
    assert.ok(remedy.length > 10, remedy);
  }
  provoked.add(code);
}

async function canonicals(manager: DomainManager): Promise<string[]> {
  const all: string[] = [];
  for await (const domain of manager.list()) all.push(await domain.canonical());
  return all;
}

const codesOf = (findings: readonly DoctorFinding[], { uuid }: ManagedDomain): DoctorCode[] =>
  findings.filter(({ domain }) => domain?.uuid === uuid).map(({ code }) => code);

test('doctor: limits of the daemon by its configuration file, a dummy UUID, faults of the release', async () => {
  const b = await bench();
  const daemonConfig = join(b.host.directory, 'etc/libvirt/libvirtd.conf');
  const findings = await b.manager.doctor({ daemonConfig });
  one(findings, 'daemon-clients', 'max_clients of the daemon is 20');
  one(findings, 'daemon-clients', 'max_anonymous_clients of the daemon is 5');
  one(findings, 'daemon-workers', 'max_workers of the daemon is 8');
  one(findings, 'daemon-prio-workers', 'prio_workers of the daemon is 1');
  one(findings, 'daemon-requests', 'max_client_requests of the daemon is 3');
  one(findings, 'daemon-keepalive', 'keepalive_interval of the daemon is off');
  one(findings, 'host-uuid-dummy', DUMMY);
  const order = findings.map(({ severity }) => ['error', 'warning', 'unknown', 'note'].indexOf(severity));
  assert.equal(order, [...order].sort());
  one(await b.manager.doctor(), 'daemon-limits-unread', /the daemon can be read|configuration file only/);
  one(
    checkVersions({ libvirt: '9.0.0', QEMU: '7.2.0' }),
    'version-fault',
    'libvirt 9.0.0: a call with a negative length',
  );
  const here = checkVersions({ libvirt: b.connection.libvirtVersion, QEMU: b.connection.hypervisorVersion });
  assert.is(findings.filter(({ code }) => code === 'version-fault').length, here.length);
  assert.equal(checkVersions({ libvirt: '99.0.0', QEMU: '0.0.0' }), []);
});

asOther('doctor: limits in force by the admin protocol, for the user of the daemon; a full daemon', async () => {
  const b = await bench();
  const connections: Connection[] = [];
  try {
    for (let n = 0; n < 16; n++) connections.push(await b.host.connect());
    const files = { ...LOCAL_FILES, read: async () => Promise.reject(new Error('no file')) };
    const findings = await asUser('nobody', () =>
      checkDaemonLimits(b.connection, { files, daemonConfig: '/none' }, {}),
    );
    one(findings, 'daemon-clients', 'max_clients of the daemon is 20');
    one(findings, 'daemon-prio-workers', 'prio_workers of the daemon is 1');
    one(findings, 'daemon-clients-full', /1[6-9] of 20 clients/);
    one(findings, 'daemon-limits-unread', 'configuration file only');
  } finally {
    for (const each of connections) await each.close();
  }
});

test('doctor: a host UUID that is none; libvirt takes none for its own, so that the rule is asked', () => {
  one(checkHostUuid('00000000-0000-0000-0000-000000000000'), 'host-uuid-dummy', 'no UUID');
  one(checkHostUuid('FFFFFFFF-ffff-ffff-ffff-ffffffffffff'), 'host-uuid-dummy', 'no UUID');
  assert.equal(checkHostUuid('3b0a0e84-6f0c-4d1e-9f42-5a8f1a0f7c11'), []);
});

test('doctor: another host with the same UUID, and clocks', async () => {
  const b = await bench();
  await using twin = await PrivateHost.start({ config: `host_uuid = "${DUMMY}"` });
  const connection = await twin.connect();
  const early = {
    ...LOCAL_FILES,
    read: async (path: string) =>
      path === '/proc/stat'
        ? Buffer.from(
            (await readFile(path, 'utf8')).replace(/^btime (\d+)/m, (_, boot) => `btime ${Number(boot) - 90}`),
          )
        : readFile(path),
  };
  const findings = await b.manager.doctor({ hosts: [{ connection, files: early }] });
  one(findings, 'host-uuid-shared', DUMMY);
  one(findings, 'clock-skew', /is (89|90|91) s behind/);
  const same = await b.manager.doctor({ hosts: [new DomainManager(connection)] });
  assert.equal(
    same.filter(({ code }) => code.startsWith('clock')),
    [],
  );
  const unread = { ...LOCAL_FILES, read: async () => Promise.reject(new Error('no way')) };
  one(await b.manager.doctor({ hosts: [{ connection, files: unread }] }), 'clock-unread', connection.uri);
  const clock = (await readClock(LOCAL_FILES)) as ClockReading;
  assert.ok(Math.abs(clock.ahead) < 2, `${clock.ahead}`);
  one(checkClocks(clock, undefined, 'x'), 'clock-unread', 'x');
});

test('doctor: what documents say: CPU, ports, boot, cache, shared images, a format that is not said', async () => {
  const b = await bench();
  const shared = await b.disk('shared.qcow2');
  const good = await b.define();
  const bad = await b.define({
    cpu: { mode: 'host-model' },
    hotplug: { pciePorts: 0 },
    disks: [{ target: 'vda', file: shared, format: 'qcow2', driver: { cache: 'writeback' } }],
  });
  const rival = await b.rival();
  const xml = `<domain type='qemu'><name>unsaid</name><memory>65536</memory><os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
    <devices><disk type='file'><source file='${shared}'/><target dev='vda' bus='virtio'/></disk></devices></domain>`;
  await rival.call('DOMAIN_DEFINE_XML_FLAGS', { xml, flags: 0 });
  const unsaid = await b.manager.get('unsaid');
  const findings = await b.manager.doctor();
  const of = ({ uuid }: ManagedDomain) => findings.filter(({ domain }) => domain?.uuid === uuid);
  if (/mode='host-model'/.test(await bad.canonical())) one(of(bad), 'cpu-unpinned', 'host-model');
  one(of(bad), 'pcie-ports-none', 'PCIe ports for hot-plug are taken');
  one(of(bad), 'disk-cache-migration', 'writeback');
  one(of(bad), 'disk-shared', 'unsaid');
  one(of(unsaid), 'disk-shared', bad.name);
  one(of(unsaid), 'os-boot', 'hd');
  one(of(unsaid), 'disk-format-unsaid', /is raw in the document, and .*shared\.qcow2 is qcow2/);
  assert.equal(codesOf(findings, good), []);
  await bad.undefine();
  await unsaid.undefine();
});

test('doctor: CPUs that each host fills in', async () => {
  const b = await bench();
  const rival = await b.rival();
  const xml = `<domain type='qemu'><name>unpinned</name><memory>65536</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>
    <cpu mode='host-model'/></domain>`;
  await rival.call('DOMAIN_DEFINE_XML_FLAGS', { xml, flags: 0 });
  one(await b.manager.doctor(), 'cpu-unpinned', 'host-model');
  await (await b.manager.get('unpinned')).undefine();
});

test('doctor: machines and CPU models that are deprecated or gone', async () => {
  const b = await bench();
  const domain = await b.define();
  const machine = /machine='([^']+)'/.exec(await domain.canonical())?.[1] ?? '';
  const document = async (name: string, model: string) =>
    new DomainDocument(
      (await domain.canonical())
        .replace(machine, name)
        .replace(/<cpu[\s\S]*?<\/cpu>|<cpu[^>]*\/>/, '')
        .replace('<os>', `<cpu mode='custom'><model>${model}</model></cpu><os>`),
    );
  const gone = await checkSupport(b.connection, await document('pc-q35-0.1', 'Nehalem-gone'), {});
  one(gone, 'machine-removed', 'pc-q35-0.1');
  one(gone, 'cpu-removed', 'Nehalem-gone');
  const { capabilities } = await b.connection.call('CONNECT_GET_CAPABILITIES', {});
  const real = /<machine [^>]*deprecated='yes'[^>]*>(pc-[^<]+)</.exec(capabilities)?.[1];
  if (real) one(await checkSupport(b.connection, await document(real, 'qemu64'), {}), 'machine-deprecated', real);
  // No QEMU of the suite deprecates all of these, so what libvirt answers is marked.
  const marking = {
    call: async (name: string, args: never, options: never) => {
      const result = (await b.connection.call(name as never, args, options)) as { capabilities?: string };
      if (!result.capabilities) return result;
      const capabilities = result.capabilities
        .replace(new RegExp(`<machine ([^>]*)>${machine}<`, 'g'), `<machine deprecated='yes' $1>${machine}<`)
        .replace(/<model ([^>]*)>qemu64</g, "<model deprecated='yes' $1>qemu64<");
      return { capabilities };
    },
  } as unknown as Connection;
  const old = await checkSupport(marking, await document(machine, 'qemu64'), {});
  one(old, 'machine-deprecated', machine);
  one(old, 'cpu-deprecated', 'qemu64');
  assert.equal(await checkSupport(b.connection, await document(machine, 'qemu64'), {}), []);
});

test('doctor: work that was left, an old managed save, snapshots, a domain that cannot be read', async () => {
  const b = await bench();
  const [applied, moved, saved, pinned] = [await b.define(), await b.define(), await b.started(), await b.define()];
  await writeEntry(b.connection, applied);
  const uri = 'qemu+ssh://elsewhere/system';
  const record = newRecord({
    domain: moved.uuid, mode: 'live', via: 'client', source: { uuid: DUMMY, uri: b.connection.uri }, destination: { uuid: '', uri },
    undefineSource: true, paused: false, autostart: false, autostartOnce: false, targets: [], moved: {} as never, nvram: 'none',
  }); // biome-ignore format: a value
  const dom = (domain: ManagedDomain) => ({ name: domain.name, uuid: domain.uuid, id: -1 });
  await writeRecord(new DomainAccess(b.connection, dom(moved)), record, true);
  const { xml } = await b.connection.call('DOMAIN_GET_XML_DESC', { dom: dom(moved), flags: 2 });
  const left = /<(\w+:)?migration\b[\s\S]*?<\/(\w+:)?migration>/.exec(xml)?.[0] ?? '';
  assert.ok(left, xml);
  const [, key = '', ns = ''] = /xmlns:(\w+)=['"]([^'"]+)/.exec(left) ?? /()xmlns=['"]([^'"]+)/.exec(left) ?? [];
  const other = left
    .replace(/\bpid=(['"])\d+/, `pid=$1${2 ** 22 + 1}`)
    .replace(/\bcopy=(['"])[^'"]*/, 'copy=$1another')
    .replace(record.id, '0'.repeat(8) + record.id.slice(8));
  await b.connection.call('DOMAIN_SET_METADATA', {
    dom: dom(moved),
    type: 2,
    metadata: other.replace(/(<\/?)\w+:/g, '$1').replace(/xmlns:\w+=['"][^'"]+['"]/, ''),
    key: key || 'lvc',
    uri: ns,
    flags: 2,
  });
  await saved.save();
  await saved.apply(await saved.plan({ attach: [{ disk: { target: 'vdb', file: await b.disk(), format: 'qcow2' } }] }));
  const snapshot = { dom: dom(pinned), xml_desc: '<domainsnapshot><name>old</name></domainsnapshot>', flags: 0 };
  await b.connection.call('DOMAIN_SNAPSHOT_CREATE_XML', snapshot);
  const findings = await b.manager.doctor();
  one(
    findings.filter(({ domain }) => domain?.uuid === applied.uuid),
    'apply-interrupted',
    'an apply was interrupted',
  );
  one(
    findings.filter(({ domain }) => domain?.uuid === moved.uuid),
    'migration-interrupted',
    uri,
  );
  one(
    findings.filter(({ domain }) => domain?.uuid === saved.uuid),
    'managed-save-old',
    'vdb',
  );
  one(
    findings.filter(({ domain }) => domain?.uuid === pinned.uuid),
    'snapshots-pin',
    '1 snapshots',
  );
});

test('doctor: a rescue that runs', async () => {
  const b = await bench();
  const domain = await b.define();
  await domain.rescue({ disk: { file: await b.disk(), format: 'qcow2' } });
  one(await b.manager.doctor(), 'rescue-open', 'it runs a rescue from disk ');
  await domain.destroy();
});

test('doctor: denials in a log that can be read', async () => {
  const b = await bench();
  const log = join(b.host.directory, 'kern.log');
  const line =
    'audit: type=1400 apparmor="DENIED" operation="open" profile="libvirt-3b0a0e84" name="/srv/x.qcow2" comm="qemu-system-x86"';
  await writeFile(
    log,
    `nothing\n${line}\ntype=AVC avc:  denied  { read } for scontext=system_u:system_r:svirt_t:s0\napparmor="DENIED" profile="firefox"\n`,
  );
  await chmod(log, 0o644);
  one(await b.manager.doctor({ logs: [log, '/nowhere'] }), 'security-denials', /kern\.log has 2, the last: type=AVC/);
});

test('doctor: a domain that cannot be read is told, and the others are looked at', async () => {
  const b = await bench();
  const broken = await b.define();
  const call = b.connection.call.bind(b.connection);
  const failing = Object.assign(Object.create(b.connection) as Connection, {
    uri: b.connection.uri,
    call: (name: never, args: { dom?: { uuid: string } }, options: never) =>
      name === ('DOMAIN_GET_XML_DESC' as never) && args.dom?.uuid === broken.uuid
        ? call('DOMAIN_LOOKUP_BY_NAME', { name: 'x'.repeat(9) }).then(undefined, (error: Error) =>
            Promise.reject(Object.assign(error, { errorName: 'VIR_ERR_INTERNAL_ERROR' })),
          )
        : call(name, args as never, options),
  });
  const { doctor } = await import('../../src/doctor/index.js');
  for (const name of ['libvirtVersion', 'hypervisorVersion'] as const)
    Object.defineProperty(failing, name, { value: b.connection[name] });
  const findings = await doctor(failing);
  one(findings, 'domain-unreadable', '');
});

test('doctor: makes no call that changes anything', async () => {
  const b = await bench();
  const before = await canonicals(b.manager);
  using wire = new Wire();
  await b.manager.doctor();
  const called = [...new Set(wire.calls.map(({ procedure }) => procedure))];
  assert.ok(called.length > 8, called.join());
  // It asks a QEMU, which libvirt's policy counts as more than reading.
  const asks = new Set(['CONNECT_GET_DOMAIN_CAPABILITIES', 'ADMIN_CONNECT_OPEN']);
  for (const name of called) assert.ok(asks.has(name) || procedureOf(name as never).access === 'read', name);
  assert.equal(await canonicals(b.manager), before);
});

test('docs/doctor.md has a row for each finding, with its severity and its reason', async () => {
  const page = await readFile(new URL('../../../docs/doctor.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `([\w-]+)` \| (\w+) \| (.+?) \| (.+?) \| (.+?) \|$/gm)];
  assert.equal(rows.map(([, code]) => code).sort(), Object.keys(DOCTOR_FINDINGS).sort());
  for (const [, code = '', severity, seen = '', why, remedy = ''] of rows) {
    assert.equal([severity, why], [...DOCTOR_FINDINGS[code as DoctorCode]], code);
    assert.ok(seen.length > 5 && remedy.length > 5, code);
  }
});

test('each finding was provoked', () => {
  assert.equal(
    Object.keys(DOCTOR_FINDINGS).filter((code) => !provoked.has(code as DoctorCode)),
    otherUserProblem === undefined ? [] : ['daemon-clients-full'],
  );
});

test.run();
