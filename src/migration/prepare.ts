import type { DomainAccess } from '../apply/index.js';
import {
  type CallOptions,
  type Connection,
  connectAgain,
  VIR_MIGRATE_LIVE,
  VIR_MIGRATE_NON_SHARED_DISK,
  VIR_MIGRATE_NON_SHARED_INC,
  VIR_MIGRATE_OFFLINE,
  VIR_MIGRATE_PARAM_DEST_XML,
  VIR_MIGRATE_PARAM_MIGRATE_DISKS,
  VIR_MIGRATE_PARAM_PERSIST_XML,
  VIR_MIGRATE_PAUSED,
  VIR_MIGRATE_PEER2PEER,
  VIR_MIGRATE_PERSIST_DEST,
  VIR_MIGRATE_TUNNELLED,
  VIR_MIGRATE_UNSAFE,
} from '../connection/index.js';
import type { ObservedDomain } from '../domain/index.js';
import { nvramPath } from '../evacuation/index.js';
import { stateOf } from '../power/index.js';
import { confirm, MigrationCalls } from './calls.js';
import { coldState, type StateToCarry } from './check-cold-state.js';
import { checkHost, checkNetworks, checkPlace, checkVersions } from './check-destination.js';
import { checkDevices } from './check-devices.js';
import { checkState } from './check-state.js';
import { type MigrationDisk, migrationDisks } from './disks.js';
import { type MigrationDocuments, migrationDocuments } from './documents.js';
import { blocks, type MigrationFinding, sortedFindings, warns } from './findings.js';
import { hostOf } from './hosts.js';
import { callsOf, type MigrationRequest, wayOf } from './options.js';
import type { MigrationParams } from './params.js';
import { type MigrationHost, type MigrationRecord, undefiningFlag } from './record.js';
import { SharedStorage } from './sharing.js';
import { checkTargets, targetsToMake } from './targets.js';

/** Everything that a migration is made of, once both hosts have been looked at. */
export interface Preparation {
  readonly context: ObservedDomain;
  readonly running: boolean;
  readonly hosts: { readonly from: MigrationHost; readonly to: MigrationHost };
  readonly documents: MigrationDocuments;
  readonly disks: readonly MigrationDisk[];
  /** Of a domain that is off. */
  readonly carry: readonly StateToCarry[];
  readonly findings: readonly MigrationFinding[];
  readonly record: Omit<MigrationRecord, 'id'>;
  readonly flags: number;
  readonly params: MigrationParams;
}

/** Looks at both hosts; nothing is changed. `dryRun`: also asks libvirt itself, by a Begin that is cancelled. */
export async function prepareMigration(
  reader: DomainAccess,
  destination: Connection,
  request: MigrationRequest,
  dryRun: boolean,
): Promise<Preparation> {
  const options: CallOptions = { signal: request.signal };
  const source = reader.connection;
  const [context, from, to] = await Promise.all([
    reader.context(options),
    hostOf(source, options),
    hostOf(destination, options),
  ]);
  const running = context.live !== undefined;
  const { paths, sources, graphics } = request;
  const moved = { paths, sources, graphicsListen: graphics?.listen };
  const documents = await migrationDocuments(reader, running, moved, options);
  const sharing = new SharedStorage(source, destination);
  const sameHost = from.uuid === to.uuid;
  const document = documents.live ?? documents.canonical;
  const sent = [...(running ? [documents.destinationXml] : []), documents.persistentXml];
  // Looked at beside each other: most of it is waiting for one of the two hosts.
  const [{ disks, findings: ofDisks, found }, place, nvram, paused, state, networks, cold] = await Promise.all([
    migrationDisks(
      { reader, destination, document, edited: documents.destinationXml, running, request, sharing },
      options,
    ).then(async (each) => ({
      ...each,
      found: await Promise.all([
        checkHost(destination, sent, each.disks, request, options),
        checkTargets(destination, each.disks, request, options),
      ]),
    })),
    checkPlace(destination, documents.canonical, request, options),
    nvramOf(documents, request, sharing, options),
    running && stateOf(reader, options).then((told) => told.state === 'paused'),
    checkState(reader, context, request, options),
    checkNetworks(destination, documents.destinationXml, options),
    request.mode === 'cold'
      ? coldState({ source, destination, documents, request, sharing }, options)
      : { carry: [], findings: [] },
  ]);
  const others = [
    ...(sameHost
      ? [blocks('both', 'domain', 'source and destination are the same host', 'Connect to another one')]
      : place),
    ...ofDisks,
    ...nvram.findings,
    ...(running ? checkDevices(document) : []),
    ...checkVersions(source, destination),
    ...[state, networks, cold.findings, ...found].flat(),
  ];
  const { autostart, autostartOnce = false, persistent } = context;
  const record = {
    domain: document.uuid,
    mode: request.mode,
    via: request.via,
    source: from,
    destination: to,
    undefineSource: request.undefineSource && persistent,
    persistent,
    paused: paused === true,
    autostart,
    autostartOnce,
    targets: targetsToMake(disks, request).map(({ destination: path }) => path as string),
    nvram: nvram.becomes,
    moved,
    way: wayOf(request),
  };
  const { flags, params } = wireForm(request, { running, persistent, documents, disks, record });
  const { carry } = cold;
  const prepared = { context, running, hosts: { from, to }, documents, disks, carry, record, flags, params };
  const own =
    dryRun && running && !others.some(({ severity, subject }) => severity === 'blocks' && subject === 'domain');
  const asked = own ? await askLibvirt(reader, prepared) : [];
  return { ...prepared, findings: sortedFindings([...others, ...asked]) };
}

