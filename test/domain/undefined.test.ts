/** A field that is undefined is one that was left out, in every request and in every group. The types say so too: undefined.types.ts. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EXAMPLES } from '../../scripts/reference/device-examples.js';
import {
  type DeviceRequest,
  deviceKinds,
  deviceXml,
  domainXml,
  type KindName,
  SETTINGS,
} from '../../src/domain/index.js';
import { planChanges, planTowards } from '../../src/plan/index.js';
import { contextOf } from '../support/fixtures.js';

type Fields = Readonly<Record<string, { readonly members?: Fields }>>;

/** The spec with every field that it does not have as undefined, those of its groups too. */
function padded(fields: Fields, spec: object): object {
  const given = Object.entries(spec).map(([name, value]) => {
    const members = fields[name]?.members;
    return [name, members && typeof value === 'object' ? padded(members, value) : value];
  });
  const rest = Object.keys(fields).filter((name) => !(name in spec));
  return Object.fromEntries([...given, ...rest.map((name) => [name, undefined])]);
}

test('of devices: every kind, every field, every group', () => {
  for (const { element, fields } of deviceKinds()) {
    const request: DeviceRequest = EXAMPLES[element as KindName];
    const [spec] = Object.values(request);
    const full = { [element]: padded(fields as Fields, spec) };
    assert.is(deviceXml(full as never, 'x'), deviceXml(request, 'x'), element);
  }
});

test('of a group of which nothing is said: it is as if it were not there', () => {
  const disk = { target: 'vdb', file: '/x', format: 'raw' } as const;
  assert.is(
    deviceXml({ disk: { ...disk, driver: { cache: undefined, io: undefined } } }, 'x'),
    deviceXml({ disk }, 'x'),
  );
});

test('of definitions, changes and desired states', () => {
  const spec = { name: 'd', memory: '64 MiB', disks: [{ target: 'vda', file: '/x', format: 'raw' }] } as const;
  const rest = {
    uuid: undefined,
    machine: undefined,
    cpu: undefined,
    clock: undefined,
    hotplug: undefined,
    interfaces: undefined,
  };
  assert.is(
    domainXml({ ...spec, ...rest }).replace(/<uuid>.*?<\/uuid>/, ''),
    domainXml(spec).replace(/<uuid>.*?<\/uuid>/, ''),
  );
  const context = contextOf('web');
  const nothing = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, undefined]));
  assert.ok(
    planChanges({ set: nothing, attach: undefined, detach: undefined, scope: undefined } as never, context).isEmpty,
  );
  const towards = (more: object) => JSON.stringify(planTowards(context.canonical.xml, context, more));
  assert.is(towards({ replace: undefined, ifNotLive: undefined }), towards({}));
});

test.run();
