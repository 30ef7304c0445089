import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DomainAccess } from '../../src/apply/index.js';
import { connect, DomainManager } from '../../src/index.js';
import { addressesOf } from '../../src/observe/index.js';
import { PrivateHost, privilegedProblem } from '../../src/testing/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';
import { eventually } from '../support/eventually.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

/** Leases need a DHCP server of libvirt's, which tests have not: each source as libvirt would answer. */
function told(answers: ReadonlyArray<readonly [name: string, mac: string, address: string, prefix: number] | Error>) {
  const call = async (procedure: string, { source }: { source: number }) => {
    if (procedure === 'DOMAIN_GET_STATE') return { state: 1, reason: 1 };
    const answer = answers[source];
    if (answer === undefined) return { ifaces: [] };
    if (answer instanceof Error) throw answer;
    const [name, hwaddr, addr, prefix] = answer;
    return { ifaces: [{ name, hwaddr, addrs: [{ type: 0, addr, prefix }] }] };
  };
  return { connection: { call }, handle: { name: 'web' } } as unknown as DomainAccess;
}

test('addresses: one entry for an address that several know, with all of them, the surest first', async () => {
  const mac = '52:54:00:00:00:01';
  const reader = told([
    ['vnet0', mac, '192.0.2.7', 24],
    ['eth0', mac.toUpperCase(), '192.0.2.7', 24],
    ['vnet0', mac, '192.0.2.8', 0],
  ]);
  assert.equal(await addressesOf(reader), [
    { address: '192.0.2.7', family: 'ipv4', prefix: 24, mac, interface: 'eth0', sources: ['agent', 'lease'] },
    { address: '192.0.2.8', family: 'ipv4', prefix: 0, mac, interface: 'vnet0', sources: ['arp'] },
  ]);
});

test('addresses: a source that is less sure never hides the prefix that another knows', async () => {
  const mac = '52:54:00:00:00:01';
  const reader = told([['vnet0', mac, '192.0.2.7', 24], undefined as never, ['vnet0', mac, '192.0.2.7', 0]]);
  const [only, ...others] = await addressesOf(reader);
  assert.equal(others, []);
  assert.is(only?.prefix, 24);
  assert.equal(only?.sources, ['lease', 'arp']);
});

test('addresses: a running guest of whom nobody knows has none, one that is off is refused', async () => {
  const { started } = await bench();
  const domain = await started();
  assert.equal(await domain.addresses(), []);
  await failure(domain.addresses({ sources: ['dns' as never] }), 'ARGUMENT_INVALID');
  await domain.destroy();
  const error = await failure(domain.addresses(), 'DOMAIN_STATE');
  assert.match(error.message, /Start it/);
});

const problem = await privilegedProblem();
if (problem) console.log(`  skipped: ${problem}`);
(problem ? test.skip : test)(
  'addresses: of a guest on a bridge, by the ARP table of its host and by its agent',
  async () => {
    await using host = await PrivateHost.start({ privileged: true });
    await host.createBridge('br0');
    await host.run('ip', 'addr', 'add', '192.0.2.1/24', 'dev', 'br0');
    await using connection = await connect(host.uri);
    const guest = await host.guest({ name: 'bridged', agent: true });
    const mac = '52:54:00:00:00:21';
    const nic = `<interface type='bridge'><mac address='${mac}'/><source bridge='br0'/><model type='virtio'/></interface></devices>`;
    const domain = await new DomainManager(connection).define(
      guest.domainXml({ memoryMiB: 128 }).replace('</devices>', nic),
    );
    await domain.start();
    await guest.waitForReport();
    await guest.exec('ip addr add 192.0.2.7/24 dev eth0 && ip link set eth0 up && ping -c 1 -W 20 192.0.2.1');
    // libvirt 9.0 cannot read the table of newer kernels (virArpTableGet); where it can, it counts an entry that the host has made sure of.
    const dom = { name: domain.name, uuid: domain.uuid, id: -1 };
    const refused = await connection.call('DOMAIN_INTERFACE_ADDRESSES', { dom, source: 2, flags: 0 }).then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (refused !== undefined) assert.match(refused, /wrong nlmsg len/);
    const byArp = () => domain.addresses({ sources: ['arp'] });
    if (refused === undefined) await eventually('the ARP table has it', async () => (await byArp()).length > 0);
    const table = refused === undefined ? [['192.0.2.7', mac, 'vnet0', ['arp']]] : [];
    assert.equal(
      (await byArp()).map(({ address, mac: of, interface: name, sources }) => [address, of, name, sources]),
      table,
    );
    await domain.agent.ping({ timeout: 60_000 });
    const both = (await domain.addresses()).find(({ address }) => address === '192.0.2.7');
    assert.equal(both, {
      address: '192.0.2.7',
      family: 'ipv4',
      prefix: 24,
      mac,
      interface: 'eth0',
      sources: refused === undefined ? ['agent', 'arp'] : ['agent'],
    });
    await domain.destroy();
  },
);

test.run();
