import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument, guestAbi } from '../../src/domain/index.js';
import { LOCAL_FILES } from '../../src/host/files.js';
import {
  CALL_CHANNEL,
  type CallRecord,
  connect,
  type DomainBundle,
  findRunning,
  type GuestAbi,
  GuestAbiChangedError,
  type HostFinding,
  ImportRefusedError,
  RunningElsewhereError,
} from '../../src/index.js';
import type { GuestReport } from '../../src/testing/index.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { identityMap, machineOf } from '../support/identity-map.js';
import { harmless } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const here = benchOnDemand();
const there = benchOnDemand();
test.after(async () => {
  await here.stop();
  await there.stop();
});

/** The other host's paths for those of this one; disks are shared. */
const pathsTo = (from: Bench, to: Bench) => ({ [`${from.host.directory}/etc`]: `${to.host.directory}/etc` });

const OVMF = ['/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_VARS_4M.fd'] as const;
const withOvmf = OVMF.every((path) => existsSync(path));
const uefi = withOvmf ? test : test.skip;
if (!withOvmf) console.log('  skipped: ovmf is not installed (apt-get install ovmf)');

function uefiXml(name: string, nvram: string, disk: string, password: string): string {
  return `<domain type='qemu'><name>${name}</name><memory unit='MiB'>64</memory>
    <os><type arch='x86_64' machine='q35'>hvm</type><loader readonly='yes' type='pflash'>${OVMF[0]}</loader><nvram template='${OVMF[1]}'>${nvram}</nvram></os>
    <features><acpi/></features>
    <devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${disk}'/><target dev='vda' bus='virtio'/><alias name='ua-root'/></disk>
    <graphics type='vnc' socket='${dirname(disk)}/${name}.vnc' passwd='${password}'/></devices></domain>`;
}

test('to another host and back: the same machine, one define call each, nothing of it redefined', async () => {
  const [a, b] = [await here(), await there()];
  const domain = await a.define({ name: 'moves', hotplug: { pciePorts: 6 } });
  await domain.apply(await domain.plan({ attach: [{ disk: { id: 'data', target: 'vdb', file: await a.disk() } }] }));
  await domain.apply(await domain.plan({ set: { autostart: true } }));
  const before = await domain.canonical();
  using wire = new Wire();
  const bundle = await domain.export();
  assert.equal(wire.mutators(), [], 'an export only reads');
  assert.equal(bundle.notes, []);
  const text = JSON.stringify(bundle);

  const findings: HostFinding[] = [];
  const onFindings = (all: readonly HostFinding[]) => findings.push(...all);
  const moved = await b.manager.import(text, { hosts: [a.host.uri], autostart: 'restore', onFindings });
  assert.ok(findings.some(({ severity, problem }) => severity === 'warns' && problem === 'it started with its host'));
  const sealed = 'DOMAIN_SET_METADATA';
  assert.equal(wire.mutators(bundle.uuid), ['DOMAIN_DEFINE_XML_FLAGS', sealed, 'DOMAIN_SET_AUTOSTART']);
  assert.equal(wire.defining(), ['DOMAIN_DEFINE_XML_FLAGS']);
  const after = await moved.canonical();
  assert.is(after, before, 'libvirt fills in nothing');
  await moved.verify(await domain.guestAbi());
  assert.equal((await moved.drift()).changes, []);
  const attached = { disk: { id: 'data', target: 'vdb', file: bundle.document.match(/[^']*disk2[^']*/)?.[0] ?? '' } };
  assert.ok((await moved.plan({ attach: [attached] })).isEmpty, 'intent and all');
  assert.is((await moved.export()).autostart, true);

  // Back, over the connection that saw it undefined.
  await domain.undefine();
  const back = await a.manager.import(await moved.export({ secrets: 'include' }));
  assert.is((await back.export()).autostart, false, 'autostart is restored only when it is asked for');
  assert.is(await back.canonical(), before);
  assert.equal(identityMap(await back.canonical()), identityMap(before));
  const plan = await back.plan({ detach: [{ disk: 'data' }] });
  await back.apply(plan);
  assert.equal(machineOf(await back.canonical()), machineOf(before));
  const again = await harmless(() => a.define({ name: 'moves', uuid: back.uuid }));
  assert.is(again.code, 'DOMAIN_EXISTS', 'define itself still refuses');
});