/** The UEFI variables: they go along in the stream, and the source's file is left behind unless it is removed. */
async function nvramOf(
  { canonical, live, destinationXml }: MigrationDocuments,
  { undefineSource }: MigrationRequest,
  sharing: SharedStorage,
  options: CallOptions,
): Promise<{ becomes: MigrationRecord['nvram']; findings: MigrationFinding[] }> {
  const [here, there] = [nvramPath(live ?? canonical), nvramPath(destinationXml)];
  if (!here || !there) return { becomes: 'none', findings: [] };
  const shared = await sharing.sameFile(here, there, options);
  if (shared === 'separate') return { becomes: undefineSource ? 'remove' : 'left', findings: [] };
  if (shared === 'shared') return { becomes: 'left', findings: [] };
  return {
    becomes: 'left',
    findings: [
      warns(
        'source',
        'domain',
        `${here} stays there: it cannot be told whether the destination has the same file (${shared.unknown})`,
        'Remove it when it is of no use there',
      ),
    ],
  };
}

/** Flags and parameters of the calls. */
export function wireForm(
  request: MigrationRequest,
  {
    running,
    persistent,
    documents,
    disks,
    record,
  }: Pick<Preparation, 'running' | 'documents' | 'disks' | 'record'> & { persistent: boolean },
): Pick<Preparation, 'flags' | 'params'> {
  const { flags, params } = callsOf(request);
  // Cold, they are copied by this program.
  const copied =
    request.mode === 'block' ? disks.filter(({ how }) => how === 'copied').map(({ target }) => target) : [];
  const copying = request.copy === 'incremental' ? VIR_MIGRATE_NON_SHARED_INC : VIR_MIGRATE_NON_SHARED_DISK;
  return {
    flags:
      flags |
      // What libvirt would refuse as unsafe has been looked at closer than it can: each disk is known to be shared, or copied.
      (request.mode === 'cold' ? VIR_MIGRATE_OFFLINE : VIR_MIGRATE_LIVE | VIR_MIGRATE_UNSAFE) |
      (persistent ? VIR_MIGRATE_PERSIST_DEST : 0) |
      undefiningFlag(record) |
      (request.prove === 'paused' && running ? VIR_MIGRATE_PAUSED : 0) |
      (copied.length > 0 ? copying : 0),
    params: params
      .with(VIR_MIGRATE_PARAM_DEST_XML, documents.destinationXml.xml)
      .with(VIR_MIGRATE_PARAM_PERSIST_XML, persistent && running ? documents.persistentXml.xml : undefined)
      .with(VIR_MIGRATE_PARAM_MIGRATE_DISKS, copied.length > 0 ? copied : undefined),
  };
}

/** libvirt's own opinion: Begin takes the job and looks at everything, and a cancelled Confirm lets go of it. */
async function askLibvirt(
  reader: DomainAccess,
  { flags, params }: Pick<Preparation, 'flags' | 'params'>,
): Promise<MigrationFinding[]> {
  const own = await connectAgain(reader.connection, { reconnect: false });
  const managed = flags & ~(VIR_MIGRATE_PEER2PEER | VIR_MIGRATE_TUNNELLED);
  try {
    await new MigrationCalls({ source: own, destination: own, dom: reader.handle }, managed, params).begin();
    await confirm(own, reader.handle, managed, true);
    return [];
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return [blocks('source', 'domain', `libvirt refuses to begin: ${said}`, 'Change what it says and plan again')];
  } finally {
    await own.close();
  }
}
