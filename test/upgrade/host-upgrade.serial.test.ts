import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LOCAL_FILES } from '../../src/host/files.js';
import {
  type Connection,
  connect,
  DomainManager,
  type DomainSpec,
  type GuestAbiChangedError,
  type ManagedDomain,
} from '../../src/index.js';
import { type GuestReport, HostSetupError, PrivateHost, prepareHostRoot } from '../../src/testing/index.js';
import { failure, within } from '../support/deadline.js';
import { eventually } from '../support/eventually.js';
import { identityMap, machineOf } from '../support/identity-map.js';
import { Wire } from '../support/wire.js';

/** The newer release, or the reason why there is none here. Another failure than that is one of the test. */
const newer = await prepareHostRoot().catch((error: unknown) => {
  if (error instanceof HostSetupError) return error;
  throw error;
});
const upgrade = newer instanceof Error ? test.skip : test;
if (newer instanceof Error) console.log(`  skipped: ${newer.message}`);
const root = newer instanceof Error ? '' : newer;

/** A host with a connection and a manager that follow it from release to release. */
async function machine() {
  const host = await PrivateHost.start();
  let connection: Connection = await connect(host.uri);
  return {
    host,
    get connection() {
      return connection;
    },
    get manager() {
      return new DomainManager(connection);
    },
    async to(release: string) {
      await connection.close();
      await within(host.restartDaemon({ root: release }), 60_000, 'the upgrade');
      connection = await connect(host.uri);
    },
    async [Symbol.asyncDispose]() {
      await connection.close();
      await host.stop();
    },
  };
}

/** Without what the newer libvirt lists though it was always there. */
const withoutWatchdog = (xml: string) => xml.replace(/ *<watchdog model='itco' action='\w+'\/>\n/, '');

const kinds = (disk: string, log: string): Partial<DomainSpec> => ({
  hotplug: { pciePorts: 8 },
  cpu: 'Nehalem',
  vcpus: { current: 1, maximum: 3 },
  disks: [
    { id: 'root', target: 'vda', file: disk, format: 'qcow2', boot: 1, serial: 'ROOT' },
    { id: 'cd', target: 'sdb', bus: 'sata', device: 'cdrom' },
  ],
  interfaces: [{ id: 'lan', user: true, mac: '52:54:00:00:09:01' }],
  devices: [
    "<controller type='scsi' model='virtio-scsi'/>",
    "<controller type='virtio-serial'/>",
    "<rng model='virtio'><backend model='random'>/dev/urandom</backend><alias name='ua-rng'/></rng>",
    "<input type='tablet' bus='usb'/>",
    "<video><model type='vga'/></video>",
    "<graphics type='vnc' passwd='geheim'/>",
    "<watchdog model='i6300esb' action='none'/>",
    "<panic model='isa'/>",
    "<sound model='ich9'/>",
    `<serial type='file'><source path='${log}'/></serial>`,
    "<channel type='unix'><target type='virtio' name='org.example.0'/></channel>",
    "<memballoon model='virtio'><stats period='5'/></memballoon>",
  ],
});