test('the guest itself finds the machine it left, and what it wrote; the record of its volumes came along', async () => {
  const [a, b] = [await here(), await there()];
  const guest = await a.host.guest({ name: 'evacuee' });
  const disk = async (name: string) => ({
    file: await a.host.createDisk(`${name}.qcow2`, { size: '4 MiB' }),
    id: name,
  });
  const domain = await a.manager.define(
    guest.domainXml({
      disks: [{ ...(await disk('first')), target: 'vda', serial: 'FIRST' }],
      interfaces: [{ mac: '52:54:00:00:77:77' }],
      dmiSerial: 'CHASSIS-9',
    }),
  );
  await domain.start();
  await guest.waitForReport();
  const second = { disk: { ...(await disk('second')), target: 'vdb', serial: 'SECOND', format: 'qcow2' } } as const;
  const storage = { second: { driver: 'iscsi', portal: '192.0.2.7:3260' } };
  await domain.apply(await domain.plan({ attach: [second], storage }));
  await guest.exec('echo here since >/dev/vda; sync');
  const before = await guest.report();
  assert.is(before.disks.length, 2);
  const bundle = await domain.export();
  await domain.destroy();

  const moved = await b.manager.import(JSON.stringify(bundle), { hosts: [a.connection] });
  assert.equal(await moved.verify(bundle.abi), []);
  assert.equal((await moved.storage()).find(({ identity }) => identity === 'disk second')?.connection, storage.second);
  await moved.start({ verify: 'guest-abi' });
  const after = await guest.waitForReport({ after: before.bootId });
  const ofMachine = ({ pci, disks, interfaces, dmi, cpuModel, memoryBytes }: GuestReport) => ({
    ...{ pci, disks, dmi, cpuModel, memoryBytes },
    interfaces: interfaces.map(({ mac, path }) => ({ mac, path })),
  });
  assert.equal(ofMachine(after), ofMachine(before));
  assert.is((await guest.exec('head -c 10 /dev/vda')).output, 'here since');
  await moved.destroy();
});

uefi('a UEFI domain takes its variables along, and its password only when asked', async () => {
  const [a, b] = [await here(), await there()];
  const nvram = join(a.host.directory, 'etc/libvirt/qemu/nvram/uefi_VARS.fd');
  const domain = await a.manager.define(uefiXml('uefi', nvram, await a.disk(), 'geheim'));
  assert.is((await domain.export()).nvram, undefined, 'before its first start there are none');
  await domain.start({ paused: true });
  const running = await domain.export();
  assert.match(running.notes.join(), 'was running');
  await domain.destroy();
  const variables = readFileSync(nvram);
  variables.write('the guest was here', 4096);
  writeFileSync(nvram, variables);

  const without = await domain.export();
  assert.equal(without.leftOut, [{ subject: 'graphics vnc', path: '@passwd' }]);
  assert.not.match(JSON.stringify(without), 'geheim');
  assert.is(Buffer.from(without.nvram?.base64 ?? '', 'base64').compare(variables), 0);
  const refused = await failure<ImportRefusedError>(
    b.manager.import(without, { paths: pathsTo(a, b) }),
    'IMPORT_REFUSED',
  );
  assert.equal(
    refused.findings.map(({ subject, problem }) => [subject, problem]),
    [['graphics vnc', 'its @passwd was left out of the bundle']],
  );

  const bundle = await domain.export({ secrets: 'include' });
  assert.is(bundle.leftOut, undefined);
  const moved = await b.manager.import(bundle, { paths: pathsTo(a, b), hosts: [a.manager] });
  const xml = await moved.canonical();
  assert.match(xml, "passwd='geheim'");
  const copy = join(b.host.directory, 'etc/libvirt/qemu/nvram/uefi_VARS.fd');
  assert.match(xml, copy);
  assert.is(readFileSync(copy).compare(variables), 0);
  assert.is(statSync(copy).uid, statSync(nvram).uid, 'of the user that QEMU runs as');
  assert.is(statSync(copy).mode & 0o777, 0o600);
  await moved.start({ paused: true });
  await moved.destroy();
  assert.is(readFileSync(copy).includes('the guest was here'), true, 'not made anew from the template');

  // Again, while the file is there though the domain is not: it is never overwritten.
  await moved.undefine({ nvram: false });
  const taken = await failure<ImportRefusedError>(b.manager.import(bundle, { paths: pathsTo(a, b) }), 'IMPORT_REFUSED');
  assert.match(taken.message, `${copy} is there already`);
});

