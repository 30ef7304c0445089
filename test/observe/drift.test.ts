import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ApplyError, Drift, DriftChange, ManagedDomain } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { identityMap, machineOf } from '../support/identity-map.js';
import { documentsOf } from '../support/scenario.js';
import { Wire } from '../support/wire.js';
import { emptyDomain, virsh, virshWith } from '../testing/virsh.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const nic = "<interface type='user'><mac address='52:54:00:00:00:77'/><model type='virtio'/></interface>";
const SEAL = /\n *<lvcd:seal [^>]*>([^<]*)<\/lvcd:seal>/;

const bad = { disk: { id: 'bad', target: 'vdb', file: '/nonexistent/image', format: 'raw' } } as const;

/** `+ disk vdb`, `- …`, `~ …`: what a drift says, in short. */
function short({ changes }: Drift): string[] {
  const sign = { added: '+', removed: '-', changed: '~' };
  return changes.map(({ action, subject }) => `${sign[action]} ${subject}`).sort();
}

function of({ changes }: Drift, subject: string): DriftChange {
  const found = changes.find((each) => each.subject === subject);
  assert.ok(found, `${subject} is among ${changes.map((each) => each.subject)}`);
  return found;
}

async function inactive(domain: ManagedDomain): Promise<string> {
  const { host } = await bench();
  return virsh(host, 'dumpxml', '--inactive', '--security-info', domain.uuid);
}

/** The domain is as it was but for the seal. */
async function isAs(domain: ManagedDomain, before: string, what: string): Promise<void> {
  const after = await domain.canonical();
  assert.equal([...identityMap(after)].sort(), [...identityMap(before)].sort(), what);
  assert.equal(machineOf(after), machineOf(before), what);
}

test('a domain of ours has no drift: as defined, and after each of our own changes', async () => {
  const b = await bench();
  const domain = await b.started();
  const none = async (what: string) => {
    const { seal, changes, redefined, apply } = await domain.drift();
    assert.equal({ seal, changes, redefined, apply }, NONE, what);
  };
  const NONE = { seal: 'intact', changes: [], redefined: 'no', apply: 'none' } as const;
  await none('as defined');
  for (const request of [
    { attach: [{ disk: { id: 'data', target: 'vdb', file: await b.disk(), format: 'qcow2' } } as const] },
    { update: [{ interface: 'lan', set: { link: 'down' } } as const] },
    { update: [{ interface: 'lan', set: { link: 'up' } } as const], scope: 'live' as const },
    { set: { title: 'T', memory: '48 MiB' as const, metadata: { 'urn:x': { prefix: 'x', xml: '<x>1</x>' } } } },
    { detach: [{ disk: 'data' }], scope: 'config' as const },
  ]) {
    await domain.apply(await domain.plan(request));
    await none(JSON.stringify(request));
  }
  using wire = new Wire();
  await domain.drift();
  await domain.planUndoDrift();
  assert.equal(wire.mutators(), [], 'asking writes nothing');
});

test('no drift by what changes the document and is no apply: snapshots, commits, moves; nor by start and stop', async () => {
  const b = await bench();
  const domain = await b.started();
  const before = await documentsOf(domain);
  const none = async (what: string) => {
    const { seal, changes } = await domain.drift();
    assert.equal([seal, changes], ['intact', []], what);
  };
  await none('started');
  await domain.snapshot({ name: 's', disks: { root: {} } });
  await none('snapshot');
  await domain.commitDisk('root', { leftover: 'delete' });
  await none('commit');
  assert.is(await domain.canonical(), before.canonical, 'and the seal is the one before, as all of it');
  await domain.moveDisk('root', join(b.host.directory, 'images/moved.qcow2'));
  await none('move');
  await domain.destroy();
  await none('stopped');
});

