import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { identityMap } from '../support/identity-map.js';
import { change, documentsOf } from '../support/scenario.js';
import { agree, plugAndBoot, proofsOf, refusedAll, stayed } from './walk.js';

const { proves, define, image, bench } = proofsOf({
  name: 's390x s390-ccw-virtio',
  arch: 's390x',
  machine: 's390-ccw-virtio',
  emulator: '/usr/bin/qemu-system-s390x',
  package: 'qemu-system-s390x, or qemu-system-misc on Debian 12',
});

proves(
  ['define with room', 'plug in', 'fill up', 'unplug', 'reset', 'cold boot'],
  'what is plugged in sits on CCW at one number in both documents, and keeps it',
  async () => plugAndBoot(await define(), image, /type=ccw/, await bench()),
);

const on = (uid: number, fid: number) =>
  `<address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'><zpci uid='0x${uid.toString(16)}' fid='0x${fid.toString(16)}'/></address>`;
const rng = (id: string, address: string) =>
  `<rng model='virtio'><backend model='random'>/dev/urandom</backend>${address}<alias name='ua-${id}'/></rng>`;

proves(['plug in'], 'what asks for PCI gets a slot, a uid and a fid that are free in both documents', async () => {
  const domain = await define();
  await domain.start({ paused: true });
  await change(domain, { attach: [rng('a', "<address type='pci'/>")], scope: 'live' });
  const { after } = await change(domain, { attach: [rng('b', "<address type='pci'/>")] });
  assert.match(after.canonical, /slot='0x02' function='0x0'>\s*<zpci uid='0x0002' fid='0x00000001'\/>/);
  const before = await agree(domain, ['rng ua-b']);
  await refusedAll(domain, [
    [rng('c', on(2, 7)), /zPCI uid 0x2 is taken by rng ua-b|zPCI uid 0x2 is taken by rng b/],
    [rng('c', on(7, 1)), /zPCI fid 0x1 is taken by/],
    [rng('c', on(0, 7)), /is no uid of zPCI/],
  ]);
  await change(domain, { attach: [rng('c', on(7, 7))] });
  await domain.destroy();
  await domain.start({ paused: true });
  stayed(before, await domain.live());
  assert.match((await domain.live()) ?? '', /<zpci uid='0x0007' fid='0x00000007'\/>/);
  await domain.destroy();
});

proves(['refusals'], 'what the machine lacks is refused with its own reason', async () => {
  const domain = await define({ vcpus: { current: 1, maximum: 2 } });
  await domain.start({ paused: true });
  await refusedAll(domain, [
    [await image('sda'), /CCW number of its own in each document/],
    ["<interface type='user'><model type='e1000'/></interface>", /no such NIC for s390x/],
    ["<controller type='usb' index='0' model='qemu-xhci'/>", /no USB controller for s390x/],
    [await image('sdb', { bus: 'usb' }), /no USB controller for s390x/],
    [await image('sdc', { bus: 'sata' }), /no SATA for s390x/],
    ["<watchdog model='i6300esb'/>", /only the diag288 watchdog/],
    ["<watchdog model='diag288'/>", /only i6300esb watchdogs can be hot-plugged/],
  ]);
  // An input device without a bus is a virtio one here.
  await change(domain, { attach: ["<input type='keyboard'><alias name='ua-keys'/></input>"] });
  const before = await agree(domain, ['input ua-keys']);
  await change(domain, { set: { vcpus: 2 } });
  await domain.destroy();
  // While it is off libvirt adds the controller in the one document that there is.
  await change(domain, { attach: [await image('sda')] });
  await domain.start({ paused: true });
  stayed(before, await domain.live());
  assert.ok(identityMap((await documentsOf(domain)).live ?? '').has('disk ua-sda'));
  await domain.destroy();
});

test.run();
