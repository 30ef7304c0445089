import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { descriptionOf, devicesOf, documentView, guestView, linkOf, qemuView } from '../../src/conformance/views.js';
import type { GuestReport } from '../../src/testing/index.js';

const LIVE = `<domain type='qemu' id='1'><name>a</name><description>by hand &amp; kept</description><devices>
  <emulator>/usr/bin/qemu</emulator>
  <controller type='pci' index='0' model='pcie-root'><alias name='pcie.0'/></controller>
  <controller type='pci' index='3' model='pcie-root-port'><alias name='pci.3'/>
    <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x1' multifunction='on'/></controller>
  <disk type='file' device='disk'><source file='/a'/><target dev='vda' bus='virtio'/><serial>S-1</serial>
    <alias name='ua-one'/><address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/></disk>
  <disk type='file' device='disk'><target dev='sda' bus='scsi'/><alias name='scsi0-0-0-0'/>
    <address type='drive' controller='0' bus='0' target='0' unit='0'/></disk>
  <interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/><alias name='net0'/>
    <address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/></interface>
  <memballoon model='virtio'><address type='pci' domain='0x0000' bus='0x00' slot='0x06' function='0x0'/></memballoon>
</devices></domain>`;

test('a document: devices by what they are, at the slots on the way from the root bus', () => {
  const view = documentView(LIVE);
  assert.is(view.get('disk S-1')?.place, '02.1/00.0');
  assert.is(view.get('disk S-1')?.alias, 'ua-one');
  assert.is(view.get('interface 52:54:00:00:00:01')?.place, '05.0');
  assert.not.ok(view.get('interface 52:54:00:00:00:01')?.alias, 'an alias of libvirt itself is no identity');
  assert.is(view.get('disk sda')?.place, 'type=drive controller=0 bus=0 target=0 unit=0');
  assert.is(view.get('memballoon virtio')?.place, '06.0');
  assert.ok(view.has('controller pci 3 pcie-root-port'));
  assert.is(devicesOf(LIVE).length, 6);
  assert.is(descriptionOf(LIVE), 'by hand & kept');
});

test('the link of a NIC: up where nothing is written', () => {
  const mac = '52:54:00:00:00:01';
  assert.is(linkOf(LIVE, mac), 'up');
  assert.is(linkOf(LIVE.replace("<alias name='net0'/>", "<link state='down'/><alias name='net0'/>"), mac), 'down');
});

test('QEMU: its own tree, whatever it numbers the buses', () => {
  const port = { qdev_id: 'pci.3', slot: 2, function: 1 };
  const disk = { qdev_id: 'ua-one', slot: 0, function: 0 };
  const nic = { qdev_id: 'net0', slot: 5, function: 0 };
  const buses = [{ devices: [{ ...port, pci_bridge: { devices: [disk] } }, nic] }];
  const view = qemuView(buses, LIVE);
  assert.is(view.get('disk S-1')?.place, '02.1/00.0');
  assert.is(view.get('interface 52:54:00:00:00:01')?.place, '05.0');
  assert.not.ok(view.has('memballoon virtio'), 'what it does not have it does not tell');
});

test('the guest: the way to each disk and NIC, and other functions by what they are', () => {
  const report = {
    disks: [
      {
        name: 'vda',
        serial: 'S-1',
        path: 'pci0000:00/0000:00:02.1/0000:03:00.0/virtio2/block/vda',
        pciAddress: '0000:03:00.0',
      },
    ],
    interfaces: [
      { mac: '52:54:00:00:00:01', path: 'pci0000:00/0000:00:05.0/virtio1/net/eth0', pciAddress: '0000:00:05.0' },
    ],
    pci: [
      { address: '0000:03:00.0', vendor: '0x1af4', device: '0x1042' },
      { address: '0000:00:02.1', vendor: '0x1b36', device: '0x000c' },
      { address: '0000:00:02.0', vendor: '0x1b36', device: '0x000c' },
    ],
  } as unknown as GuestReport;
  const view = guestView(report);
  assert.equal(view.get('disk S-1'), { place: '02.1/00.0', path: '0000:00:02.1/0000:03:00.0' });
  assert.is(view.get('interface 52:54:00:00:00:01')?.place, '05.0');
  assert.equal(view.get('pci 1b36:000c'), { path: '0000:00:02.0 0000:00:02.1' });
  assert.is(view.size, 3);
});

test.run();