test('a neighbour whose document no parser takes keeps no domain from coming, but has its MAC address', async () => {
  const [a, b] = [await here(), await there()];
  const domain = await a.define({ name: 'welcome', interfaces: [{ id: 'lan', user: true, mac: '52:54:00:00:78:01' }] });
  const bundle = await domain.export();
  const malformed = await b.define({ name: 'malformed', interfaces: [{ user: true, mac: '52:54:00:00:78:02' }] });
  const call = { dom: { name: malformed.name, uuid: malformed.uuid, id: -1 }, type: 1, key: null, uri: null, flags: 2 };
  await b.connection.call('DOMAIN_SET_METADATA', { ...call, metadata: 'a title with \ufffe' });
  try {
    await failure(malformed.canonical(), 'XML_MALFORMED');
    const same = edited(bundle, (text) => text.replaceAll('52:54:00:00:78:01', '52:54:00:00:78:02'));
    const error = await failure<ImportRefusedError>(b.manager.import(same), 'IMPORT_REFUSED');
    assert.match(error.message, 'interface 52:54:00:00:78:02: its MAC is taken by domain malformed');
    const { name } = await b.manager.import(bundle);
    assert.is(name, 'welcome');
  } finally {
    await b.connection.call('DOMAIN_UNDEFINE_FLAGS', { dom: call.dom, flags: 0 });
  }
});

test('a host that cannot have it says everything at once, and is left as it was', async () => {
  const [a, b] = [await here(), await there()];
  const domain = await a.define({
    name: 'unwelcome',
    disks: [
      { id: 'root', target: 'vda', file: '/nowhere/root.raw', boot: 1 },
      { id: 'opt', target: 'vdb', file: await a.disk(), format: 'qcow2' },
    ],
    interfaces: [
      { id: 'lan', user: true, mac: '52:54:00:00:77:01' },
      { id: 'net', network: 'blue', mac: '52:54:00:00:77:02' },
    ],
  });
  await b.define({ name: 'unwelcome', interfaces: [{ user: true, mac: '52:54:00:00:77:01' }] });
  const bundle = await domain.export();
  // As from a host with a later QEMU in another place.
  const later = edited(bundle, (text) => text.replaceAll(/pc-q35-[\d.]+/g, 'pc-q35-99.0'));
  using wire = new Wire();
  const error = await failure<ImportRefusedError>(b.manager.import(later), 'IMPORT_REFUSED');
  assert.instance(error, ImportRefusedError);
  assert.equal(wire.mutators(), []);
  const said = error.findings.map(({ severity, subject, problem }) => `${severity} ${subject}: ${problem}`).join('\n');
  for (const part of [
    'blocks domain: its name is taken by domain unwelcome',
    'blocks interface 52:54:00:00:77:01: its MAC is taken by domain unwelcome',
    "blocks machine: this host's QEMU has no machine pc-q35-99.0, the newest of its family here is pc-q35-",
    'blocks disk root: the image, /nowhere/root.raw, is not there',
  ])
    assert.match(said, part);
  assert.match(said, /interface net: .*network blue/);
  assert.not.match(said, 'disk opt');
  const emulator = edited(bundle, (text) => text.replaceAll('/usr/bin/qemu-system-x86_64', '/opt/qemu/bin/qemu'));
  const missing = await failure<ImportRefusedError>(b.manager.import(emulator), 'IMPORT_REFUSED');
  assert.match(missing.message, 'emulator: the host has no /opt/qemu/bin/qemu; it has /usr/bin/qemu-system-x86_64');
  const brought = await b.manager.hostCheck(bundle, { brought: ['/nowhere/root.raw'] });
  assert.not.ok(
    brought.some(({ subject }) => subject === 'disk root'),
    'an image that is to be copied there is not missing',
  );
  assert.equal(
    (await b.manager.hostCheck(emulator))
      .filter(({ subject }) => subject === 'emulator')
      .map(({ severity }) => severity),
    ['blocks'],
  );
});