test('what others do while an apply fails is not sealed as ours', async () => {
  const b = await bench();
  const domain = await b.started();
  const good = { disk: { id: 'good', target: 'vdc', file: await b.disk(), format: 'qcow2' } } as const;
  const plan = await domain.plan({ attach: [good, bad] });
  let done = false;
  const theirs = () => {
    if (done) return;
    done = true;
    const path = join(b.host.directory, 'theirs.xml');
    writeFileSync(path, nic);
    execFileSync('virsh', ['-q', '-c', b.host.uri, 'attach-device', domain.uuid, '--config', '--file', path]);
  };
  const error = await failure<ApplyError>(domain.apply(plan, { onProgress: theirs }), 'APPLY_FAILED');
  assert.is(error.rollback, 'partial', 'the domain is not as it was');
  const drift = await domain.drift();
  assert.equal([short(drift), drift.apply], [['+ interface 52:54:00:00:00:77'], 'interrupted']);
  await failure(domain.acceptDrift(), 'DOMAIN_STATE');
  await domain.recover({ mode: 'undo' });
  const settled = await domain.drift();
  assert.equal([short(settled), settled.apply], [['+ interface 52:54:00:00:00:77'], 'none']);
  const stopped = await domain.plan({ attach: [good, bad] });
  await failure(domain.apply(stopped, { onFailure: 'stop' }), 'APPLY_FAILED');
  assert.match(await domain.canonical(), 'ua-good');
  assert.equal(short(await domain.drift()), ['+ interface 52:54:00:00:00:77'], 'what stands of ours is sealed');
});

test('a domain that is not ours is adopted without a write, has no seal until it is accepted or changed', async () => {
  const { host, manager } = await bench();
  await virshWith(host, emptyDomain('theirs'), 'define');
  using wire = new Wire();
  const domain = await manager.get('theirs');
  const { seal, changes, redefined } = await domain.drift();
  assert.equal([seal, changes, redefined], ['missing', [], 'unknown']);
  const error = await failure(domain.planUndoDrift(), 'DOMAIN_STATE');
  assert.match(error.remedy ?? '', 'acceptDrift');
  assert.equal(wire.mutators(), []);
  await domain.acceptDrift();
  assert.equal(wire.mutators(), ['DOMAIN_SET_METADATA']);
  assert.is((await domain.drift()).seal, 'intact');
  await domain.acceptDrift();
  assert.equal(wire.mutators(), ['DOMAIN_SET_METADATA'], 'accepted already');
});

test('what somebody does by single calls is told apart, and taken back to where everything was', async () => {
  const b = await bench();
  const data = await b.disk();
  const domain = await b.define({
    disks: [
      { id: 'root', target: 'vda', file: await b.disk(), format: 'qcow2', boot: 1 },
      { id: 'data', target: 'vdb', file: data, format: 'qcow2', serial: 'D-1' },
    ],
    title: 'ours',
  });
  const before = await domain.canonical();
  const { host } = b;
  const config = [domain.uuid, '--config'] as const;
  await virshWith(host, nic, 'attach-device', domain.uuid, '--config', '--file');
  await virsh(host, 'detach-disk', ...config, 'vdb');
  await virsh(host, 'domif-setlink', ...config, '52:54:00:00:00:01', 'down');
  await virsh(host, 'setmem', ...config, '32M');
  await virsh(host, 'iothreadadd', ...config, '3');
  await virsh(host, 'blkdeviotune', ...config, 'vda', '--total-iops-sec', '100');
  await virsh(host, 'desc', ...config, '--title', 'theirs');
  await virsh(host, 'metadata', ...config, 'urn:theirs', '--key', 't', '--set', '<note>secret-note</note>');

  const drift = await domain.drift();
  assert.equal(short(drift), [
    '+ interface 52:54:00:00:00:77',
    '+ metadata urn:theirs',
    '- disk data',
    '~ disk root',
    '~ domain',
    '~ interface lan',
  ]);
  assert.is(drift.redefined, 'unknown', 'all of it could be single calls');
  assert.equal(of(drift, 'interface lan').changes, [{ path: 'link/@state', from: undefined, to: 'down' }]);
  assert.equal(of(drift, 'interface lan').abi, [], 'a link is no part of the guest ABI');
  assert.is(of(drift, 'disk data').abi[0]?.field, 'device');
  assert.match(of(drift, 'disk data').abi[0]?.before ?? '', /^pci /);
  assert.equal(
    of(drift, 'domain').changes.map(({ path, from, to }) => `${path} ${from} ${to}`),
    [
      'title ours theirs',
      'currentMemory 65536 32768',
      'iothreads undefined 1',
      'iothreadids/iothread{3}/@id undefined 3',
    ],
  );
  assert.equal(of(drift, 'metadata urn:theirs').abi, []);
  assert.not.match(JSON.stringify(drift), /secret-note/);

  using wire = new Wire();
  const plan = await domain.planUndoDrift();
  assert.equal(plan.refusals, [], String(plan));
  assert.equal(plan.operations.map(({ action, subject }) => `${action} ${subject}`).sort(), [
    'attach disk data',
    'detach interface 52:54:00:00:00:77',
    'set iothreads',
    'set iotune',
    'set memory',
    'set title',
    'update interface lan',
  ]);
  assert.match(String(plan), "metadata urn:theirs is its owner's and stays as it is");
  await domain.apply(plan);
  await isAs(domain, before, 'restored');
  assert.match(await domain.canonical(), /<serial>D-1<\/serial>/);
  assert.match(await domain.canonical(), /secret-note/, 'what others keep in metadata is not lost');
  assert.equal(short(await domain.drift()), ['+ metadata urn:theirs']);
  await domain.acceptDrift();
  assert.equal(short(await domain.drift()), []);
  assert.equal(wire.defining(), []);
});

