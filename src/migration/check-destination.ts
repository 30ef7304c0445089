import lt from 'semver/functions/lt.js';
import { DomainAccess } from '../apply/index.js';
import { type CallOptions, type Connection, LibvirtError } from '../connection/index.js';
import type { DomainDocument } from '../domain/index.js';
import { hostCheck } from '../host/index.js';
import { stateOf } from '../power/index.js';
import type { MigrationDisk } from './disks.js';
import { blocks, type MigrationFinding, unknown, warns } from './findings.js';
import type { MigrationRequest } from './options.js';
import { isNothing, lookUp } from './standing.js';

/** Name and UUID at the destination. libvirt overwrites a definition of the same domain that is off without a word. */
export async function checkPlace(
  destination: Connection,
  { name, uuid }: DomainDocument,
  { definitionThere = 'refuse' }: MigrationRequest,
  options: CallOptions,
): Promise<MigrationFinding[]> {
  const found = await lookUp(destination, uuid, options);
  const same = found && (await isNothing(destination, found, options)) ? undefined : found;
  const about = (problem: string, remedy: string) => [blocks('destination', 'domain', problem, remedy)];
  if (same) {
    const { state, reason } = await stateOf(new DomainAccess(destination, same), options);
    if (state !== 'shutoff')
      return about(
        `it is there already, ${state} (${reason})`,
        'Ask recoverMigration what became of an earlier migration',
      );
    if (same.name !== name)
      return about(`its UUID is that of domain ${same.name} there`, 'Look at both: one is a copy of the other');
    if (definitionThere === 'replace')
      return [
        warns('destination', 'domain', 'its definition there is replaced', 'Export it first when anybody needs it'),
      ];
    return about(
      'a definition of it is there, off',
      "Ask for definitionThere: 'replace' when that is an old one of its own",
    );
  }
  try {
    const { dom } = await destination.call('DOMAIN_LOOKUP_BY_NAME', { name }, options);
    if (dom.uuid === uuid) return [];
    return about(`its name is that of another domain there, ${dom.uuid}`, 'Rename one of them');
  } catch (error) {
    if (error instanceof LibvirtError && error.errorName === 'VIR_ERR_NO_DOMAIN') return [];
    throw error;
  }
}

/** Whether the destination can run what comes: both the live document and the canonical one. */
export async function checkHost(
  destination: Connection,
  documents: readonly DomainDocument[],
  disks: ReadonlyArray<Pick<MigrationDisk, 'how' | 'destination'>>,
  { files }: MigrationRequest,
  options: CallOptions,
): Promise<MigrationFinding[]> {
  const found = await Promise.all(
    documents.map((document) => {
      const brought = [
        ...disks.filter(({ how }) => how !== 'stays').flatMap(({ destination: path }) => path ?? []),
        // In the stream of a live migration, in a file of a cold one.
        ...[document.value('os/nvram'), document.value('os/nvram/source/@file')].filter((path) => path !== undefined),
      ];
      return hostCheck(destination, document, { ...options, files: files?.destination, brought });
    }),
  );
  return found
    .flat()
    .flatMap(({ severity, subject, problem, remedy }): MigrationFinding[] =>
      severity === 'benign' ? [] : [{ severity, host: 'destination', subject, problem, remedy }],
    );
}

/** What interfaces of the domain hang on at the destination, beyond what `hostCheck` looks up. */
export async function checkNetworks(
  destination: Connection,
  { devices }: DomainDocument,
  options: CallOptions,
): Promise<MigrationFinding[]> {
  const found: MigrationFinding[] = [];
  for (const { kind, identity, leaves } of devices) {
    if (kind.element !== 'interface') continue;
    const [network, bridge] = [leaves.get('source/@network'), leaves.get('source/@bridge')];
    if (network !== undefined && (await isInactive(destination, network, options)))
      found.push(blocks('destination', identity, `the network ${network} is not active`, 'Start it: virsh net-start'));
    if (leaves.get('@type') === 'bridge' && bridge !== undefined)
      found.push(...(await checkBridge(destination, identity, bridge, options)));
  }
  return found;
}

async function isInactive(connection: Connection, name: string, options: CallOptions): Promise<boolean> {
  try {
    const { net } = await connection.call('NETWORK_LOOKUP_BY_NAME', { name }, options);
    return (await connection.call('NETWORK_IS_ACTIVE', { net }, options)).active !== 1;
  } catch (error) {
    // That it is not there, hostCheck tells.
    if (error instanceof LibvirtError) return false;
    throw error;
  }
}

async function checkBridge(
  connection: Connection,
  identity: string,
  bridge: string,
  options: CallOptions,
): Promise<MigrationFinding[]> {
  try {
    await connection.call('INTERFACE_LOOKUP_BY_NAME', { name: bridge }, options);
    return [];
  } catch (error) {
    if (!(error instanceof LibvirtError)) throw error;
    if (error.errorName === 'VIR_ERR_NO_INTERFACE')
      return [blocks('destination', identity, `there is no bridge ${bridge}`, 'Make it, or give another by sources')];
    return [
      unknown(
        'destination',
        identity,
        `it cannot be told whether there is a bridge ${bridge}`,
        'Look on the host itself',
      ),
    ];
  }
}

/** What going to an older release costs. */
export function checkVersions(source: Connection, destination: Connection): MigrationFinding[] {
  const found: MigrationFinding[] = [];
  for (const [what, from, to] of [
    ['libvirt', source.libvirtVersion, destination.libvirtVersion],
    ['QEMU', source.hypervisorVersion, destination.hypervisorVersion],
  ] as const)
    if (lt(to, from))
      found.push(
        warns(
          'both',
          'domain',
          `it goes back from ${what} ${from} to ${to}`,
          'What only the newer one knows of a document is left out there; machine type and CPU are checked',
        ),
      );
  return found;
}
