import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument, isSecret, kindOf, secretsHidden } from '../../src/domain/index.js';
import { pendingOf } from '../../src/observe/pending.js';
import { fingerprintsOf, Plan, planChanges, planTowards } from '../../src/plan/index.js';
import { benchOnDemand } from '../support/bench.js';
import { contextOf } from '../support/fixtures.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const cookies = (value: string) => `<cookies><cookie name='c'>${value}</cookie></cookies>`;
const http = (value: string, inner = '') =>
  `<source protocol='https' name='x'><host name='h' port='1'/>${cookies(value)}${inner}</source>`;
const backing = (value: string, below = '<backingStore/>') =>
  `<backingStore type='network'><format type='raw'/>${http(value)}${below}</backingStore>`;

/** Every place that a secret can be in, with the marker of that place in its value. VNC takes eight bytes. */
const PLACES: Readonly<Record<string, (value: (place: string) => string) => string>> = {
  devices: (of) => `<devices>
    <disk type='network' device='cdrom'><driver name='qemu' type='raw'/>${http(of('source'))}<target dev='sda' bus='sata'/></disk>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/img/a'/>
      ${backing(of('backing'), backing(of('deeper'), backing(of('deepest'))))}<target dev='vda' bus='virtio'/></disk>
    <graphics type='vnc' port='-1' autoport='yes' passwd='${of('vnc')}'/></devices>`,
  fwcfg: (of) =>
    `<sysinfo type='fwcfg'><entry name='opt/com.example/a'>${of('fw')}</entry><entry name='opt/com.example/b'>${of('fwb')}</entry></sysinfo>`,
  smbios: (of) => `<sysinfo type='smbios'><oemStrings><entry>${of('oem')}</entry></oemStrings></sysinfo>`,
  commandline: (of) =>
    `<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-fw_cfg'/><qemu:arg value='name=opt/x,string=${of('arg')}'/><qemu:env name='TOKEN' value='${of('env')}'/></qemu:commandline>`,
};

const planted = (mark: string) => (place: string) => `${mark}${place}`.slice(0, place === 'vnc' ? 8 : 40);
const domainXml = (mark: string, { name = 'planted', live = false } = {}) =>
  `<domain type='qemu'${live ? " id='1'" : ''}><name>${name}</name><uuid>11111111-2222-4333-8444-555555555555</uuid>
    <memory unit='MiB'>64</memory><os><type arch='x86_64' machine='q35'>hvm</type><smbios mode='sysinfo'/></os>
    ${Object.values(PLACES)
      .map((xml) => xml(planted(mark)))
      .join('')}</domain>`;

const everything = (value: unknown) => `${String(value)}\n${inspect(value, { depth: 12 })}\n${JSON.stringify(value)}`;
const silent = (value: unknown, what: string) => assert.not.match(everything(value), /hunter|second/, what);

const contextWith = (canonical: string, live?: string) => ({
  ...contextOf('off'),
  canonical: new DomainDocument(canonical),
  live: live === undefined ? undefined : new DomainDocument(live),
});

test('isSecret: the cookies of a source in each other source, and nothing beside them', () => {
  const disk = kindOf('disk');
  for (const path of [
    'source/cookies',
    'source/cookies/cookie[2]',
    'source/cookies/cookie/@name',
    'backingStore/source/cookies/cookie',
    'backingStore/backingStore/backingStore/source/cookies/cookie',
    'mirror/source/cookies/cookie',
    'mirror/backingStore/source/cookies/cookie',
    'source/dataStore/source/cookies/cookie',
    'backingStore/source/dataStore/source/cookies/cookie[3]',
  ])
    assert.ok(isSecret(disk, path), path);
  for (const path of ['source/@name', 'backingStore/source/@name', 'source/cookiesx', 'backingStore/source/host/@name'])
    assert.not.ok(isSecret(disk, path), path);
  for (const path of [
    'sysinfo/entry',
    'sysinfo[2]/entry[3]',
    'sysinfo/oemStrings/entry[2]',
    'qemu:commandline/qemu:arg[2]/@value',
    'q:commandline/q:env/@value',
    'commandline/arg/@value',
  ])
    assert.ok(isSecret('domain', path), path);
  for (const path of ['sysinfo/entry/@name', 'sysinfo/system/entry', 'qemu:commandline/qemu:env/@name', 'os/cmdline'])
    assert.not.ok(isSecret('domain', path), path);
});

test('fingerprintsOf: a secret does not count, wherever it is; what is beside it does', () => {
  const prints = (xml: string) => fingerprintsOf(contextWith(xml));
  assert.equal(prints(domainXml('hunter')), prints(domainXml('second')));
  assert.equal(prints(domainXml('hunter')), prints(domainXml('a longer one of these ')));
  for (const [from, to] of [
    ["name='x'", "name='y'"],
    ["value='-fw_cfg'/>", "value='-fw_cfg'/><qemu:arg value='-S'/>"],
    ['opt/com.example/b', 'opt/com.example/c'],
  ] as const)
    assert.not.equal(prints(domainXml('hunter')), prints(domainXml('hunter').replace(from, to)), to);
});