test('the same while the guest runs: each document is brought back by itself', async () => {
  const b = await bench();
  const domain = await b.started({
    disks: [
      { id: 'root', target: 'vda', file: await b.disk(), format: 'qcow2', boot: 1 },
      { id: 'data', target: 'vdb', file: await b.disk(), format: 'qcow2' },
    ],
  });
  const before = await documentsOf(domain);
  await virsh(b.host, 'detach-disk', domain.uuid, 'vdb', '--config');
  await virsh(b.host, 'domif-setlink', domain.uuid, '52:54:00:00:00:01', 'down', '--config');
  assert.equal(short(await domain.drift()), ['- disk data', '~ interface lan']);
  const plan = await domain.planUndoDrift();
  assert.equal(plan.refusals, [], String(plan));
  assert.equal(
    plan.operations.filter(({ subject }) => subject !== 'intent').map(({ action, scope }) => `${action} ${scope}`),
    ['update config', 'attach config'],
    'the running guest has it all still',
  );
  await domain.apply(plan);
  await isAs(domain, before.canonical, 'restored');
  assert.is(await domain.live(), before.live);
  assert.equal((await domain.pending()).changes, []);
  assert.equal(short(await domain.drift()), []);

  await virshWith(b.host, nic, 'attach-device', domain.uuid, '--live', '--config', '--file');
  const away = await domain.planUndoDrift({ ifNotLive: 'next-boot' });
  assert.equal(
    away.operations.filter(({ subject }) => subject !== 'intent').map(({ action, scope }) => `${action} ${scope}`),
    ['detach live', 'detach config'],
  );
  assert.ok(away.operations[0]?.guestMustCooperate);
  await domain.destroy();
  await domain.apply(await domain.planUndoDrift());
  await isAs(domain, before.canonical, 'restored');
});

test('what the running guest cannot be given back is refused, or planned for its next boot', async () => {
  const b = await bench();
  const sound = "<sound model='ich9'><alias name='ua-sound'/></sound>";
  const domain = await b.define({ devices: [sound] });
  await virsh(b.host, 'detach-device-alias', domain.uuid, 'ua-sound', '--config');
  await domain.start({ paused: true });
  const [refusal, ...more] = (await domain.planUndoDrift()).refusals;
  assert.equal([refusal?.subject, more], ['sound sound', []]);
  assert.ok(refusal?.remedy);
  const plan = await domain.planUndoDrift({ ifNotLive: 'next-boot' });
  assert.equal(plan.operations.map(({ action, subject, scope }) => `${action} ${subject} ${scope}`).slice(0, 1), [
    'attach sound sound config',
  ]);
  await domain.apply(plan);
  assert.equal(short(await domain.drift()), []);
});