test('what libvirt refuses to define leaves no file, and the record is checked after', async () => {
  const [a, b] = [await here(), await there()];
  const domain = await a.define({ name: 'checked', interfaces: [] });
  const bundle = await domain.export();
  // A document that libvirt fills in: the machine it makes is not the one of the record.
  const bare = edited(bundle, (text) => text.replace(/<memballoon[\s\S]*?<\/memballoon>/, ''));
  const error = await failure<GuestAbiChangedError>(b.manager.import(bare), 'GUEST_ABI_CHANGED');
  assert.instance(error, GuestAbiChangedError);
  assert.match(error.message, 'memballoon');
  await failure(b.manager.get(bundle.uuid), 'DOMAIN_NOT_FOUND');
  await b.manager.import(bundle);
});

uefi('an abort: before the definition nothing is left, from then on the import ends whole', async () => {
  const [a, b] = [await here(), await there()];
  const nvram = join(a.host.directory, 'etc/libvirt/qemu/nvram/abort_VARS.fd');
  const domain = await a.manager.define(uefiXml('abort', nvram, await a.disk(), ''));
  await domain.start({ paused: true });
  await domain.destroy();
  await domain.apply(await domain.plan({ set: { autostart: true } }));
  const bundle = await domain.export({ secrets: 'include' });
  const abort = new AbortController();
  const write = async (path: string, contents: Uint8Array) => {
    await LOCAL_FILES.write(path, contents);
    abort.abort();
  };
  const options = { paths: pathsTo(a, b), files: { ...LOCAL_FILES, write } };
  const copy = join(b.host.directory, 'etc/libvirt/qemu/nvram/abort_VARS.fd');
  const error = await harmless(() => b.manager.import(bundle, { ...options, signal: abort.signal }));
  assert.is(error.code, 'ABORTED');
  assert.match(error.message, 'nothing is left of it');
  assert.is(existsSync(copy), false);

  const late = new AbortController();
  const listener = (message: unknown) => {
    if ((message as CallRecord).procedure === 'DOMAIN_DEFINE_XML_FLAGS') late.abort();
  };
  subscribe(CALL_CHANNEL, listener);
  try {
    const moved = await b.manager.import(bundle, {
      paths: pathsTo(a, b),
      signal: late.signal,
      autostart: 'restore',
    });
    assert.ok(late.signal.aborted);
    assert.is((await moved.export()).autostart, true);
    assert.is(existsSync(copy), true);
  } finally {
    unsubscribe(CALL_CHANNEL, listener);
  }
});