upgrade('many devices, some hot-plugged: under the newer release each is where it was, and back', async () => {
  await using site = await machine();
  const { host } = site;
  const disk = (name: string) => host.createDisk(`${name}.qcow2`, { size: '1 MiB' });
  const spec: DomainSpec = {
    name: 'full',
    type: 'qemu',
    memory: '128 MiB',
    ...kinds(await disk('root'), join(host.directory, 'images/serial.log')),
  };
  const domain = await site.manager.define(spec);
  await domain.start({ paused: true });
  const data = { disk: { id: 'data', target: 'vdb', file: await disk('data'), format: 'qcow2' } } as const;
  const scsi = { disk: { id: 'scsi', target: 'sda', bus: 'scsi', file: await disk('scsi'), format: 'qcow2' } } as const;
  await domain.apply(await domain.plan({ attach: [data, scsi], set: { vcpus: 2, title: 'before' } }));
  const idle = await site.manager.define({
    name: 'idle',
    type: 'qemu',
    memory: '64 MiB',
    machine: 'pc',
    cpu: 'Nehalem',
  });
  const old = { xml: await domain.canonical(), live: (await domain.live()) ?? '', idle: await idle.canonical() };
  const abi = await domain.guestAbi();

  await site.to(root);
  assert.is(host.libvirtVersion, site.connection.libvirtVersion);
  assert.is.not(host.libvirtVersion, '9.0.0');
  let now = await site.manager.get('full');
  assert.is(await now.state(), 'paused', 'the guest runs on through the upgrade');
  await now.verify(abi);
  const { changes, redefined } = await now.drift();
  assert.equal(
    changes.map(({ action, subject, by }) => [action, subject, by]),
    [['added', 'watchdog itco', 'libvirt']],
  );
  assert.is(redefined, 'no', 'nobody has');
  assert.ok((await now.planUndoDrift()).isEmpty, 'it was in the machine all along');
  const canonical = await now.canonical();
  assert.is(withoutWatchdog(canonical), old.xml, 'only the watchdog that was always there is listed now');
  assert.equal(machineOf(canonical), machineOf(old.xml));
  const placed = identityMap((await now.live()) ?? '');
  for (const [name, place] of identityMap(old.live)) assert.equal(placed.get(name), place, name);
  const plan = await now.planTowards({ ...spec, disks: [...(spec.disks ?? []), data.disk, scsi.disk] });
  assert.equal(
    plan.operations.filter(({ action }) => action !== 'set').map(({ subject }) => subject),
    [],
    `nothing of the desired state is missing:\n${plan}`,
  );

  // The guest goes on into the new QEMU, as the same machine; changes work as before.
  await now.destroy();
  await now.start({ paused: true });
  await now.verify(abi);
  for (const [name, place] of identityMap(old.live))
    assert.equal(identityMap((await now.live()) ?? '').get(name)?.address, place.address, name);
  using wire = new Wire();
  const more = { disk: { id: 'more', target: 'vdc', file: await disk('more'), format: 'qcow2' } } as const;
  await now.apply(await now.plan({ attach: [more] }));
  assert.equal((await now.drift()).changes, [], 'sealed by the newer release with the watchdog');
  assert.ok((await now.plan({ attach: [more] })).isEmpty);
  assert.equal(wire.defining(), []);
  const [here, there] = [identityMap(await now.canonical()), identityMap((await now.live()) ?? '')];
  assert.equal(here.get('disk ua-more')?.address, there.get('disk ua-more')?.address);
  await now.destroy();
  assert.equal(
    (await now.hostCheck()).filter(({ severity }) => severity === 'blocks'),
    [],
  );

  // Back: a domain that the newer libvirt did not write is as it was. What it wrote says more than the old one can read.
  await site.to('/');
  assert.is(await (await site.manager.get('idle')).canonical(), old.idle);
  await failure(site.manager.get('full'), 'DOMAIN_NOT_FOUND');
  const file = readFileSync(join(host.directory, 'etc/libvirt/qemu/full.xml'), 'utf8');
  assert.match(file, "<watchdog model='itco'");
  // Its file is all there, and the newer release has it again.
  await site.to(root);
  now = await site.manager.get('full');
  assert.ok(identityMap(await now.canonical()).has('disk ua-more'));
});

