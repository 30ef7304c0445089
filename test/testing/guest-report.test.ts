import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseReport } from '../../src/testing/guest-report.js';

const test = suite('parseReport');

const REPORT = `@machine
boot-id:a0d0237a-fb5d-42d8-810b-58c090f5550b
kernel:6.1.0-cloud-amd64
uptime:2.66 0.01
online-cpus:0-1,3
product-name:Standard PC (Q35 + ICH9, 2009)
product-serial:S: 1
product-uuid:798b33da-98b1-40d5-a255-826b7c4f0c9b
vendor:QEMU
MemTotal:          94788 kB
model name\t: QEMU Virtual CPU version 2.5+
@pci
0000:00:00.0/vendor:0x8086
0000:02:00.0/vendor:0x1af4
0000:00:00.0/device:0x29c0
0000:02:00.0/device:0x1042
0000:00:00.0/class:0x060000
0000:02:00.0/class:0x010000
@pci-links
lrwxrwxrwx 1 0 0 0 Jan  1 00:00 0000:02:00.0/driver -> ../../../../bus/pci/drivers/virtio-pci
@block
sr0/size:4
vda/size:131072
vda1/size:2048
sr0/ro:1
vda/ro:0
sr0/removable:1
vda/removable:0
vda1/partition:1
vda/serial:ROOT 1
@block-links
lrwxrwxrwx 1 0 0 0 Jan  1 00:00 loop0 -> ../../devices/virtual/block/loop0
lrwxrwxrwx 1 0 0 0 Jan  1 00:00 sr0 -> ../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/virtio0/host0/target0:0:0/0:0:0:1/block/sr0
lrwxrwxrwx 1 0 0 0 Jan  1 00:00 vda -> ../../devices/pci0000:00/0000:00:01.1/0000:02:00.0/virtio1/block/vda
lrwxrwxrwx 1 0 0 0 Jan  1 00:00 vda1 -> ../../devices/pci0000:00/0000:00:01.1/0000:02:00.0/virtio1/block/vda/vda1
@serials
sr0/device/vpd_pg80:CD7
@net
eth0/address:52:54:00:00:00:01
lo/address:00:00:00:00:00:00
eth0/operstate:up
eth0/carrier:1
@net-links
lrwxrwxrwx 1 0 0 0 Jan  1 00:00 eth0 -> ../../devices/pci0000:00/0000:00:01.2/0000:03:00.0/virtio2/net/eth0
lrwxrwxrwx 1 0 0 0 Jan  1 00:00 lo -> ../../devices/virtual/net/lo
`;

test('reads the machine', () => {
  const { pci, disks, interfaces, ...machine } = parseReport(REPORT);
  assert.equal(machine, {
    bootId: 'a0d0237a-fb5d-42d8-810b-58c090f5550b',
    kernel: '6.1.0-cloud-amd64',
    uptime: 2660,
    memoryBytes: 94788 * 1024,
    cpuModel: 'QEMU Virtual CPU version 2.5+',
    onlineCpus: [0, 1, 3],
    dmi: {
      serial: 'S: 1',
      uuid: '798b33da-98b1-40d5-a255-826b7c4f0c9b',
      product: 'Standard PC (Q35 + ICH9, 2009)',
      vendor: 'QEMU',
    },
  });
});

test('reads PCI functions, those without a driver too', () => {
  assert.equal(parseReport(REPORT).pci, [
    { address: '0000:00:00.0', vendor: '0x8086', device: '0x29c0', class: '0x060000' },
    { address: '0000:02:00.0', vendor: '0x1af4', device: '0x1042', class: '0x010000', driver: 'virtio-pci' },
  ]);
});

test('reads disks, not partitions or loop devices', () => {
  assert.equal(parseReport(REPORT).disks, [
    {
      name: 'sr0',
      bytes: 2048,
      readOnly: true,
      removable: true,
      pciAddress: '0000:01:00.0',
      path: 'pci0000:00/0000:00:01.0/0000:01:00.0/virtio0/host0/target0:0:0/0:0:0:1/block/sr0',
      serial: 'CD7',
    },
    {
      name: 'vda',
      bytes: 67108864,
      readOnly: false,
      removable: false,
      pciAddress: '0000:02:00.0',
      path: 'pci0000:00/0000:00:01.1/0000:02:00.0/virtio1/block/vda',
      serial: 'ROOT 1',
    },
  ]);
});

test('reads interfaces, not the loopback', () => {
  assert.equal(parseReport(REPORT).interfaces, [
    {
      name: 'eth0',
      mac: '52:54:00:00:00:01',
      pciAddress: '0000:03:00.0',
      path: 'pci0000:00/0000:00:01.2/0000:03:00.0/virtio2/net/eth0',
      operstate: 'up',
      carrier: true,
    },
  ]);
});

test.run();
