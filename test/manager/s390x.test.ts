import { existsSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ManagedDomain } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';
import { identityMap } from '../support/identity-map.js';
import { change, documentsOf } from '../support/scenario.js';

const bench = benchOnDemand();
test.after(() => bench.stop());
const EMULATOR = '/usr/bin/qemu-system-s390x';
const absent = !existsSync(EMULATOR);
if (absent)
  console.log(
    `  skipped: ${EMULATOR} is not installed (apt-get install qemu-system-s390x, or qemu-system-misc on Debian 12)`,
  );

async function started(): Promise<ManagedDomain> {
  const { disk, manager } = await bench();
  const domain = await manager.define(`<domain type='qemu'><name>z1</name>
    <uuid>c0ffee00-0000-4000-8000-000000000390</uuid><memory unit='MiB'>128</memory><vcpu>1</vcpu>
    <os><type arch='s390x' machine='s390-ccw-virtio'>hvm</type></os>
    <devices><emulator>${EMULATOR}</emulator>
      <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${await disk()}'/>
        <target dev='vda' bus='virtio'/><alias name='ua-root'/></disk>
      <interface type='user'><model type='virtio'/><alias name='ua-lan'/></interface>
    </devices></domain>`);
  await domain.start({ paused: true });
  return domain;
}

(absent ? test.skip : test)(
  's390x: what is plugged in sits on CCW at one number in both documents, and keeps it',
  async () => {
    const { disk } = await bench();
    const domain = await started();
    const image = async (id: string) => ({ disk: { id, target: id, file: await disk(), format: 'qcow2' as const } });
    // libvirt would give the next one two different numbers after this.
    await change(domain, { attach: [await image('vdb')], scope: 'live' });
    await change(domain, {
      attach: [
        await image('vdc'),
        { rng: { id: 'dice', random: '/dev/urandom' } },
        { interface: { id: 'wan', user: true, model: 'virtio' } },
      ],
    });
    const { canonical, live } = await documentsOf(domain);
    const before = identityMap(canonical);
    for (const id of ['disk ua-vdc', 'rng ua-dice', 'interface ua-wan']) {
      const place = before.get(id);
      assert.match(JSON.stringify(place), /ccw/, id);
      assert.equal(identityMap(live ?? '').get(id), place, id);
    }

    await change(domain, { detach: [{ disk: 'vdc' }] });
    await domain.destroy();
    await domain.start({ paused: true });
    const after = identityMap((await documentsOf(domain)).live ?? '');
    for (const id of ['disk ua-root', 'interface ua-lan', 'rng ua-dice', 'interface ua-wan'])
      assert.equal(after.get(id), before.get(id), id);
    assert.not.ok(after.has('disk ua-vdc'));
    await domain.destroy();
  },
);

test.run();