upgrade('a guest reports the same machine from the newer QEMU, and again from the older one', async () => {
  await using site = await machine();
  const { host } = site;
  const guest = await host.guest({ name: 'witness' });
  const disk = async (name: string) => ({ file: await host.createDisk(`${name}.qcow2`, { size: '4 MiB' }), id: name });
  const { uuid } = await site.manager.define(
    guest.domainXml({
      disks: [{ ...(await disk('root')), target: 'vda', serial: 'ROOT' }],
      // Not of type user: docs/host-upgrade.md tells what libvirt 11.3 makes of such a one.
      extraDevices: [
        `<interface type='udp'><mac address='52:54:00:00:09:02'/><source address='127.0.0.1' port='15115'>
         <local address='127.0.0.1' port='15116'/></source><model type='virtio'/><rom enabled='no'/></interface>`,
      ],
      dmiSerial: 'CHASSIS-7',
      vcpus: 1,
      maxVcpus: 2,
    }),
  );
  const get = () => site.manager.get(uuid);
  const attach = async (name: string, target: string) => {
    const domain = await get();
    const request = { disk: { ...(await disk(name)), target, serial: name.toUpperCase(), format: 'qcow2' } } as const;
    await domain.apply(await domain.plan({ attach: [request] }));
    await eventually(name, async () =>
      (await guest.report()).disks.some(({ serial }) => serial === name.toUpperCase()),
    );
  };
  // All that a boot may not change: names like vdb are the kernel's own, in the order in which it found the disks.
  const seen = ({ bootId: _, uptime: __, interfaces, disks, ...rest }: GuestReport) => ({
    ...rest,
    disks: disks
      .map(({ name: _, path, ...each }) => ({ ...each, path: path.replace(/\/virtio\d+\/.*/, '') }))
      .sort((a, b) => a.path.localeCompare(b.path)),
    interfaces: interfaces.map(({ operstate: _, carrier: __, ...each }) => each),
  });
  await (await get()).start();
  const first = await guest.waitForReport();
  await attach('old', 'vdb');
  const bundle = await (await get()).export();
  const before = await guest.report();
  assert.is(before.disks.length, 2);
  const abi = await (await get()).guestAbi();

  // The guest runs on, and is hot-plugged by the new libvirt.
  await site.to(root);
  assert.equal(seen(await guest.report()), seen(before));
  await attach('new', 'vdc');
  const grown = await guest.report();
  assert.is(grown.bootId, first.bootId);

  // A cold boot is into the new QEMU.
  const domain = await get();
  await within(domain.reboot({ mode: 'hard' }), 60_000);
  const reborn = await guest.waitForReport({ after: first.bootId });
  assert.equal(seen(reborn), seen(grown), 'the guest sees the same machine');
  await attach('more', 'vdd');
  const all = await guest.report();
  await domain.apply(await domain.plan({ detach: [{ disk: 'new' }] }));
  const last = await guest.report();
  assert.is(last.disks.length, all.disks.length - 1, 'the guest has let go of it');
  await domain.destroy();
  const newest = await domain.export();
  assert.equal(await domain.verify(newest.abi), []);
  const { differences } = await failure<GuestAbiChangedError>(domain.verify(abi), 'GUEST_ABI_CHANGED');
  assert.equal(
    differences.map(({ subject }) => subject),
    ['disk more'],
    'the watchdog that is listed now is none of them',
  );

  // Back under the old one, from the bundle that the new libvirt wrote.
  await site.to('/');
  await failure(get(), 'DOMAIN_NOT_FOUND');
  const [finding] = await site.manager.hostCheck(newest);
  assert.equal([finding?.severity, finding?.subject], ['benign', 'watchdog itco']);
  const back = await site.manager.import(newest);
  await back.verify(newest.abi).then((benign) => assert.equal(benign.length, 1));
  await back.start({ verify: 'guest-abi' });
  assert.equal(seen(await guest.waitForReport({ after: reborn.bootId })), seen(last));
  await back.destroy();
  await back.undefine();

  // And from the one of before.
  const old = await site.manager.import(bundle);
  assert.equal(await old.verify(abi), []);
});

