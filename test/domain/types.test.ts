import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChangeRequest, DeviceRequest, DiskSpec, DomainSpec, InterfaceSpec } from '../../src/index.js';

/** Each line marked so must not compile: `tsc` fails when one of them does. */
const wrong: readonly unknown[] = [
  // @ts-expect-error a disk has no such field
  { target: 'vda', colour: 'red' } satisfies DiskSpec,
  // @ts-expect-error a disk has a target
  { file: '/x' } satisfies DiskSpec,
  // @ts-expect-error no such bus
  { target: 'vda', bus: 'firewire' } satisfies DiskSpec,
  // @ts-expect-error no such field in the group
  { target: 'vda', driver: { cash: 'none' } } satisfies DiskSpec,
  // @ts-expect-error an interface has no such field
  { user: true, speed: 10 } satisfies InterfaceSpec,
  // @ts-expect-error no such kind
  { dsik: { target: 'vda' } } satisfies DeviceRequest,
  // @ts-expect-error a domain has memory
  { name: 'a' } satisfies DomainSpec,
  // @ts-expect-error no such field in the group
  { name: 'a', memory: 1024, hotplug: { pciPorts: 4 } } satisfies DomainSpec,
  // @ts-expect-error CURRENT is not offered
  { scope: 'current' } satisfies ChangeRequest,
  // @ts-expect-error no such part of a request
  { atach: [] } satisfies ChangeRequest,
  // @ts-expect-error no such field of a disk
  { update: [{ disk: 'vda', set: { colour: 'red' } }] } satisfies ChangeRequest,
  // @ts-expect-error no such setting
  { set: { vcpu: 2 } } satisfies ChangeRequest,
];

const right: readonly unknown[] = [
  { target: 'vda', file: '/x', driver: { cache: 'none' } } satisfies DiskSpec,
  { disk: { target: 'vda', file: '/x' } } satisfies DeviceRequest,
  { update: [{ disk: 'vda', set: { serial: null } }] } satisfies ChangeRequest,
];

test('what the types refuse is refused, and what they allow is allowed', () => {
  assert.is(wrong.length, 12);
  assert.is(right.length, 3);
});

test.run();
