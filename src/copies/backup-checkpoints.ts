import type { DomainAccess } from '../apply/index.js';
import {
  type CallOptions,
  VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL,
  VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN,
} from '../connection/index.js';
import { child, children, type Element, parseXml, valueAt } from '../xml/index.js';

/** A moment that incremental backups can go on from: libvirt and the qcow2 images note what is written since. */
export interface Checkpoint {
  readonly name: string;
  /** The checkpoint before it. */
  readonly parent: string | undefined;
  readonly created: Date;
  /** Targets of the disks that it covers. */
  readonly disks: readonly string[];
}

/** virDomainListAllCheckpoints, each after the one before it: several can be of one second. */
export async function checkpoints(reader: DomainAccess, options: CallOptions): Promise<Checkpoint[]> {
  const { connection, handle: dom } = reader;
  const args = { dom, need_results: 1, flags: VIR_DOMAIN_CHECKPOINT_LIST_TOPOLOGICAL };
  const { checkpoints: handles } = await connection.call('DOMAIN_LIST_ALL_CHECKPOINTS', args, options);
  return Promise.all(
    handles.map(async (checkpoint) => {
      const flags = VIR_DOMAIN_CHECKPOINT_XML_NO_DOMAIN;
      const { xml } = await connection.call('DOMAIN_CHECKPOINT_GET_XML_DESC', { checkpoint, flags }, options);
      return read(checkpoint.name, xml);
    }),
  );
}

function read(name: string, xml: string): Checkpoint {
  const root = parseXml(xml).documentElement;
  const disks = root && child(root, 'disks');
  return {
    name,
    parent: root ? valueAt(root, 'parent/name') : undefined,
    created: new Date(Number(root ? valueAt(root, 'creationTime') : 0) * 1000),
    disks: disks ? children(disks, 'disk').flatMap((disk) => covered(disk)) : [],
  };
}

function covered(disk: Element): string[] {
  const name = disk.getAttribute('name');
  return name !== null && disk.getAttribute('checkpoint') === 'bitmap' ? [name] : [];
}

/** virDomainCheckpointDelete: what it notes goes over to the checkpoint before it. */
export async function deleteCheckpoint(reader: DomainAccess, name: string, options: CallOptions = {}): Promise<void> {
  const { connection, handle: dom } = reader;
  const { checkpoint } = await connection.call('DOMAIN_CHECKPOINT_LOOKUP_BY_NAME', { dom, name, flags: 0 }, options);
  await connection.call('DOMAIN_CHECKPOINT_DELETE', { checkpoint, flags: 0 }, options);
}
