import * as assert from 'uvu/assert';
import { identityMap } from '../support/identity-map.js';
import { change, documentsOf, refused } from '../support/scenario.js';
import { plugAndBoot, type proofsOf, refusedAll, stayed } from './walk.js';

/** What the machines `virt` have in common: root ports, and what they lack. */
export function provesVirt(
  { proves, define, image, bench }: ReturnType<typeof proofsOf>,
  own: {
    /** Asserts what the machine's document has of its own. */
    readonly looks: (canonical: string) => void;
    /** Why it has no memory modules. */
    readonly noMemory: RegExp;
  },
): void {
  const { looks, noMemory } = own;
  proves(
    ['define with room', 'plug in', 'unplug', 'reset', 'cold boot'],
    'what is plugged in sits on a root port, one in both documents, and keeps it',
    async () => {
      const domain = await define({ hotplug: { pciePorts: 6 } });
      const { canonical } = await documentsOf(domain);
      looks(canonical);
      assert.not.match(canonical, /<acpi\/>/);
      const plan = await domain.plan({ attach: [await image('vdx')] });
      assert.is(plan.capacity.pci.free, 6);
      await plugAndBoot(domain, image, /type=pci .*bus=0x0[1-9]/, await bench());
    },
  );

  proves(['fill up'], 'the device after the last port waits for the next boot, on a port of its own', async () => {
    const domain = await define({ hotplug: { pciePorts: 1 } });
    await domain.start({ paused: true });
    await change(domain, { attach: [await image('vdb')] });
    await refused(domain, { attach: [await image('vdc')] }, /no hot-plug PCIe port is free/);
    await change(domain, { attach: [await image('vdd')], ifNotLive: 'next-boot' });
    const before = identityMap((await documentsOf(domain)).canonical);
    await domain.destroy();
    await domain.start({ paused: true });
    stayed(before, await domain.live());
    assert.ok(identityMap((await domain.live()) ?? '').has('disk ua-vdd'));
    await domain.destroy();
  });

  proves(['refusals'], 'what the machine lacks is refused with its own reason', async () => {
    const domain = await define({ hotplug: { pciePorts: 2 }, vcpus: { current: 1, maximum: 2 } });
    await domain.start({ paused: true });
    await refusedAll(domain, [
      [{ memory: { id: 'm', model: 'dimm', size: '128 MiB' } }, noMemory],
      ["<watchdog model='diag288'/>", /of s390x/],
      ["<interface type='user'><model type='spapr-vlan'/></interface>", /of the machine pseries/],
      ["<interface type='user'><model type='e1000'/></interface>", /conventional/],
      [await image('sda'), /lsilogic/],
      [
        "<rng model='virtio'><backend model='random'>/dev/urandom</backend><address type='virtio-mmio'/></rng>",
        /virtio-mmio buses do not support hot-plug/,
      ],
    ]);
    const plan = await domain.plan({ set: { vcpus: 2 } });
    assert.match(String(plan), /no hot-plug of vCPUs on the machine virt/);
    await domain.destroy();
  });
}
