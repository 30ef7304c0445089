import { DomainAccess } from '../apply/index.js';
import { type Connection, type DomainHandle, VIR_MIGRATE_LIVE, VIR_MIGRATE_PERSIST_DEST } from '../connection/index.js';
import { buildElement } from '../xml/index.js';
import { finishWith } from './calls.js';
import { migratable, movedDocument } from './documents.js';
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
  { source: from, moved }: Pick<MigrationRecord, 'source' | 'moved'>,
): Promise<void> {
  const canonical = await migratable(new DomainAccess(source, here), 'canonical', {});
  const cookie = persistentCookie(here, from.uuid, movedDocument(canonical, moved).xml);
  await finishWith(destination, there.name, cookie, VIR_MIGRATE_LIVE | VIR_MIGRATE_PERSIST_DEST);
}

/**
 * What Perform's cookie brings to Finish of a persistent domain (qemuMigrationCookieXMLFormat). `hostUuid` is the source's; its
 * name has to be there as well, and Finish makes no use of it.
 */
export function persistentCookie(
  { name, uuid }: Pick<DomainHandle, 'name' | 'uuid'>,
  hostUuid: string,
  persistentXml: string,
): Uint8Array {
  const head = buildElement('qemu-migration', [
    ['name', name],
    ['uuid', uuid],
    ['hostname', hostUuid],
    ['hostuuid', hostUuid],
    ['feature/@name', 'persistent'],
  ]);
  return Buffer.from(`${head.replace('</qemu-migration>', '')}${persistentXml}</qemu-migration>\0`);
}
