import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { identityMap } from '../support/identity-map.js';
import { change, documentsOf, refused } from '../support/scenario.js';
import { plugAndBoot, proofsOf, refusedAll, stayed } from './walk.js';

const { proves, define, image, bench } = proofsOf({
  name: 'ppc64 pseries',
  arch: 'ppc64',
  machine: 'pseries',
  emulator: '/usr/bin/qemu-system-ppc64',
  package: 'qemu-system-ppc',
});
const SPAPR_VLAN = "<interface type='user'><model type='spapr-vlan'/><alias name='ua-vio'/></interface>";

proves(
  ['plug in', 'unplug', 'reset', 'cold boot'],
  'what is plugged in sits on the host bridge, at one slot in both documents, and keeps it',
  async () => plugAndBoot(await define(), image, /type=pci .*bus=0x00/, await bench()),
);

proves(['define with room'], 'a definition gets as many host bridges as its room needs', async () => {
  const domain = await define({ hotplug: { pciePorts: 40 } });
  const { canonical } = await documentsOf(domain);
  assert.is(canonical.match(/model='pci-root'/g)?.length, 2);
  const plan = await domain.plan({ attach: [await image('vdx')] });
  // Root disk, NIC, USB controller and balloon.
  assert.is(plan.capacity.pci.total, 62);
  assert.is(plan.capacity.pci.free, 58);
  await domain.start({ paused: true });
  const at = await change(domain, {
    attach: [await image('vdb', { address: '0000:01:05.0' })],
  });
  assert.match(at.after.live ?? '', /bus='0x01' slot='0x05'/);
  await domain.destroy();
});

proves(
  ['fill up'],
  'a full host bridge is refused while the guest runs, and gets another one for the next boot',
  async () => {
    const domain = await define();
    const nic = (n: number) =>
      `<interface type='user'><mac address='52:54:00:00:01:${n.toString(16).padStart(2, '0')}'/><model type='virtio'/><alias name='ua-n${n}'/></interface>`;
    // Root disk, NIC, USB controller and balloon have four of 31 slots.
    await change(domain, { attach: Array.from({ length: 27 }, (_, n) => nic(n)) });
    await domain.start({ paused: true });
    await refused(domain, { attach: [await image('vdb')] }, /no slot of a PCI host bridge is free/);
    await change(domain, { attach: [await image('vdb')], ifNotLive: 'next-boot' });
    const before = identityMap((await documentsOf(domain)).canonical);
    assert.match(before.get('disk ua-vdb')?.address ?? '', /bus=0x01/);
    await domain.destroy();
    await domain.start({ paused: true });
    stayed(before, await domain.live());
    await change(domain, { attach: [await image('vdc')] });
    await domain.destroy();
  },
);

proves(['refusals'], 'spapr-vio takes numbers of one space, at the next boot only', async () => {
  const domain = await define({ vcpus: { current: 1, maximum: 2 } });
  await domain.start({ paused: true });
  await refusedAll(domain, [
    [SPAPR_VLAN, /spapr-vio bus does not support hot-plug/],
    ["<controller type='scsi' index='0'/>", /spapr-vio bus does not support hot-plug/],
    [await image('sda'), /ibmvscsi/],
    ["<watchdog model='diag288'/>", /of s390x/],
    [
      "<memory model='virtio-mem'><target><size unit='MiB'>256</size><block unit='MiB'>256</block><requested unit='MiB'>0</requested></target></memory>",
      /no virtio memory for ppc64/,
    ],
  ]);
  const { plan } = await change(domain, {
    attach: ["<controller type='scsi' index='0' model='ibmvscsi'/>", SPAPR_VLAN],
    ifNotLive: 'next-boot',
  });
  assert.equal(
    plan.operations.filter(({ action }) => action === 'attach').map(({ address }) => address),
    ['spapr-vio 0x00002000', 'spapr-vio 0x00001000'],
  );
  const taken = SPAPR_VLAN.replace('ua-vio', 'ua-two').replace(
    '</interface>',
    "<address type='spapr-vio' reg='0x2000'/></interface>",
  );
  const error = await domain.plan({ attach: [taken], scope: 'config' }).catch((reason) => reason);
  assert.is(error.code, 'ADDRESS_IN_USE');
  const before = identityMap((await documentsOf(domain)).canonical);
  await domain.destroy();
  await domain.start({ paused: true });
  stayed(before, await domain.live());
  assert.match((await domain.live()) ?? '', /type='spapr-vio' reg='0x00002000'/);
  // vCPUs come while it runs; the device on spapr-vio stays until the next boot.
  await change(domain, { set: { vcpus: 2 } });
  await refused(domain, { detach: [{ interface: 'vio' }] }, /spapr-vio bus does not support hot-plug/);
  await domain.destroy();
});

test.run();
