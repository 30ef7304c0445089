import { type Connection, DomainManager } from 'libvirt-canonical';
import type { Guest } from 'libvirt-canonical/testing';
import { domainXmlOf, type InstanceRecord, type VolumeRecord } from './record.js';
import { reportWith, type Sighting, sightingOf } from './sighting.js';
import type { Stage } from './wire.js';

/**
 * The story through this library: defined once, changed by a plan, rebooted in all three ways. Returns what the guest sees
 * before and after each reboot, and the plan as text.
 */
export async function canonical(
  connection: Connection,
  guest: Guest,
  record: InstanceRecord,
  volume: VolumeRecord,
  stage: Stage,
  signal: AbortSignal,
): Promise<{ before: Sighting; after: Sighting[]; plan: string }> {
  stage('define and start');
  const manager = new DomainManager(connection);
  const domain = await manager.define(domainXmlOf(record, guest), { signal });
  await domain.start({ signal });
  await guest.waitForReport({ signal });

  stage('hot-plug');
  const { id, target, file } = volume;
  const plan = await domain.plan({ attach: [{ disk: { id, target, file, format: 'qcow2', serial: id } }] }, { signal });
  await domain.apply(plan, { signal });
  const before = await reportWith(id, guest, signal);

  stage('remember');
  const reference = await domain.guestAbi({ signal });

  const after: Sighting[] = [];
  let { bootId } = before;
  for (const mode of ['hard', 'cold', 'guest'] as const) {
    stage(`${mode} reboot`);
    await domain.reboot({ mode, signal });
    const report = await guest.waitForReport({ after: bootId, signal });
    bootId = report.bootId;
    after.push(sightingOf(report));
  }

  stage('verify');
  await domain.verify(reference, { signal });
  return { before: sightingOf(before), after, plan: plan.toString() };
}
