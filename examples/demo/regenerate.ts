import type { Connection } from 'libvirt-canonical';
import type { Guest } from 'libvirt-canonical/testing';
import { domainXmlOf, type InstanceRecord, type VolumeRecord } from './record.js';
import { reportWith, type Sighting, sightingOf } from './sighting.js';
import type { Stage } from './wire.js';

/** virDomainModificationImpact LIVE | CONFIG. */
const LIVE_AND_CONFIG = 3;

/**
 * The story as Nova tells it: the record is the truth, and a hard reboot destroys the domain, undefines it and defines it
 * again from the record. Returns what the guest sees before and after that.
 */
export async function regenerate(
  connection: Connection,
  guest: Guest,
  record: InstanceRecord,
  volume: VolumeRecord,
  stage: Stage,
  signal: AbortSignal,
): Promise<{ before: Sighting; after: Sighting }> {
  const define = async (from: InstanceRecord) => {
    const { dom } = await connection.call(
      'DOMAIN_DEFINE_XML_FLAGS',
      { xml: domainXmlOf(from, guest), flags: 0 },
      { signal },
    );
    await connection.call('DOMAIN_CREATE_WITH_FLAGS', { dom, flags: 0 }, { signal });
    return dom;
  };

  stage('define and start');
  const dom = await define(record);
  await guest.waitForReport({ signal });

  stage('hot-plug');
  const xml = `<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${volume.file}'/>
    <target dev='${volume.target}' bus='virtio'/><serial>${volume.id}</serial><alias name='ua-${volume.id}'/></disk>`;
  await connection.call('DOMAIN_ATTACH_DEVICE_FLAGS', { dom, xml, flags: LIVE_AND_CONFIG }, { signal });
  const before = await reportWith(volume.id, guest, signal);

  stage('hard reboot');
  await connection.call('DOMAIN_DESTROY_FLAGS', { dom, flags: 0 }, { signal });
  await connection.call('DOMAIN_UNDEFINE_FLAGS', { dom, flags: 0 }, { signal });
  await define({ ...record, volumes: [...record.volumes, volume] });
  const after = await guest.waitForReport({ after: before.bootId, signal });

  return { before: sightingOf(before), after: sightingOf(after) };
}