upgrade('a CPU that the newer QEMU cannot give is said by hostCheck, and abiUpgrade gives another', async () => {
  await using site = await machine();
  const disk = await site.host.createDisk('d.qcow2', { size: '1 MiB' });
  // Under emulation host-model stands for all that this QEMU can emulate, some of which the next one has dropped.
  const { uuid } = await site.manager.define({
    name: 'pinned',
    type: 'qemu',
    memory: '64 MiB',
    cpu: 'host-model',
    disks: [{ id: 'root', target: 'vda', file: disk, format: 'qcow2', boot: 1 }],
  });
  const before = await (await site.manager.get(uuid)).canonical();
  const bundle = await (await site.manager.get(uuid)).export();
  await site.to(root);
  const domain: ManagedDomain = await site.manager.get(uuid);
  const blocking = (await domain.hostCheck()).filter(({ severity }) => severity === 'blocks');
  assert.is(blocking.length, 1, JSON.stringify(blocking));
  assert.match(blocking[0]?.problem ?? '', /^this host lacks CPU feature .*pcommit/);
  await failure(domain.start({ paused: true }), 'START_FAILED');

  const proposal = await domain.proposeAbiUpgrade({ machine: 'newest', cpu: 'host-model' });
  assert.equal(
    proposal.findings.filter(({ severity }) => severity === 'blocks'),
    [],
  );
  assert.ok(proposal.changes.some(({ before, after }) => /7\.2$/.test(before ?? '') && /10\.0$/.test(after ?? '')));
  await domain.abiUpgrade(proposal, { confirm: proposal.token });
  const after = await domain.canonical();
  assert.equal(identityMap(withoutWatchdog(after)), identityMap(before), 'every device where it was');
  await domain.start({ paused: true });
  await domain.destroy();
  assert.equal(
    (await domain.hostCheck()).filter(({ severity }) => severity === 'blocks'),
    [],
  );

  // As it was, on a host of the old release.
  await using other = await machine();
  const evacuated = await other.manager.import(bundle);
  assert.is(await evacuated.canonical(), before);
  await failure(other.manager.import(await domain.export()), 'IMPORT_REFUSED');
});

upgrade('UEFI variables and the state of a TPM go along to another host', async () => {
  await using a = await PrivateHost.start({ root });
  await using b = await PrivateHost.start({ root });
  await using from = await connect(a.uri);
  await using to = await connect(b.uri);
  const firmware = '/usr/share/OVMF/OVMF_CODE_4M.fd';
  const nvram = `<nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>${a.directory}/etc/libvirt/qemu/nvram/t.fd</nvram>`;
  // The root has the firmware, this machine need not.
  const look = (path: string) => LOCAL_FILES.look(path.startsWith('/usr/') ? join(root, path) : path);
  const files = { ...LOCAL_FILES, look };
  const domain = await new DomainManager(from).define(
    `<domain type='qemu'><name>t</name><memory unit='MiB'>128</memory>
     <os><type arch='x86_64' machine='q35'>hvm</type><loader readonly='yes' type='pflash'>${firmware}</loader>${nvram}</os>
     <features><acpi/></features>
     <devices><tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm></devices></domain>`,
  );
  await domain.start({ paused: true });
  await domain.destroy();
  const folder = (host: PrivateHost) => join(host.directory, 'etc/libvirt/qemu/swtpm');
  const state = () => readdirSync(join(folder(a), domain.uuid, 'tpm2')).filter((name) => !name.startsWith('.lock'));
  assert.ok(state().length > 0, 'the TPM has a state');
  const bundle = await domain.export({ tpmFolder: folder(a), files });
  assert.equal(bundle.tpm?.map(({ path }) => path).sort(), state().sort());
  assert.ok(bundle.nvram);
  const moved = await new DomainManager(to).import(bundle, {
    tpmFolder: folder(b),
    paths: { [a.directory]: b.directory },
    files,
    hosts: [from],
  });
  for (const name of state())
    assert.is(
      readFileSync(join(folder(b), domain.uuid, 'tpm2', name)).compare(
        readFileSync(join(folder(a), domain.uuid, 'tpm2', name)),
      ),
      0,
    );
  await moved.start({ paused: true });
  await moved.destroy();
});

test.run();
