import { DomainReader } from '../apply/index.js';
import { type Connection, type DomainHandle, VIR_MIGRATE_LIVE, VIR_MIGRATE_PERSIST_DEST } from '../connection/index.js';
import { buildElement } from '../xml/index.js';
import { finishWith } from './calls.js';
import { migratable, movedDocument } from './documents.js';
import { hostOf } from './hosts.js';
import type { MigrationRecord } from './record.js';

/**
 * Starts at the destination what another process sent there and did not come to start. The cookie that the persistent
 * document would have come in is lost with that process, so it is made anew: without one libvirt would make the live document
 * the persistent one, and pending changes would be lost (qemuMigrationCookieXMLParse).
 */
export async function finishByHand(
  source: Connection,
  destination: Connection,
  here: DomainHandle,
  there: DomainHandle,
  { moved }: Pick<MigrationRecord, 'moved'>,
): Promise<void> {
  const [canonical, { uuid }, { hostname }] = await Promise.all([
    migratable(new DomainReader(source, here), 'canonical', {}),
    hostOf(source, {}),
    source.call('CONNECT_GET_HOSTNAME', {}),
  ]);
  const head = buildElement('qemu-migration', [
    ['name', here.name],
    ['uuid', here.uuid],
    ['hostname', hostname],
    ['hostuuid', uuid],
    ['feature/@name', 'persistent'],
  ]);
  const cookie = `${head.replace('</qemu-migration>', '')}${movedDocument(canonical, moved).xml}</qemu-migration>\0`;
  await finishWith(destination, there.name, Buffer.from(cookie), VIR_MIGRATE_LIVE | VIR_MIGRATE_PERSIST_DEST);
}
