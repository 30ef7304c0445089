import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type FilesystemSpec, filesystem } from '../../../src/domain/devices/filesystem.js';
import { badValues, kindTests, namesOf, planned, some, values, verdict, virtioDriver } from './support.js';

const test = suite('filesystem');

const mode = fc.stringMatching(/^0[0-7]{3}$/);
const driver = {
  wrpolicy: fc.constant('immediate' as const),
  queue: fc.integer({ min: 1, max: 1024 }),
  ...virtioDriver,
};
const source = fc.oneof(
  fc.record({
    dir: values.path,
    driver: some({ type: fc.constantFrom('path' as const, 'handle' as const, 'virtiofs' as const), ...driver }),
  }),
  fc.record({ socket: values.path, driver: some({ type: fc.constant('virtiofs' as const), ...driver }, ['type']) }),
);
const rest = some(
  {
    id: values.id,
    address: values.pciAddress,
    target: values.name,
    accessMode: fc.constantFrom('passthrough' as const, 'mapped' as const, 'squash' as const),
    fmode: mode,
    dmode: mode,
    multidevs: fc.constantFrom('default' as const, 'remap' as const, 'forbid' as const, 'warn' as const),
    model: fc.constantFrom(...(['virtio', 'virtio-transitional', 'virtio-non-transitional'] as const)),
    readonly: values.yes,
    binary: some({
      path: values.path,
      xattr: fc.boolean(),
      cache: fc.constantFrom('none' as const, 'always' as const),
      sandbox: fc.constantFrom('namespace' as const, 'chroot' as const),
      lock: some({ posix: fc.boolean(), flock: fc.boolean() }),
      threadPool: fc.nat(64),
    }),
  },
  ['target'],
);

kindTests(
  test,
  filesystem,
  fc.tuple(rest, source).map(([all, where]): FilesystemSpec => ({ ...all, ...where })),
);

badValues(test, filesystem, [
  ['target', { dir: '/srv' }],
  ['', { target: 'share' }],
  ['', { target: 'share', dir: '/srv', socket: '/s' }],
  ['socket', { target: 'share', socket: '/s' }],
  ['fmode', { target: 'share', dir: '/srv', fmode: '0888' }],
  ['driver.type', { target: 'share', dir: '/srv', driver: { type: '9p' } }],
  ['binary.lock.posix', { target: 'share', dir: '/srv', binary: { lock: { posix: 'on' } } }],
]);

const nineP = { filesystem: { target: 'share', dir: '/srv' } } as const;
const virtiofs = { filesystem: { ...nineP.filesystem, driver: { type: 'virtiofs' } } } as const;

test('it answers to its id and its tag', () => {
  assert.equal(namesOf("<filesystem><target dir='share'/></filesystem>"), ['share']);
});

test('only virtiofs comes and goes while the domain runs, from libvirt 7.9.0 on', () => {
  for (const action of ['attach', 'detach'] as const) {
    assert.match(verdict(nineP, action, 'live'), /only virtiofs/);
    assert.is(verdict(virtiofs, action, 'live'), 'yes');
    assert.not.equal(verdict(virtiofs, action, 'live', '7.8.0'), 'yes');
    assert.is(verdict(nineP, action, 'config'), 'yes');
  }
});

test('virtiofs needs shared guest memory', () => {
  assert.match(planned({ attach: [virtiofs] }, '').refusals[0]?.reason ?? '', /shared/);
  const domain = "<cpu><numa><cell id='0' memAccess='shared'/></numa></cpu>";
  assert.equal(planned({ attach: [virtiofs] }, '', { domain }).refusals, []);
});

test.run();
