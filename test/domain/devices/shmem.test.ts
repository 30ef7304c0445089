import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ShmemSpec, shmem } from '../../../src/domain/devices/shmem.js';
import { badValues, build, kindTests, namesOf, planned, some, values, verdict } from './support.js';

const test = suite('shmem');

const any = {
  id: values.id,
  address: values.pciAddress,
  name: fc.stringMatching(/^[\w<>&"']{1,20}$/),
  role: fc.constantFrom('master' as const, 'peer' as const),
};
const size = fc.integer({ min: 20, max: 40 }).map((bits) => 2 ** bits);
const msi = some({ vectors: fc.integer({ min: 1, max: 64 }), ioeventfd: fc.boolean() });
const anyShmem: fc.Arbitrary<ShmemSpec> = fc.oneof(
  some({ ...any, model: fc.constantFrom('ivshmem-plain' as const, 'ivshmem' as const), size }, ['name']),
  some({ ...any, model: fc.constant('ivshmem-doorbell' as const), server: values.path, msi }, ['name', 'server']),
);

kindTests(test, shmem, anyShmem);

badValues(test, shmem, [
  ['name', {}],
  ['name', { name: 'a/b' }],
  ['name', { name: '..' }],
  ['model', { name: 'a', model: 'plain' }],
  ['size', { name: 'a', size: '3 MiB' }],
  ['size', { name: 'a', size: '512 KiB' }],
  ['size', { name: 'a', size: '4 MiB', server: '/a' }],
  ['role', { name: 'a', role: 'slave' }],
  ['server', { name: 'a', server: 'a' }],
  ['server', { name: 'a', server: '/a', model: 'ivshmem-plain' }],
  ['server', { name: 'a', model: 'ivshmem-doorbell' }],
  ['msi', { name: 'a', msi: { vectors: 1 } }],
  ['msi.vectors', { name: 'a', server: '/a', msi: { vectors: 0 } }],
]);

test('the model is that of a memory with or without a server, and its size is in MiB', () => {
  assert.is(build(shmem, { name: 'a' }).get('model/@type'), 'ivshmem-plain');
  assert.is(build(shmem, { name: 'a', server: '/a' }).get('model/@type'), 'ivshmem-doorbell');
  const sized = build(shmem, { name: 'a', size: '1 GiB' });
  assert.equal([sized.get('size'), sized.get('size/@unit')], ['1024', 'M']);
});

test('it answers to its id and its name', () => {
  assert.equal(namesOf("<shmem name='a'><alias name='ua-s'/></shmem>"), ['s', 'ua-s', 'a']);
});

test('it comes and goes, but for the legacy model while the guest runs', () => {
  for (const action of ['attach', 'detach'] as const) {
    for (const scope of ['live', 'config'] as const) assert.is(verdict({ shmem: { name: 'a' } }, action, scope), 'yes');
    assert.match(verdict({ shmem: { name: 'a', model: 'ivshmem' } }, action, 'live'), /only the models/);
  }
});

test('the same again is there already, written as libvirt writes it', () => {
  const there = "<shmem name='a'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>";
  assert.ok(planned({ attach: [{ shmem: { name: 'a', size: '4 MiB' } }] }, there).isEmpty);
});

test.run();
