import type { CallOptions, Connection } from '../connection/index.js';
import { parseElement, valueAt } from '../xml/index.js';
import type { MigrationHost } from './record.js';

/** A host of libvirt: its connection, or the manager of it. */
export type MigrationDestination = Connection | { readonly connection: Connection };

/** The connection to a host. */
export function connectionOf(host: MigrationDestination): Connection {
  return 'connection' in host ? host.connection : host;
}

/** The host's UUID, which tells it from every other one. virConnectGetCapabilities. */
export async function hostOf(connection: Connection, options: CallOptions): Promise<MigrationHost> {
  const { capabilities } = await connection.call('CONNECT_GET_CAPABILITIES', {}, options);
  return { uuid: valueAt(parseElement(capabilities), 'host/uuid') ?? '', uri: connection.uri };
}
