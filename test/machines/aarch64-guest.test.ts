import { existsSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { benchOnDemand } from '../support/bench.js';
import { change } from '../support/scenario.js';
import { armGuest, hasArmGuest } from './arm-guest.js';
import { reset } from './walk.js';

const bench = benchOnDemand();
test.after(() => bench.stop());
const EMULATOR = '/usr/bin/qemu-system-aarch64';
const why = !existsSync(EMULATOR)
  ? `${EMULATOR} is not installed (apt-get install qemu-system-arm)`
  : hasArmGuest()
    ? undefined
    : 'the kernel of the arm64 guest has not been fetched (npm run machines does it)';
if (why !== undefined) console.log(`  skipped: ${why}`);

(why === undefined ? test : test.skip)(
  'aarch64 virt: a Linux sees what is plugged in at the address of the document, lets go of it, and finds all again after both boots',
  async () => {
    const b = await bench();
    const guest = await armGuest(b.host.directory);
    const serial = (id: string) => ({ id, target: id, serial: `S-${id}`, format: 'qcow2' as const });
    const domain = await b.manager.define({
      name: 'arm1',
      type: 'qemu',
      arch: 'aarch64',
      machine: 'virt',
      emulator: EMULATOR,
      hotplug: { pciePorts: 3 },
      disks: [{ ...serial('vda'), file: await b.disk() }],
      interfaces: [{ id: 'lan', user: true, mac: '52:54:00:00:00:01', model: 'virtio' }],
      ...guest.spec,
    });
    await domain.start();
    const first = await guest.sees('its two devices', ({ devices }) => devices.size === 2);
    await change(domain, { attach: [{ disk: { ...serial('vdb'), file: await b.disk() } }], scope: 'live' });
    const { plan } = await change(domain, {
      attach: [
        { disk: { ...serial('vdc'), file: await b.disk() } },
        { interface: { id: 'wan', user: true, mac: '52:54:00:00:00:02', model: 'virtio' } },
      ],
    });
    const five = await guest.sees('what was plugged in', ({ devices }) => devices.size === 5);
    const planned = plan.operations.flatMap(({ address }) =>
      address === undefined ? [] : [address.replace('pci ', '')],
    );
    assert.equal([five.devices.get('disk:S-vdc'), five.devices.get('nic:52:54:00:00:00:02')], planned);
    for (const [device, at] of first.devices) assert.is(five.devices.get(device), at, device);

    const asked = performance.now();
    await change(domain, { detach: [{ disk: 'vdb' }], scope: 'live' });
    console.log(`  the guest let go after ${((performance.now() - asked) / 1000).toFixed(1)} s`);
    const four = await guest.sees('what is left', ({ devices }) => devices.size === 4);

    await reset(b, domain);
    const again = await guest.sees('a new boot', ({ boot, devices }) => boot !== four.boot && devices.size === 4);
    assert.equal([...again.devices].sort(), [...four.devices].sort());
    await domain.destroy();
    await domain.start();
    const cold = await guest.sees('the next boot', ({ boot, devices }) => boot !== again.boot && devices.size === 4);
    assert.equal([...cold.devices].sort(), [...four.devices].sort());
    await domain.destroy();
    console.log('proved: aarch64 virt | guest');
  },
);

test.run();
