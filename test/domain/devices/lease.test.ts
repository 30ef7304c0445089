import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lease } from '../../../src/domain/devices/lease.js';
import { badValues, kindTests, namesOf, some, values, verdict } from './support.js';

const test = suite('lease');

kindTests(
  test,
  lease,
  some(
    {
      lockspace: values.name,
      key: values.name,
      target: some({ path: values.path, offset: values.size }, ['path']),
    },
    ['key', 'target'],
  ),
);

badValues(test, lease, [
  ['key', { target: { path: '/l' } }],
  ['target', { key: 'k' }],
  ['target.path', { key: 'k', target: { offset: 512 } }],
  ['target.offset', { key: 'k', target: { path: '/l', offset: -1 } }],
]);

test('it is known by its lock space and key', () => {
  assert.equal(namesOf('<lease><lockspace>room</lockspace><key>door</key></lease>'), ['room/door']);
  assert.equal(namesOf('<lease><key>door</key></lease>'), ['door']);
});

test('it comes and goes in both documents', () => {
  const device = { lease: { key: 'k', target: { path: '/l' } } };
  for (const action of ['attach', 'detach'] as const)
    for (const scope of ['live', 'config'] as const) assert.is(verdict(device, action, scope), 'yes');
});

test.run();
