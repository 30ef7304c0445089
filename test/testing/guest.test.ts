import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LibvirtCanonicalError } from '../../src/errors.js';
import { type Guest, type GuestReport, PrivateHost } from '../../src/testing/index.js';
import { until, virsh, virshWith } from './virsh.js';

const test = suite<{ host: PrivateHost; guest: Guest; root: string; seen: GuestReport }>('the test guest');

const DATA = (
  file: string,
) => `<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${file}'/>
  <target dev='vdb' bus='virtio'/><serial>DATA</serial><alias name='ua-data'/></disk>`;
const NIC = `<interface type='user'><mac address='52:54:00:00:00:02'/><model type='virtio'/><alias name='ua-second'/></interface>`;

test.before(async (context) => {
  const host = await PrivateHost.start();
  context.host = host;
  context.guest = await host.guest({ name: 'g1' });
  context.root = await host.createDisk('root.qcow2', { size: '64 MiB' });
  const scsi = await host.createDisk('scsi.raw', { size: '8 MiB' });
  const medium = await host.createMedium('cd.iso', 'first medium');
  const xml = context.guest.domainXml({
    uuid: '798b33da-98b1-40d5-a255-826b7c4f0c9b',
    dmiSerial: 'HOST-7',
    vcpus: 1,
    maxVcpus: 2,
    hotplugVcpus: true,
    disks: [
      { file: context.root, target: 'vda', serial: 'ROOT' },
      { file: scsi, target: 'sda', bus: 'scsi', serial: 'SCSI' },
      { file: medium, target: 'sdb', bus: 'scsi', device: 'cdrom' },
    ],
    interfaces: [{ mac: '52:54:00:00:00:01', id: 'lan' }],
    rootPorts: 10,
  });
  await virshWith(host, xml, 'define', '--validate');
  await virsh(host, 'start', 'g1');
  context.seen = await context.guest.waitForReport();
});

test.after(async ({ host }) => {
  await host.stop();
});

test('reports its inventory at boot', async ({ host, seen }) => {
  assert.match(seen.dmi.serial, /^HOST-7( VMware)?$/);
  assert.is(seen.dmi.uuid, '798b33da-98b1-40d5-a255-826b7c4f0c9b');
  assert.match(seen.cpuModel, 'QEMU');
  assert.equal(seen.onlineCpus, [0]);
  assert.ok(seen.memoryBytes > 64 << 20 && seen.memoryBytes < 128 << 20);
  assert.equal(
    seen.disks.map(({ name, bytes, serial, readOnly }) => ({ name, bytes, serial, readOnly })),
    [
      { name: 'sda', bytes: 8 << 20, serial: 'SCSI', readOnly: false },
      { name: 'sr0', bytes: 2048, serial: undefined, readOnly: true },
      { name: 'vda', bytes: 64 << 20, serial: 'ROOT', readOnly: false },
    ],
  );
  const document = await virsh(host, 'dumpxml', 'g1');
  const [, bus = ''] =
    /<alias name='ua-vda'\/>\s*<address type='pci' domain='0x0000' bus='0x(\w\w)'/.exec(document) ?? [];
  assert.is(seen.disks.find(({ name }) => name === 'vda')?.pciAddress, `0000:${bus}:00.0`);
  assert.is(seen.interfaces[0]?.mac, '52:54:00:00:00:01');
  const nic = seen.pci.find(({ address }) => address === seen.interfaces[0]?.pciAddress);
  assert.equal([nic?.vendor, nic?.device, nic?.driver], ['0x1af4', '0x1041', 'virtio-pci']);
  assert.is(seen.pci.filter(({ driver }) => driver === 'pcieport').length, 10);
});

test('runs commands and reads a medium', async ({ guest }) => {
  assert.equal(await guest.exec('echo one; echo two >&2; exit 3'), { output: 'one\ntwo\n', status: 3 });
  assert.equal(await guest.exec('printf "#end boot 0"'), { output: '#end boot 0', status: 0 });
  assert.is((await guest.exec('head -c 12 /dev/sr0')).output, 'first medium');
});

