import type { Device } from '../domain/index.js';
import { blocks, type MigrationFinding } from './findings.js';

/** Kinds of disks that do not migrate at all. */
const ROWS: ReadonlyArray<{ when: (device: Device) => boolean; problem: string; remedy: string }> = [
  {
    when: ({ leaves }) => leaves.get('@type') === 'nvme',
    problem: 'it is a drive of this host',
    remedy: 'Detach it, or move its contents to another disk',
  },
  {
    when: ({ leaves }) => leaves.has('transient'),
    problem: 'it is transient: what was written to it lives in a file of this host',
    remedy: 'Shut the domain down first',
  },
];

/** Why a disk cannot migrate; undefined when it can. */
export function hostFinding(device: Device): MigrationFinding | undefined {
  const row = ROWS.find(({ when }) => when(device));
  return row && blocks('source', device.identity, row.problem, row.remedy);
}
