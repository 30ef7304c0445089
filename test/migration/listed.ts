import type { DomainSpec } from '../../src/index.js';

/** Devices that hang on something of the host, and what a plan says of each. */
export const LISTED_FOR_TEST: ReadonlyArray<{
  name: string;
  devices: NonNullable<DomainSpec['devices']>;
  subject: string;
  problem: RegExp;
  severity: readonly string[];
}> = [
  {
    name: 'network',
    devices: [{ interface: { id: 'lan', network: 'nobody', mac: '52:54:00:00:00:31' } }],
    subject: 'interface lan',
    problem: /nobody/,
    severity: ['blocks'],
  },
  {
    name: 'bridge',
    devices: [{ interface: { id: 'lan', bridge: 'br77', mac: '52:54:00:00:00:32' } }],
    subject: 'interface lan',
    problem: /bridge br77/,
    severity: ['blocks', 'unknown'],
  },
  {
    name: 'block',
    devices: [{ disk: { id: 'raw', target: 'vdb', block: '/dev/loop77', format: 'raw' } }],
    subject: 'disk raw',
    problem: /cannot be told whether both hosts have its storage/,
    severity: ['blocks'],
  },
  {
    name: 'volume',
    devices: [{ disk: { id: 'vol', target: 'vdb', volume: { pool: 'nowhere', volume: 'v1' }, format: 'raw' } }],
    subject: 'disk vol',
    problem: /pool/,
    severity: ['blocks'],
  },
];
