import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { benchOnDemand } from '../support/bench.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

test('host: CPU, memory, NUMA, versions, machine types and firmware of a real host', async () => {
  const { manager, connection } = await bench();
  const host = await manager.host();
  assert.is(host.cpu.arch, process.arch === 'x64' ? 'x86_64' : 'aarch64');
  assert.ok(host.memory.total > host.memory.free && host.memory.free > 0n);
  assert.is(host.versions.libvirt, connection.libvirtVersion);
  assert.match(host.uuid, /^[0-9a-f-]{36}$/);
  const [cell] = host.numa;
  assert.is(cell?.id, 0);
  const memory = host.numa.reduce((sum, each) => sum + each.memory, 0n);
  assert.is(memory, host.memory.total);
  const near = host.numa.reduce((sum, each) => sum + each.cpus.length, 0);
  assert.is(near, host.cpu.count);
  assert.is(cell?.distances[0], 10);
  assert.is(cell?.pages[0]?.size, 4096n);
  const [page] = cell?.pages ?? [];
  assert.ok(
    cell?.free !== undefined && cell.free > 0n && cell.free <= cell.memory,
    `${cell?.free} bytes are free in cell 0`,
  );
  assert.ok(
    page?.free !== undefined && page.free > 0n && page.free <= page.count,
    `${page?.free} small pages are free`,
  );
  for (const { size, count, free } of cell.pages) assert.ok(free !== undefined && free <= count, `pages of ${size}`);
  const { available, free, total } = host.memory;
  assert.ok(available !== undefined && available >= free && available <= total, `${available} bytes are available`);
  const own = host.guests.find(({ arch }) => arch === host.cpu.arch);
  assert.ok(own?.types.includes('qemu'));
  assert.ok(own?.machines.some(({ canonical }) => canonical?.startsWith('pc-q35-')));
  assert.ok(host.firmware.kinds.includes('efi'));
  assert.ok(host.firmware.loaders.every((path) => path.startsWith('/')));
});

test('networks: those that are not active too, with addresses and DHCP ranges; none on an empty host', async () => {
  const { manager, connection } = await bench();
  assert.equal(await manager.networks(), []);
  const xml = `<network><name>lab</name><forward mode='nat'/><bridge name='virbr77'/><domain name='lab.example'/>
    <ip address='10.9.0.1' netmask='255.255.255.0'><dhcp><range start='10.9.0.2' end='10.9.0.20'/></dhcp></ip>
    <ip family='ipv6' address='fd00::1' prefix='64'/></network>`;
  const { net } = await connection.call('NETWORK_DEFINE_XML', { xml });
  await connection.call('NETWORK_DEFINE_XML', { xml: '<network><name>alone</name></network>' });
  const networks = (await manager.networks()).sort((a, b) => a.name.localeCompare(b.name));
  assert.is(networks[0]?.forward, 'isolated');
  assert.equal(networks[1], {
    name: 'lab',
    uuid: net.uuid,
    active: false,
    persistent: true,
    autostart: false,
    forward: 'nat',
    bridge: 'virbr77',
    domain: 'lab.example',
    addresses: [
      {
        family: 'ipv4',
        address: '10.9.0.1',
        prefix: '255.255.255.0',
        dhcp: [{ start: '10.9.0.2', end: '10.9.0.20' }],
      },
      { family: 'ipv6', address: 'fd00::1', prefix: '64', dhcp: [] },
    ],
  });
});

test.run();
