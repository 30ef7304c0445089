import { type CallOptions, type Connection, LibvirtError } from '../connection/index.js';
import type { Device, DomainDocument } from '../domain/index.js';
import { type Element, select } from '../xml/index.js';
import type { HostFinding } from './finding.js';

/** Something else of libvirt that a domain names. */
interface Reference {
  readonly what: string;
  readonly name: string;
  readonly find: (connection: Connection, options: CallOptions) => Promise<unknown>;
}

/** virSecretUsageType. */
const USAGE: Readonly<Record<string, number>> = { volume: 1, ceph: 2, iscsi: 3, tls: 4, vtpm: 5 };

/** Networks, storage pools and secrets of libvirt that the domain names and the host does not have. */
export async function checkReferences(
  connection: Connection,
  { devices }: DomainDocument,
  options: CallOptions,
): Promise<HostFinding[]> {
  const found = await Promise.all(
    devices.flatMap((device) =>
      referencesOf(device).map(async ({ what, name, find }): Promise<HostFinding[]> => {
        try {
          await find(connection, options);
          return [];
        } catch (error) {
          if (!(error instanceof LibvirtError)) throw error;
          // A daemon without the driver has none of them, and starts no domain that names one.
          const driverless = error.errorName === 'VIR_ERR_NO_SUPPORT';
          const missing =
            driverless || /^VIR_ERR_NO_(NETWORK|STORAGE_POOL|STORAGE_VOL|SECRET)$/.test(error.errorName ?? '');
          return [
            {
              severity: missing ? 'blocks' : 'unknown',
              subject: device.identity,
              problem: missing
                ? `there is no ${what} ${name} on this host`
                : `whether the host has the ${what} ${name} could not be asked: ${error.libvirtMessage}`,
              remedy: driverless
                ? `Install libvirt's driver for it there, restart the daemon, and define the ${what}`
                : `Define the ${what} there`,
            },
          ];
        }
      }),
    ),
  );
  return found.flat();
}

function referencesOf({ kind, element, leaves }: Device): Reference[] {
  const found: Reference[] = [];
  const network = kind.element === 'interface' ? leaves.get('source/@network') : undefined;
  if (network !== undefined) {
    found.push({
      what: 'network',
      name: network,
      find: (connection, options) => connection.call('NETWORK_LOOKUP_BY_NAME', { name: network }, options),
    });
  }
  const [pool, volume] = [leaves.get('source/@pool'), leaves.get('source/@volume')];
  if (kind.element === 'disk' && pool !== undefined && volume !== undefined) {
    found.push({
      what: 'storage volume',
      name: `${volume} of pool ${pool}`,
      find: async (connection, options) => {
        const found = await connection.call('STORAGE_POOL_LOOKUP_BY_NAME', { name: pool }, options);
        return connection.call('STORAGE_VOL_LOOKUP_BY_NAME', { pool: found.pool, name: volume }, options);
      },
    });
  }
  return [...found, ...select(element, './/secret').map(secretReference)];
}

/** Secrets are named by UUID or by what they are for. */
function secretReference(element: Element): Reference {
  const uuid = element.getAttribute('uuid') ?? element.getAttribute('secret');
  const usage = element.getAttribute('usage') ?? '';
  const usageType = USAGE[element.getAttribute('type') ?? ''] ?? 1;
  return {
    what: 'secret',
    name: uuid || usage,
    find: (connection, options) =>
      uuid
        ? connection.call('SECRET_LOOKUP_BY_UUID', { uuid }, options)
        : connection.call('SECRET_LOOKUP_BY_USAGE', { usageType, usageID: usage }, options),
  };
}
