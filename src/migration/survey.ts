import type { DomainAccess } from '../apply/index.js';
import type { CallOptions, Connection } from '../connection/index.js';
import { type Device, diskPlace, isWrittenDisk, type ObservedDomain } from '../domain/index.js';
import { filesOf, type HostFiles } from '../host/index.js';
import { checkHost, checkNetworks, checkPlace, checkVersions } from './check-destination.js';
import { checkDevices } from './check-devices.js';
import { checkState } from './check-state.js';
import { hostFinding } from './disk-findings.js';
import { samePlace } from './disks.js';
import { type MovedParts, migrationDocuments } from './documents.js';
import { type MigrationFinding, sortedFindings } from './findings.js';
import { type MigrationOptions, migrationRequest } from './options.js';

/**
 * What can be told of a migration by reading alone. `planMigration` tells more: for that it makes a volume for a moment, and
 * has libvirt begin and cancel. What is told here is for plans over many domains and many destinations, which write nothing.
 */
export interface SurveyedDomain {
  readonly reader: DomainAccess;
  readonly context: ObservedDomain;
  readonly mode: 'live' | 'cold';
  /** What stands in the way whatever the destination is. */
  readonly findings: readonly MigrationFinding[];
}

/** A disk that a guest writes, and what reading tells of its storage. */
export interface SurveyedDisk {
  readonly identity: string;
  /** What options of a migration call it: its id or its target. */
  readonly name: string;
  readonly destination: string | undefined;
  /**
   * `shared`: both hosts read it over the network in the same place. `separate`: it is not there. `unproved`: a file of that
   * name is there, or could not be looked for; the migration itself proves whether it is the same. `untellable`: nothing can
   * tell it but the caller, as of block devices.
   */
  readonly storage: 'shared' | 'separate' | 'unproved' | 'untellable';
}

/** Looks at the source. With `cold` as if the domain had been shut down. */
export async function surveySource(
  reader: DomainAccess,
  mode: 'live' | 'cold',
  options: CallOptions,
): Promise<SurveyedDomain> {
  const read = await reader.context(options);
  const context = mode === 'cold' ? { ...read, live: undefined } : read;
  const request = migrationRequest({ mode });
  const disks = (context.live ?? context.canonical).devices.filter(({ kind }) => kind.element === 'disk');
  const findings = [
    ...(await checkState(reader, context, request, options)),
    ...(context.live ? checkDevices(context.live) : []),
    ...disks.flatMap((disk) => hostFinding(disk) ?? []),
  ];
  return { reader, context, mode, findings: sortedFindings(findings) };
}

/** Looks at one destination for a domain whose source was looked at. A disk that is missing there is no finding: `storage` tells it. */
export async function surveyDestination(
  { reader, context, mode }: SurveyedDomain,
  destination: Connection,
  given: Pick<MigrationOptions, 'paths' | 'sources' | 'graphics'> & { readonly files?: HostFiles | undefined },
  options: CallOptions,
): Promise<{ findings: MigrationFinding[]; disks: SurveyedDisk[] }> {
  const { files, ...parts } = given;
  const request = migrationRequest({ mode, ...parts, ...(files && { files: { destination: files } }) });
  const moved: MovedParts = { paths: parts.paths, sources: parts.sources, graphicsListen: parts.graphics?.listen };
  const running = context.live !== undefined;
  const { live, canonical, destinationXml, persistentXml } = await migrationDocuments(reader, running, moved, options);
  const here = (live ?? canonical).devices.filter(({ kind }) => kind.element === 'disk');
  const way = filesOf(destination, files);
  const disks = await Promise.all(
    here.filter(isWrittenDisk).map(async (device): Promise<SurveyedDisk> => {
      const there = destinationXml.devices.find(({ identity }) => identity === device.identity) ?? device;
      const storage = await storageOf(device, there, way);
      return { identity: device.identity, name: device.names[0] ?? '', destination: diskPlace(there), storage };
    }),
  );
  const brought = disks.map(({ destination: path }) => ({ how: 'copied' as const, destination: path }));
  const sent = [...(running ? [destinationXml] : []), persistentXml];
  const [place, host, networks] = await Promise.all([
    checkPlace(destination, canonical, request, options),
    checkHost(destination, sent, brought, request, options),
    checkNetworks(destination, destinationXml, options),
  ]);
  const versions = checkVersions(reader.connection, destination);
  return { findings: sortedFindings([...place, ...host, ...networks, ...versions]), disks };
}

async function storageOf(here: Device, there: Device, files: HostFiles): Promise<SurveyedDisk['storage']> {
  if (here.leaves.get('@type') === 'network') return samePlace(here, there) ? 'shared' : 'separate';
  const file = there.leaves.get('source/@file') ?? there.leaves.get('source/@dir');
  if (file === undefined) return 'untellable';
  return (await files.look(file)) === 'missing' ? 'separate' : 'unproved';
}
