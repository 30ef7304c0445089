import { DomainAccess, isOfOneDomain } from '../apply/index.js';
import type { CallOptions, Connection } from '../connection/index.js';
import type { DomainDocument } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { filesOf, type HostFiles } from '../host/index.js';
import { parseElement, valueAt } from '../xml/index.js';
import { checkClocks, readClock } from './clocks.js';
import { checkDaemonLimits } from './daemon-limits.js';
import { checkDenials } from './denials.js';
import { checkDocument } from './domain-document.js';
import { type DoctorFinding, type DoctorSeverity, type Found, found } from './finding.js';
import { checkHostUuid, checkSharedUuid } from './host-identity.js';
import { checkSupport } from './host-support.js';
import { checkFormats, checkShared } from './images.js';
import { checkManagedSave, checkSnapshots, checkWork } from './leftovers.js';
import { checkVersions } from './versions.js';

/** A host with a way to its files. A DomainManager serves as one without. */
export interface DoctorHost {
  readonly connection: Connection;
  readonly files?: HostFiles;
}

/** Options of `doctor`. */
export interface DoctorOptions extends CallOptions {
  /** Other hosts, to compare UUIDs and clocks with: managers, or connections with a way to their files. */
  readonly hosts?: readonly DoctorHost[];
  /** The way to the host's files. Default: this machine's when the daemon is on it. */
  readonly files?: HostFiles;
  /** The daemon's configuration file. Default: that of the system daemon, for `/system`. */
  readonly daemonConfig?: string;
  /** Logs that may tell of denials by AppArmor or SELinux. Default: those of auditd and of the kernel. */
  readonly logs?: readonly string[];
}

const SEVERITIES: readonly DoctorSeverity[] = ['error', 'warning', 'unknown', 'note'];

/** See `DomainManager.doctor`. Makes no call that changes anything. */
export async function doctor(connection: Connection, options: DoctorOptions = {}): Promise<DoctorFinding[]> {
  const { hosts = [], daemonConfig, logs, signal, timeout } = options;
  const call: CallOptions = { signal, timeout };
  const files = filesOf(connection, options.files);
  const all = await Promise.all([
    checkDaemonLimits(connection, { files, daemonConfig }, call),
    checkHosts(connection, files, hosts, call),
    checkVersions({ libvirt: connection.libvirtVersion, QEMU: connection.hypervisorVersion }),
    checkDenials(files, logs),
  ]);
  const ofHost = all.flat().map((each): DoctorFinding => ({ ...each, domain: undefined }));
  const findings = [...ofHost, ...(await checkDomains(connection, call))];
  return findings.sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}

async function checkHosts(
  connection: Connection,
  files: HostFiles,
  hosts: readonly DoctorHost[],
  call: CallOptions,
): Promise<Found[]> {
  const uuid = await uuidOf(connection, call);
  const clock = hosts.length > 0 ? await readClock(files) : undefined;
  const others = await Promise.all(
    hosts.map(async (host) => {
      const { uri } = host.connection;
      const there = await readClock(filesOf(host.connection, host.files));
      return [
        ...checkSharedUuid(uuid, { uuid: await uuidOf(host.connection, call), uri }),
        ...checkClocks(clock, there, uri),
      ];
    }),
  );
  return [...checkHostUuid(uuid), ...others.flat()];
}

async function uuidOf(connection: Connection, call: CallOptions): Promise<string> {
  const { capabilities } = await connection.call('CONNECT_GET_CAPABILITIES', {}, call);
  return valueAt(parseElement(capabilities), 'host/uuid') ?? '';
}

async function checkDomains(connection: Connection, call: CallOptions): Promise<DoctorFinding[]> {
  const { domains } = await connection.call('CONNECT_LIST_ALL_DOMAINS', { need_results: 1, flags: 0 }, call);
  const documents = new Map<string, DomainDocument>();
  const findings: DoctorFinding[] = [];
  for (const handle of domains) {
    const domain = { name: handle.name, uuid: handle.uuid };
    const reader = new DomainAccess(connection, handle);
    const results = await checkDomain(reader, documents, call).catch(unreadable);
    findings.push(...results.map((each) => ({ ...each, domain })));
  }
  const names = new Map(domains.map(({ uuid, name }) => [uuid, name]));
  for (const [uuid, results] of checkShared(documents))
    findings.push(...results.map((each) => ({ ...each, domain: { name: names.get(uuid) ?? '', uuid } })));
  return findings;
}

async function checkDomain(
  reader: DomainAccess,
  documents: Map<string, DomainDocument>,
  call: CallOptions,
): Promise<Found[]> {
  const { connection, handle } = reader;
  const { canonical, live } = await reader.documents(call);
  documents.set(handle.uuid, canonical);
  const asked = await Promise.all([
    checkSupport(connection, canonical, call),
    checkFormats(reader, canonical, call),
    checkManagedSave(reader, call),
    checkSnapshots(reader, call),
  ]);
  return [...checkDocument(canonical, live), ...checkWork(canonical, live), ...asked.flat()];
}

/** One domain that cannot be read does not keep the others from being looked at; one that went meanwhile is none. */
function unreadable(error: unknown): Found[] {
  if (error instanceof LibvirtCanonicalError && error.code === 'DOMAIN_NOT_FOUND') return [];
  if (!isOfOneDomain(error)) throw error;
  return [found('domain-unreadable', error.message, error.remedy ?? 'Look at its document: virsh dumpxml --inactive')];
}
