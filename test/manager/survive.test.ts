/** What is to survive: a save, a restart of the daemon, snapshots, another name. */
import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainManager, type ManagedDomain } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { within } from '../support/deadline.js';
import { identityMap } from '../support/identity-map.js';
import { change, documentsOf, refused } from '../support/scenario.js';
import { Wire } from '../support/wire.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

const linksOf = async (domain: ManagedDomain) => {
  const { canonical, live } = await documentsOf(domain);
  return [canonical, live].map((xml) => /<link state='(\w+)'/.exec(xml ?? '')?.[1] ?? 'up');
};
/** The source of each disk in both documents, by target. */
const sourcesOf = async (domain: ManagedDomain) => {
  const { canonical, live } = await documentsOf(domain);
  const sources = (xml: string) =>
    [...xml.matchAll(/<disk [\s\S]*?<\/disk>/g)].map(([disk]) =>
      [/<target dev='(\w+)'/, /<source file='[^']*\/([^']+)'/].map((part) => part.exec(disk)?.[1]).join(': '),
    );
  assert.equal(sources(live ?? canonical), sources(canonical), 'both documents name the same images');
  return sources(canonical);
};

test('R3, R4: what was attached, a port that takes no hot-plug and the link of a NIC survive a save and a restart of the daemon', async () => {
  const b = await bench();
  const devices = [
    "<controller type='pci' index='0' model='pcie-root'/>",
    ...Array.from({ length: 6 }, (_, n) => `<controller type='pci' index='${n + 1}' model='pcie-root-port'/>`),
    "<controller type='pci' index='7' model='pcie-root-port'><target hotplug='off'/></controller>",
  ];
  const domain = await b.started({ devices });
  const wan = { id: 'wan', user: true, mac: '52:54:00:00:00:02' } as const;
  await change(domain, { attach: [{ interface: wan }] });
  using wire = new Wire();
  for (const [scope, links] of [
    ['both', ['down', 'down']],
    ['live', ['down', 'up']],
    ['config', ['up', 'up']],
  ] as const) {
    await domain.apply(
      await domain.plan({ update: [{ interface: 'lan', set: { link: links[scope === 'config' ? 0 : 1] } }], scope }),
    );
    assert.equal(await linksOf(domain), links, scope);
    const before = await documentsOf(domain);
    const places = identityMap(before.live ?? '');
    if (scope === 'live') {
      await within(domain.save());
      await within(domain.restore({ verify: 'guest-abi' }));
      assert.equal(identityMap((await domain.live()) ?? ''), places);
      assert.is(await domain.canonical(), before.canonical);
      assert.match((await domain.live()) ?? '', "hotplug='off'");
    }
    await b.host.restartDaemon();
    assert.equal(await documentsOf(domain), await documentsOf(await b.manager.get(domain.uuid)));
    assert.equal(identityMap((await domain.live()) ?? ''), places);
    assert.equal(await linksOf(domain), links, `${scope}, afterwards`);
  }
  assert.equal(wire.defining(), []);
});

test('R7: a disk attached after a snapshot; when the snapshots go, each disk is on its own image again', async () => {
  const b = await bench();
  const domain = await b.started();
  const before = await sourcesOf(domain);
  await domain.snapshot({ name: 's1', disks: { root: {} } });
  const data = { id: 'data', target: 'vdb', file: await b.disk('data.qcow2'), format: 'qcow2' } as const;
  await change(domain, { attach: [{ disk: data }] });
  await domain.snapshot({ name: 's2', disks: { root: {}, data: {} } });
  assert.match((await sourcesOf(domain)).join(), /vda: disk\d+\.s2,vdb: data\.s2/);
  // A disk is known by its target: its source is another by now.
  await change(domain, { update: [{ disk: 'vdb', set: { driver: { discard: 'unmap' } } }], scope: 'config' });
  assert.match((await sourcesOf(domain)).join(), /vda: disk\d+\.s2,vdb: data\.s2/);
  const abi = await domain.guestAbi();
  await within(domain.commitDisk('vdb'));
  const base = /vda: (.*)\.qcow2/.exec(before[0] ?? '')?.[1];
  await within(domain.commitDisk('root', { into: join(b.host.directory, `images/${base}.qcow2`) }));
  assert.equal(await sourcesOf(domain), [...before, 'vdb: data.qcow2']);
  await domain.verify(abi);
});

test('R8: another name: the same UUID and devices, and the autostart link follows; not while it runs or is saved', async () => {
  const b = await bench();
  const domain = await b.define({ name: 'before' });
  await change(domain, { set: { autostart: true } });
  const places = identityMap(await domain.canonical());
  const link = (name: string) => join(b.host.directory, `etc/libvirt/qemu/autostart/${name}.xml`);
  assert.match(await readlink(link('before')), 'before.xml');
  for (const running of ['running', 'paused'] as const) {
    await domain.start({ paused: running === 'paused' });
    await refused(domain, { set: { name: 'after' } }, /running|shut off/);
    await domain.destroy();
  }
  await domain.start({ paused: true });
  await domain.save();
  await refused(domain, { set: { name: 'after' } }, /managed-save image/);
  await domain.reboot({ mode: 'hard', managedSave: 'discard' });
  await domain.destroy();
  const { uuid } = domain;
  await change(domain, { set: { name: 'after' } }, { again: 'empty' });
  assert.equal([domain.name, domain.uuid], ['after', uuid]);
  assert.equal(identityMap(await domain.canonical()), places);
  assert.match(await readlink(link('after')), 'after.xml');
  assert.is(await lstat(link('before')).catch(() => undefined), undefined, 'the old link is gone');
  assert.is((await new DomainManager(b.connection).get('after')).uuid, uuid);
});

test.run();