test('sees a disk and an interface plugged in, and lets go of them', async ({ host, guest, seen }) => {
  const data = await host.createDisk('data.qcow2', { size: '32 MiB' });
  const sees = async (disk: boolean, nic: boolean) => {
    const { disks, interfaces } = await guest.report();
    return (
      disks.some(({ serial }) => serial === 'DATA') === disk &&
      interfaces.some(({ mac }) => mac.endsWith(':02')) === nic
    );
  };
  await virshWith(host, DATA(data), 'attach-device', 'g1', '--live');
  await virshWith(host, NIC, 'attach-device', 'g1', '--live');
  await until('both devices', () => sees(true, true));

  await virsh(host, 'detach-device-alias', 'g1', 'ua-data', '--live');
  await virsh(host, 'detach-device-alias', 'g1', 'ua-second', '--live');
  await until('their removal', () => sees(false, false));
  await until('the same in the document', async () => !/ua-data|ua-second/.test(await virsh(host, 'dumpxml', 'g1')));
  assert.equal((await guest.report()).pci, seen.pci);
});

test('lets a CPU be plugged in', async ({ host, guest }) => {
  await virsh(host, 'setvcpus', 'g1', '2', '--live');
  await until('the CPU', async () => (await guest.exec('ls -d /sys/devices/system/cpu/cpu1')).status === 0);
  await guest.exec('echo 1 >/sys/devices/system/cpu/cpu1/online');
  assert.equal((await guest.report()).onlineCpus, [0, 1]);
});

test('obeys the power button: virsh reboot', async ({ host, guest }) => {
  const before = await guest.report();
  await virsh(host, 'reboot', 'g1', '--mode', 'acpi');
  const after = await guest.waitForReport({ after: before.bootId });
  assert.is.not(after.bootId, before.bootId);
  assert.ok(after.uptime < before.uptime);
  assert.is(await virsh(host, 'domstate', 'g1', '--reason'), 'running (booted)');
});

test('comes back from a reset and from a reboot of its own', async ({ host, guest }) => {
  const first = await guest.report();
  await virsh(host, 'reset', 'g1');
  const second = await guest.waitForReport({ after: first.bootId });
  await guest.reboot();
  const third = await guest.waitForReport({ after: second.bootId });
  assert.is(new Set([first.bootId, second.bootId, third.bootId]).size, 3);
});

test('obeys the power button: virsh shutdown; reports again from the next start', async ({ host, guest, seen }) => {
  const { bootId } = await guest.report();
  const log = guest.consoleLog();
  await virsh(host, 'shutdown', 'g1', '--mode', 'acpi');
  await until(
    'the end of the domain',
    async () => (await virsh(host, 'domstate', 'g1', '--reason')) === 'shut off (shutdown)',
  );
  await virsh(host, 'start', 'g1');
  const report = await guest.waitForReport({ after: bootId });
  assert.equal(report.pci, seen.pci);
  assert.ok(guest.consoleLog().startsWith(log));
});

test('powers itself off', async ({ host, guest }) => {
  await guest.poweroff();
  await until('the end of the domain', async () => (await virsh(host, 'domstate', 'g1')) === 'shut off');
});

test('says so when no guest answers', async ({ host }) => {
  const guest = await host.guest({ name: 'nobody' });
  const code = async (work: Promise<unknown>) =>
    work.then(
      () => 'none',
      (error) => (error instanceof LibvirtCanonicalError ? error.code : error),
    );
  assert.is(await code(guest.waitForReport({ timeout: 100 })), 'TIMEOUT');
  assert.is(await code(guest.waitForReport({ signal: AbortSignal.timeout(50) })), 'ABORTED');
  assert.is(await code(guest.exec('true', { timeout: 100 })), 'TIMEOUT');
  assert.is(await code(host.guest({ name: 'a/b' })), 'SPEC_INVALID');
});

test('is readable for the user the host runs as', ({ host, guest }) => {
  for (const path of [guest.kernel, guest.initrd]) assert.is(statSync(path).mode & 0o444, 0o444);
  assert.ok(readFileSync(guest.kernel).length > 1 << 20);
  assert.is(join(host.directory, 'guests'), join(guest.kernel, '..'));
});

test.run();