test('hostile bundles end in typed errors by path, and nothing is sent', async () => {
  const { manager, define } = await here();
  const bundle = await (await define({ name: 'victim', interfaces: [] })).export();
  const wrong = (changes: Record<string, unknown>) => ({ ...bundle, ...changes }) as never;
  const file = { path: '/etc/cron.d/x', base64: 'AAAA' };
  const withProto = (edit: (text: string) => string) => edit(JSON.stringify(bundle));
  const ABI_FIELD = 'bundle.abi.devices[0].fields.__proto__';
  for (const [value, code, path] of [
    [null, 'SPEC_INVALID', 'bundle'],
    [[], 'SPEC_INVALID', 'bundle'],
    ['{', 'SPEC_INVALID', 'bundle'],
    ['7', 'SPEC_INVALID', 'bundle'],
    [{}, 'SPEC_INVALID', 'bundle.formatVersion'],
    [wrong({ formatVersion: 2 }), 'SPEC_INVALID', 'bundle.formatVersion'],
    [wrong({ extra: 1 }), 'SPEC_UNKNOWN_FIELD', 'bundle.extra'],
    [wrong({ name: 'other' }), 'SPEC_INVALID', 'bundle.name'],
    [wrong({ name: 7 }), 'SPEC_INVALID', 'bundle.name'],
    [wrong({ uuid: 'x' }), 'SPEC_INVALID', 'bundle.uuid'],
    [wrong({ uuid: '7b7e4c2e-0000-4000-8000-000000000009' }), 'SPEC_INVALID', 'bundle.uuid'],
    [wrong({ document: '<domain' }), 'XML_MALFORMED', undefined],
    [wrong({ document: '<!DOCTYPE x><domain/>' }), 'XML_FORBIDDEN', undefined],
    [wrong({ document: '<network/>' }), 'SPEC_INVALID', 'bundle.document'],
    [wrong({ document: bundle.document.replace('<domain', "<domain id='1'") }), 'SPEC_INVALID', 'bundle.document'],
    [wrong({ document: bundle.document.replace("bus='0x01'", "bus='0x02'") }), 'SPEC_INVALID', 'bundle.abi'],
    [wrong({ abi: { ...bundle.abi, devices: {} } }), 'SPEC_INVALID', 'bundle.abi.devices'],
    [wrong({ abi: { ...bundle.abi, devices: [null] } }), 'SPEC_INVALID', 'bundle.abi.devices[0]'],
    [wrong({ abi: { ...bundle.abi, domain: { x: 1 } } }), 'SPEC_INVALID', 'bundle.abi.domain.x'],
    [wrong({ autostart: 'yes' }), 'SPEC_INVALID', 'bundle.autostart'],
    [wrong({ notes: 'none' }), 'SPEC_INVALID', 'bundle.notes'],
    [wrong({ from: { libvirt: '9.0.0' } }), 'SPEC_INVALID', 'bundle.from.qemu'],
    [wrong({ nvram: file }), 'SPEC_INVALID', 'bundle.nvram.path'],
    [wrong({ nvram: { ...file, path: 'x' } }), 'SPEC_INVALID', 'bundle.nvram.path'],
    [wrong({ nvram: { ...file, base64: '*' } }), 'SPEC_INVALID', 'bundle.nvram.base64'],
    [wrong({ tpm: [{ path: '../../x', base64: '' }] }), 'SPEC_INVALID', 'bundle.tpm[0].path'],
    [wrong({ tpm: [{ path: '/x', base64: '' }] }), 'SPEC_INVALID', 'bundle.tpm[0].path'],
    [wrong({ tpm: [{ path: 'x/y', base64: '' }] }), 'SPEC_INVALID', 'bundle.tpm[0].path'],
    [wrong({ tpm: ['x', 'y', 'x'].map((path) => ({ path, base64: '' })) }), 'SPEC_INVALID', 'bundle.tpm[2].path'],
    [JSON.stringify(bundle).replace('{', '{"__proto__":{"autostart":true},'), 'SPEC_UNKNOWN_FIELD', 'bundle.__proto__'],
    [withProto((text) => text.replace('"domain":{', '"domain":{"__proto__":"x",')), 'SPEC_INVALID', 'bundle.abi'],
    [withProto((text) => text.replace('"fields":{', '"fields":{"__proto__":{"x":1},')), 'SPEC_INVALID', ABI_FIELD],
    [`${'['.repeat(200_000)}${']'.repeat(200_000)}`, 'SPEC_INVALID', 'bundle'],
    [' '.repeat(65 << 20), 'SPEC_INVALID', 'bundle'],
    [wrong({ document: `<domain>${' '.repeat(5 << 20)}</domain>` }), 'XML_LIMIT', undefined],
    [wrong({ nvram: { path: '/x', base64: 'AAAA'.repeat(6 << 20) } }), 'SPEC_INVALID', 'bundle.nvram.base64'],
    [wrong({ leftOut: [7] }), 'SPEC_INVALID', 'bundle.leftOut[0]'],
  ] as const) {
    const error = await harmless(() => manager.import(value as never));
    assert.is(error.code, code, `${JSON.stringify(value)?.slice(0, 90)}: ${error.message}`);
    assert.is(error.path, path, error.message);
  }
  // A document that names a file of the machine as its variables.
  const evil = edited(bundle, (text) =>
    text.replace('</os>', '<nvram>/etc/cron.d/evil</nvram></os>').replace('<os>', "<os firmware='efi'>"),
  );
  const error = await harmless(() => manager.import({ ...evil, nvram: { path: '/etc/cron.d/evil', base64: 'AAAA' } }));
  assert.is(error.path, 'bundle.nvram.path');
  // And for the state of its TPM.
  const tpm = "<tpm><backend type='emulator'><source type='dir' path='/etc/cron.d'/></backend></tpm></devices>";
  const worse = edited(bundle, (text) => text.replace('</devices>', tpm));
  const folder = await harmless(() => manager.import({ ...worse, tpm: [{ path: 'evil', base64: 'AAAA' }] }));
  assert.is(folder.path, 'bundle.document', folder.message);
  assert.not.ok(existsSync('/etc/cron.d/evil'));
  assert.is(({} as { autostart?: unknown }).autostart, undefined);
});

