/** Whatever is misspelt is answered with what was meant: fields, words, options, names of devices and domains. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LibvirtCanonicalError, type ManagedDomain } from '../../src/index.js';
import { benchOnDemand } from '../support/bench.js';

const bench = benchOnDemand();
test.after(bench.stop);

type Work = (domain: ManagedDomain, bench: Awaited<ReturnType<typeof get>>) => unknown;
const get = () => bench();
const any = (value: unknown) => value as never;

const MISSPELT: ReadonlyArray<readonly [what: string, meant: string, work: Work]> = [
  ['a kind of device', 'disk', (d) => d.plan({ attach: [any({ dsik: {} })] })],
  ['a field of a device', 'target', (d) => d.plan({ attach: [any({ disk: { traget: 'vdb' } })] })],
  ['a word of a device', 'virtio', (d) => d.plan({ attach: [any({ disk: { target: 'vdb', bus: 'virtoi' } })] })],
  ['a field in an update', 'link', (d) => d.plan({ update: [any({ interface: 'lan', set: { lnik: 'up' } })] })],
  ['a part of a request', 'attach', (d) => d.plan(any({ atach: [] }))],
  ['a setting', 'vcpus', (d) => d.plan({ set: any({ vcpu: 2 }) })],
  ['a part of a setting', 'maximum', (d) => d.plan({ set: any({ vcpus: { current: 1, maximun: 2 } }) })],
  ['a scope', "'live'", (d) => d.plan({ set: { title: 'x' }, scope: any('lives') })],
  ['a part of a resize', 'vcpus', (d) => d.resize(any({ vcpu: 2 }))],
  ['a field of a spec', 'memory', (_, { manager }) => manager.planDefine(any({ name: 'x', memroy: '64 MiB' }))],
  ['an option', 'timeout', (d) => d.state(any({ timeuot: 1 }))],
  ['a word of an option', "'hard'", (d) => d.reboot({ mode: any('hrad') })],
  ['a word in a list', "'disks'", (d) => d.stats({ groups: any(['cpu', 'disk']) })],
  ['a policy', 'converge', (d, { manager }) => d.migrate(manager, { policy: any('converg') })],
  ['an option of a migration', 'policy', (d, { manager }) => d.migrate(manager, any({ polcy: 'gentle' }))],
  ['a domain', 'spelt', (_, { manager }) => manager.get('splet')],
  ['a device to update', 'lan', (d) => d.plan({ update: [{ interface: 'lam', set: { link: 'up' } }] })],
  ['a device of a setting', 'root', (d) => d.plan({ set: { iotune: { rot: {} } as never } })],
  ['a disk to copy', 'root', (d) => d.copyDisk('rot', '/x')],
  ['a procedure', 'DOMAIN_GET_XML_DESC', (_, { connection }) => connection.call(any('DOMAIN_GET_XML_DES'), any({}))],
  ['an event of libvirt', 'LIFECYCLE', (_, { connection }) => connection.subscribe(any('LIFECICLE'))],
  ['an event of a domain', 'lifecycle', (d) => d.events({ only: any(['lifecicle']) }).ready],
];

test('what was meant is named in the error, of every kind of name', async () => {
  const b = await bench();
  const domain = await b.started({ name: 'spelt' });
  for (const [what, meant, work] of MISSPELT) {
    const error = await (async () => work(domain, b))().then(
      () => undefined,
      (cause: unknown) => cause,
    );
    assert.instance(error, LibvirtCanonicalError, what);
    assert.match(String(error), `Did you mean ${meant}?`, `${what}: ${error}`);
  }
});

test('a device to detach that is not there is no error, and the note names the one that was meant', async () => {
  const { define } = await bench();
  const domain = await define();
  assert.match(
    String(await domain.plan({ detach: [{ interface: 'lna' }] })),
    'interface lna is not there. Did you mean lan?',
  );
  assert.match(String(await domain.plan({ detach: [{ interface: 'quite-another' }] })), /quite-another is not there\n/);
});

test('console.log says which host a manager is of, and which domain', async () => {
  const { manager, host } = await bench();
  assert.is(String(manager), `the domains of ${host.uri}`);
});

test.run();
