import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ManagedDomain } from '../../src/index.js';
import { change, refused } from '../support/scenario.js';
import { proofsOf, refusedAll, reset } from './walk.js';

const { proves, define, image, bench } = proofsOf({
  name: 'x86 microvm',
  arch: 'x86_64',
  machine: 'microvm',
  emulator: '/usr/bin/qemu-system-x86_64',
  package: 'qemu-system-x86',
});
const rng = (id: string) => ({ rng: { id, random: '/dev/urandom' } });

const keys = "<input type='keyboard' bus='virtio'><alias name='ua-keys'/></input>";

/** The transport of each device, as QEMU has it: the document does not say. */
async function transports(domain: ManagedDomain): Promise<Map<string, number>> {
  const { connection } = await bench();
  const { dom } = await connection.call('DOMAIN_LOOKUP_BY_NAME', { name: domain.name });
  const { result } = await connection.call('QEMU_DOMAIN_MONITOR_COMMAND', { dom, cmd: 'info qtree', flags: 1 });
  const found = new Map<string, number>();
  for (const [, n, below = ''] of result.matchAll(
    /bus: virtio-mmio-bus\.(\d+)\s([\s\S]*?)(?=bus: virtio-mmio-bus|$)/g,
  )) {
    const [, id] = /dev: virtio-[^,]*, id "([^"]+)"/.exec(below) ?? [];
    if (id) found.set(id, Number(n));
  }
  return found;
}

proves(
  ['define with room', 'reset', 'cold boot'],
  'a spec has its devices on virtio-mmio, and what comes last moves nobody',
  async () => {
    const domain = await define();
    await domain.start({ paused: true });
    const before = await transports(domain);
    assert.equal([...before].sort(), [
      ['ua-lan', 22],
      ['ua-root', 23],
    ]);
    await refused(domain, { attach: [keys] }, /virtio-mmio buses do not support hot-plug/);
    await refused(domain, { detach: [{ interface: 'lan' }] }, /virtio-mmio buses do not support hot-plug/);
    const { plan } = await change(domain, { attach: [keys], ifNotLive: 'next-boot' });
    assert.is(plan.operations[0]?.scope, 'config');
    await reset(await bench(), domain);
    assert.equal([...(await transports(domain))].sort(), [...before].sort());
    await domain.destroy();
    await domain.start({ paused: true });
    assert.equal([...(await transports(domain))].sort(), [
      ['ua-keys', 21],
      ['ua-lan', 22],
      ['ua-root', 23],
    ]);
    await domain.destroy();
    await change(domain, { detach: [{ alias: 'ua-keys' }] });
    await domain.start({ paused: true });
    assert.equal([...(await transports(domain))].sort(), [...before].sort());
    await domain.destroy();
  },
);

proves(
  ['refusals'],
  'what would put another device on another transport is refused, and libvirt shows that it would',
  async () => {
    const domain = await define();
    await domain.start({ paused: true });
    assert.is((await transports(domain)).get('ua-lan'), 22);
    await domain.destroy();
    const reason = /interface lan would be on another transport at the next boot/;
    await refused(domain, { attach: [await image('vdb')] }, reason);
    await refused(domain, { detach: [{ disk: 'root' }], replace: 'allow' }, reason);
    await refusedAll(domain, [
      [rng('dice'), /takes a further rng on virtio-mmio for one with the same address/],
      ["<interface type='user'><model type='e1000'/></interface>", /no PCI bus/],
      ["<watchdog model='i6300esb'/>", /no PCI bus/],
      [
        "<interface type='user'><model type='virtio'/><address type='pci' domain='0' bus='0' slot='3' function='0'/></interface>",
        /no PCI bus/,
      ],
    ]);
    const b = await bench();
    const rival = await b.rival();
    const { dom } = await rival.call('DOMAIN_LOOKUP_BY_NAME', { name: domain.name });
    const xml = `<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${await b.disk()}'/><target dev='vdb' bus='virtio'/><address type='virtio-mmio'/></disk>`;
    await rival.call('DOMAIN_ATTACH_DEVICE_FLAGS', { dom, xml, flags: 2 });
    await domain.start({ paused: true });
    assert.is((await transports(domain)).get('ua-lan'), 21);
    await domain.destroy();
  },
);

proves(
  ['fill up'],
  'the machine has eight transports, which libvirt fills in the order that the plan goes by',
  async () => {
    const domain = await define({
      features: { acpi: false },
      devices: [
        { controller: { id: 'ports', type: 'virtio-serial', index: 0 } },
        "<input type='keyboard' bus='virtio'><alias name='ua-keys'/></input>",
        "<filesystem type='mount'><source dir='/tmp'/><target dir='share'/><alias name='ua-share'/></filesystem>",
        "<memballoon model='virtio'><alias name='ua-balloon'/></memballoon>",
        rng('dice'),
        rng('more'),
      ],
    });
    await refused(
      domain,
      { attach: [{ interface: { id: 'wan', user: true, model: 'virtio' } }] },
      /all 8 virtio-mmio transports of the machine are taken/,
    );
    await domain.start({ paused: true });
    const at = [...(await transports(domain))].sort(([, a], [, b]) => b - a).map(([id]) => id);
    assert.equal(at, ['ua-ports', 'ua-root', 'ua-share', 'ua-lan', 'ua-keys', 'ua-balloon', 'ua-dice', 'ua-more']);
    await domain.destroy();
  },
);

test.run();
