import fc from 'fast-check';
import { suite } from 'uvu';
import { type HubSpec, hub } from '../../../src/domain/devices/hub.js';
import { badValues, kindTests, neverPlugged, values } from './support.js';

const test = suite('hub');

const spec: fc.Arbitrary<HubSpec> = fc.record(
  { id: values.id, address: fc.stringMatching(/^usb [0-9]:[1-8](\.[1-8])?$/) },
  { requiredKeys: [] },
);
kindTests(test, hub, spec);
badValues(test, hub, [['address', { address: 'port 1' }]]);
neverPlugged(test, { hub: {} });

test.run();