test('findRunning tells running, off, absent and unasked; import and its guard go by it', async () => {
  const [a, b] = [await here(), await there()];
  const domain = await a.started({ name: 'split', interfaces: [] });
  const bundle = await domain.export();
  const dead = `qemu+unix:///session?socket=${a.host.directory}/none`;
  const where = await findRunning(domain.uuid.toUpperCase(), [a.host.uri, b.connection, dead]);
  assert.equal(where.running, [{ host: a.host.uri, name: 'split', state: 'paused' }]);
  assert.equal(where.off, []);
  assert.equal(where.absent, [b.host.uri]);
  assert.equal(
    where.unknown.map(({ host }) => host),
    [dead],
  );
  const split = await harmless(() => b.manager.import(bundle, { hosts: [a.connection] }));
  assert.instance(split, RunningElsewhereError);
  assert.match(split.message, `split is paused on ${a.host.uri}`);
  assert.is((split as RunningElsewhereError).where.running.length, 1);

  await domain.destroy();
  assert.equal((await findRunning(domain.uuid, [a.manager])).off.length, 1);
  const unasked = await harmless(() => b.manager.import(bundle, { hosts: [a.connection, dead] }));
  assert.is(unasked.code, 'DOMAIN_RUNNING_ELSEWHERE');
  assert.match(unasked.message, `${dead} could not be asked`);
  const moved = await b.manager.import(bundle, { hosts: [a.connection, dead], unknownHosts: 'accept' });
  assert.is(moved.uuid, domain.uuid);
});

test('a host that hangs is one that could not be asked, in time; an abort ends the question', async () => {
  const { host, connection } = await here();
  const [domain] = (await connection.call('CONNECT_LIST_ALL_DOMAINS', { need_results: 1, flags: 0 })).domains;
  const uuid = domain?.uuid ?? '';
  process.kill(host.pid as number, 'SIGSTOP');
  try {
    const where = await findRunning(uuid, [host.uri], { timeout: 300 });
    assert.match(String(where.unknown[0]?.error), 'no answer within 300 ms');
    const late = AbortSignal.timeout(200);
    await failure(findRunning(uuid, [host.uri], { signal: late }), 'ABORTED', 5000);
  } finally {
    process.kill(host.pid as number, 'SIGCONT');
  }
});

test('a managed-save image, a transient domain: refused, or told', async () => {
  const { manager, connection, started, host } = await here();
  const domain = await started({ name: 'saved', interfaces: [] });
  const rival = await connect(host.uri, { redefine: 'allow' });
  try {
    const { dom } = await rival.call('DOMAIN_LOOKUP_BY_NAME', { name: 'saved' });
    await rival.call('DOMAIN_MANAGED_SAVE', { dom, flags: 0 });
    await failure(domain.export(), 'DOMAIN_STATE');
    assert.equal((await domain.export({ managedSave: 'without' })).notes, ['its managed-save image stays on the host']);
    const xml = "<domain type='qemu'><name>fleeting</name><memory>32768</memory><os><type>hvm</type></os></domain>";
    await rival.call('DOMAIN_CREATE_XML', { xml_desc: xml, flags: 1 });
    const fleeting = await manager.get('fleeting');
    await failure(fleeting.export(), 'DOMAIN_STATE');
    await fleeting.destroy();
  } finally {
    await rival.close();
  }
  assert.ok(connection);
});

/** The bundle with its document edited, and the record that fits it. */
function edited(bundle: DomainBundle, edit: (text: string) => string): DomainBundle {
  const document = edit(bundle.document);
  assert.is.not(document, bundle.document, 'the edit changes something');
  return { ...bundle, document, abi: recordOf(document) };
}

function recordOf(document: string): GuestAbi {
  return guestAbi(new DomainDocument(document));
}

test.run();
