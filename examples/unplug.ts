/**
 * Unplug is a request to the guest, and ends in one of three ways: removed, refused, unconfirmed. The last one stands, and is
 * completed when the guest lets go later. On a private host, since the guest has to play along.
 *
 *   npm run example unplug
 */
import { ApplyError, connect, DomainManager, type LateUnplug, LibvirtCanonicalError } from 'libvirt-canonical';
import { PrivateHost } from 'libvirt-canonical/testing';

await using host = await PrivateHost.start();
await using connection = await connect(host.uri);
const guest = await host.guest({ name: 'example' });
const domain = await new DomainManager(connection).define(
  guest.domainXml({
    disks: [
      { file: await host.createDisk('root.qcow2', { size: '4 MiB' }), target: 'vda', id: 'root' },
      { file: await host.createDisk('data.qcow2', { size: '4 MiB' }), target: 'vdb', id: 'data' },
      { file: await host.createDisk('logs.qcow2', { size: '4 MiB' }), target: 'vdc', id: 'logs' },
    ],
    extraElements: [
      "<maxMemory slots='1' unit='MiB'>512</maxMemory>",
      "<cpu><numa><cell id='0' cpus='0' memory='131072' unit='KiB'/></numa></cpu>",
    ],
  }),
);
await domain.start();
await guest.waitForReport();

let ended: (end: LateUnplug) => void = () => {};
const late = new Promise<LateUnplug>((resolve) => {
  ended = resolve;
});

async function detach(device: { disk: string } | { memory: string }): Promise<void> {
  try {
    const plan = await domain.plan({ detach: [device] });
    const { unplugs } = await domain.apply(plan, { unplug: { attempts: 2, timeout: 2_000, onLate: ended } });
    for (const { device: identity, outcome } of unplugs) console.log(`${identity}: ${outcome}`);
  } catch (error) {
    if (!(error instanceof ApplyError) || !(error.cause instanceof LibvirtCanonicalError)) throw error;
    console.log(`${error.device}: ${error.cause.code}, ${error.rollback}. ${error.cause.remedy}`);
  }
}

// A guest that obeys.
await detach({ disk: 'data' });

// A guest that cannot: its kernel has put the memory to use.
await domain.apply(
  await domain.plan({ attach: [{ memory: { id: 'more', model: 'dimm', size: '128 MiB', node: 0 } }] }),
);
await guest.exec('for m in /sys/devices/system/memory/memory*; do echo online_kernel >$m/state; done 2>/dev/null');
await guest.exec('mkdir /tmp/x; i=0; while [ $i -lt 1000 ]; do : >/tmp/x/$i; i=$((i+1)); done');
await detach({ memory: 'more' });

// A guest that does not hear: it lets go when it reboots, and the canonical document follows.
await guest.exec('echo disable >/sys/firmware/acpi/interrupts/gpe01');
await detach({ disk: 'logs' });
await domain.reboot({ mode: 'guest' });
const { device, outcome } = await late;
console.log(`${device}, after the reboot: ${outcome}`);

await domain.destroy();
await domain.undefine();
