import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DomainReader } from '../../src/apply/index.js';
import { addressesOf } from '../../src/observe/index.js';
import { benchOnDemand } from '../support/bench.js';
import { failure } from '../support/deadline.js';

const bench = benchOnDemand();
test.after(() => bench.stop());

/** Leases and ARP entries need a bridge, which takes privileges: each source as libvirt would answer. */
function told(answers: ReadonlyArray<readonly [name: string, mac: string, address: string, prefix: number] | Error>) {
  const call = async (procedure: string, { source }: { source: number }) => {
    if (procedure === 'DOMAIN_GET_STATE') return { state: 1, reason: 1 };
    const answer = answers[source];
    if (answer === undefined) return { ifaces: [] };
    if (answer instanceof Error) throw answer;
    const [name, hwaddr, addr, prefix] = answer;
    return { ifaces: [{ name, hwaddr, addrs: [{ type: 0, addr, prefix }] }] };
  };
  return { connection: { call }, handle: { name: 'web' } } as unknown as DomainReader;
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

test.run();
