import type { Guest } from 'libvirt-canonical/testing';

/** What an orchestrator's database keeps of an instance: what was asked for, and nothing of what libvirt decided. */
export interface InstanceRecord {
  readonly uuid: string;
  readonly mac: string;
  /** Image paths. */
  readonly root: string;
  readonly config: string;
  readonly volumes: readonly VolumeRecord[];
}

export interface VolumeRecord {
  readonly id: string;
  readonly target: string;
  readonly file: string;
}

/**
 * The domain XML of a record, as nova-compute writes it: root disk, volumes, config disk with the last name of its bus,
 * and no address anywhere. Each disk's serial number is its part in the story, so that the guest can tell which is which.
 */
export function domainXmlOf(record: InstanceRecord, guest: Guest): string {
  const { uuid, mac, root, config, volumes } = record;
  return guest.domainXml({
    uuid,
    disks: [
      { id: 'root', target: 'vda', file: root, serial: 'root' },
      ...volumes.map((volume) => ({ ...volume, serial: volume.id })),
      { id: 'config', target: 'vdz', file: config, serial: 'config' },
    ],
    interfaces: [{ id: 'lan', mac }],
  });
}