test('pendingOf: says that a secret waits, and not which', () => {
  const mirror = `<mirror type='network' job='copy' ready='yes'><format type='raw'/>${http('huntermirror')}</mirror>`;
  const live = domainXml('hunter', { live: true }).replace("<target dev='vda'", `${mirror}<target dev='vda'`);
  const pending = pendingOf(contextWith(domainXml('second'), live), undefined);
  silent(pending, 'pending');
  const changed = pending.changes.flatMap(({ changes }) => changes.map(({ path }) => path)).join(' ');
  for (const part of ['@passwd', 'source/cookies', 'backingStore/source/cookies', 'sysinfo', 'commandline'])
    assert.ok(changed.includes(part), `${part} in ${changed}`);
});

test('planTowards: refuses another secret outside the devices without telling either', () => {
  const plan = planTowards(domainXml('second'), contextWith(domainXml('hunter')));
  assert.ok(plan.refusals.some(({ path }) => path.startsWith('sysinfo')));
  assert.ok(plan.refusals.some(({ path }) => path.includes('commandline')));
  silent(plan, 'the plan');
});

test('a plan, its JSON and its journal hold no secret of a backing store', () => {
  const context = contextWith(domainXml('hunter').replace(/<disk type='file'[\s\S]*?<\/disk>/, ''));
  const [disk = ''] = /<disk type='file'[\s\S]*?<\/disk>/.exec(domainXml('hunter')) ?? [];
  const plan = planChanges({ attach: [disk] }, context);
  assert.is(plan.operations.length, 1);
  silent(plan, 'the plan');
  silent(Plan.fromJSON(JSON.stringify(plan)), 'the plan read back');
  silent(plan.toJournal(context), 'the journal');
});

test('secretsHidden: takes out of a text what any of the documents has', () => {
  const hide = secretsHidden(
    new DomainDocument(domainXml('hunter')),
    undefined,
    new DomainDocument(domainXml('second')),
  );
  for (const place of ['source', 'backing', 'deeper', 'deepest', 'fw', 'fwb', 'oem', 'arg', 'env', 'vnc'])
    for (const mark of ['hunter', 'second']) silent(hide(`QEMU says: "${planted(mark)(place)}"`), place);
});

test('export, guestAbi, drift and the way back: no planted secret of a real domain, at any depth', async () => {
  const { manager, rival, disk } = await bench();
  const domain = await manager.define(domainXml('hunter').replace('/img/a', await disk()));
  const canonical = await domain.canonical();
  for (const place of ['source', 'backing', 'deeper', 'deepest', 'fw', 'fwb', 'oem', 'arg', 'env', 'vnc'])
    assert.ok(canonical.includes(planted('hunter')(place)), `${place} is planted`);
  const plan = await domain.plan({
    set: { title: 'x' },
    detach: [{ disk: 'vda' }],
    update: [{ graphics: 'vnc', set: { keymap: 'de' } }],
  });
  silent(plan, 'a plan');
  silent(await domain.guestAbi(), 'the guest ABI');
  const bundle = await domain.export();
  silent(bundle, 'a bundle without secrets');
  const leftOut = bundle.leftOut?.map(({ subject, path }) => `${subject} ${path}`).join('\n') ?? '';
  for (const part of [
    'disk sda source/cookies',
    'disk vda backingStore/backingStore/backingStore/source/cookies',
    '@passwd',
    'domain sysinfo/entry',
    'domain qemu:commandline',
  ])
    assert.ok(leftOut.includes(part), `${part} in ${leftOut}`);
  assert.ok(!('leftOut' in (await domain.export({ secrets: 'include' }))));
  assert.match((await domain.export({ secrets: 'include' })).document, 'hunterdeepest');

  const other = await rival();
  await other.call('DOMAIN_DEFINE_XML_FLAGS', { xml: canonical.replaceAll('hunter', 'second'), flags: 0 });
  const drift = await domain.drift();
  assert.ok(
    drift.changes.some(({ changes }) => changes.some(({ path }) => path.startsWith('sysinfo'))),
    'it is told',
  );
  silent(drift, 'drift');
  silent(await domain.planUndoDrift(), 'the way back');
  await domain.undefine();
  // What was left out is left out for good; the rest comes as it was.
  const back = await manager.import(bundle, { leftOutSecrets: 'without' });
  assert.not.match(await back.canonical(), /hunter|commandline/);
  await back.undefine();
});

test.run();