test('a redefinition is told by what no call changes; the rest of it is taken back, without a definition', async () => {
  const b = await bench();
  const domain = await b.define();
  const before = await domain.canonical();
  const edited = (await inactive(domain))
    .replace(/(<timer name='rtc' tickpolicy=')\w+/, '$1delay')
    .replace('<apic/>', '')
    .replace(/<link state='\w+'\/>/, '')
    .replace("<model type='virtio'/>", "<model type='e1000e'/>");
  await virshWith(b.host, edited, 'define');
  const drift = await domain.drift();
  assert.is(drift.redefined, 'yes');
  assert.equal(short(drift), ['~ domain', '~ interface lan']);
  assert.equal(of(drift, 'domain').onlyByDefinition, true);
  assert.equal(
    of(drift, 'domain').abi.map(({ field }) => field),
    ['features/apic'],
  );
  assert.equal(
    of(drift, 'interface lan').abi.map(({ field, before: from, after }) => [field, from, after]),
    [['model/@type', 'virtio', 'e1000e']],
  );
  using wire = new Wire();
  const whole = await domain.planUndoDrift();
  assert.ok(whole.refusals.some(({ subject, path }) => subject === 'domain' && path === 'features/apic'));
  assert.is((await failure(domain.apply(whole), 'PLAN_REFUSED')).domain, domain.name);
  await domain.apply(await domain.planUndoDrift({ only: ['interface lan'] }));
  assert.equal(short(await domain.drift()), ['~ domain'], 'what was not taken back is drift still');
  await isAs(domain, before, 'the NIC is as it was');
  const error = await failure(domain.planUndoDrift({ only: ['disk nope'] }), 'SPEC_INVALID');
  assert.is(error.path, 'only[0]');
  assert.equal(wire.defining(), []);
});

test('redefined without our metadata: the seal is missing, and nothing is made up', async () => {
  const b = await bench();
  const domain = await b.define();
  await virshWith(b.host, (await inactive(domain)).replace(/<metadata>[\s\S]*<\/metadata>/, ''), 'define');
  const { seal, changes, redefined } = await domain.drift();
  assert.equal([seal, changes, redefined], ['missing', [], 'unknown']);
});

test('an apply does not accept what others did elsewhere, nor forget what it did itself', async () => {
  const b = await bench();
  const domain = await b.define({
    devices: ["<rng model='virtio'><backend model='random'>/dev/urandom</backend><alias name='ua-rng'/></rng>"],
    title: 'ours',
  });
  const before = await domain.canonical();
  await virshWith(b.host, nic, 'attach-device', domain.uuid, '--config', '--file');
  await virsh(b.host, 'detach-device-alias', domain.uuid, 'ua-rng', '--config');
  await virsh(b.host, 'domif-setlink', domain.uuid, '52:54:00:00:00:01', 'down', '--config');
  await virsh(b.host, 'desc', domain.uuid, '--config', '--title', 'theirs');
  await virsh(b.host, 'metadata', domain.uuid, 'urn:theirs', '--key', 't', '--set', '<t/>', '--config');
  const theirs = ['+ interface 52:54:00:00:00:77', '+ metadata urn:theirs', '- rng rng', '~ domain', '~ interface lan'];
  assert.equal(short(await domain.drift()), theirs);
  await domain.apply(
    await domain.plan({
      attach: [{ disk: { id: 'data', target: 'vdb', file: await b.disk(), format: 'qcow2' } }],
      set: { description: 'ours', memory: '48 MiB' },
    }),
  );
  assert.equal(short(await domain.drift()), theirs);
  // What our own plan is about is ours from then on.
  await domain.apply(
    await domain.plan({ update: [{ interface: 'lan', set: { link: 'up' } }], set: { title: 'again' } }),
  );
  assert.equal(
    short(await domain.drift()),
    theirs.filter((each) => !each.startsWith('~')),
  );
  // The disk got the place that was free: the device that sat there comes back when it is again.
  const blocked = await domain.planUndoDrift();
  assert.match(blocked.refusals[0]?.reason ?? '', /^rng rng: pci \S+ is taken by disk data$/);
  await domain.apply(await domain.plan({ detach: [{ disk: 'data' }] }));
  await domain.apply(await domain.planUndoDrift());
  const now = identityMap(await domain.canonical());
  for (const [name, place] of identityMap(before)) assert.equal(now.get(name), place, name);
  assert.equal(short(await domain.drift()), ['+ metadata urn:theirs']);
});

test('a seal holds no secret: a changed one does not show, and one that is gone is told, not made up', async () => {
  const b = await bench();
  const domain = await b.define({
    devices: ["<graphics type='vnc' port='-1' autoport='yes' passwd='hunter22'/>"],
  });
  const xml = await domain.canonical();
  assert.match(xml, /passwd=['"]hunter22/);
  const [, packed = ''] = SEAL.exec(xml) ?? [];
  const sealed = inflateSync(Buffer.from(packed, 'base64')).toString();
  assert.match(sealed, /<graphics /);
  assert.not.match(sealed, /hunter22/);
  await virshWith(b.host, xml.replaceAll('hunter22', 'other222'), 'define');
  assert.equal(short(await domain.drift()), []);

  await virshWith(b.host, xml.replace(/ passwd=['"]\w+['"]/, ''), 'define');
  const drift = await domain.drift();
  assert.equal(short(drift), ['~ graphics vnc']);
  const plan = await domain.planUndoDrift();
  assert.match(plan.refusals[0]?.reason ?? '', /it had a secret \(@passwd\), and a seal holds none/);
  assert.not.match(JSON.stringify([drift, plan]) + String(plan), /hunter22|other222/);
});

test.run();
