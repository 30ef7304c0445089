import { notFound } from '../apply/index.js';
import type { CallOptions, Connection, DomainHandle } from '../connection/index.js';
import { type DefineOptions, type DefinePlan, defineDomain, defineImported, planDefine } from '../definition/index.js';
import { type DoctorFinding, type DoctorOptions, doctor } from '../doctor/index.js';
import { DomainDocument, type DomainSpec, type Size } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { checkForeign, type DomainBundle, type ImportOptions, importDomain } from '../evacuation/index.js';
import {
  type DomainEventOf,
  type DomainEventType,
  domainEvents,
  type EventStream,
  type EventsOptions,
} from '../events/index.js';
import {
  type HostCheckOptions,
  type HostFinding,
  type HostInfo,
  type HostNetwork,
  hostCheck,
  hostInfo,
  networksOf,
} from '../host/index.js';
import {
  type CreatedImage,
  type CreateSeedRequest,
  createImage,
  createSeed,
  deleteVolume,
  type HostPool,
  type HostVolume,
  type ImageRequest,
  poolsOf,
  type ResizeVolumeOptions,
  resizeVolume,
  type VolumeName,
  volumesOf,
} from '../images/index.js';
import {
  type DomainStats,
  type Finding,
  type StatsOptions,
  statsOf,
  type WatchOptions,
  watch,
} from '../observe/index.js';
import { downloadVolume, type TransferOptions, uploadVolume } from '../transfer/index.js';
import { guard } from './argument-checks.js';
import { checkManager } from './check-manager.js';
import { type Hooks, ManagedDomain } from './managed-domain.js';
import { MANAGER_DOORS } from './methods.js';

/** Options of {@link DomainManager}. */
export interface ManagerOptions {
  readonly hooks?: Hooks;
}

const UUID = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

/** A domain that went while the others were listed is not one of them. */
function gone(error: unknown): undefined {
  if (!(error instanceof LibvirtCanonicalError) || error.code !== 'DOMAIN_NOT_FOUND') throw error;
}

/** Defines domains, once each, and finds those there are. */
export class DomainManager {
  static {
    guard('DomainManager', DomainManager, MANAGER_DOORS, ['list', 'events', 'watch']);
  }

  /** The connection to the host that it manages. */
  readonly connection: Connection;
  readonly #hooks: Hooks;

  constructor(connection: Connection, options: ManagerOptions = {}) {
    checkManager(connection, options);
    this.connection = connection;
    this.#hooks = options.hooks ?? {};
  }

  /**
   * Defines a domain that does not exist yet, from a spec or from domain XML. XML gets the room that a spec has: PCIe ports,
   * a maximum of vCPUs, aliases, boot order per device. libvirt fills in the rest once; from then on the domain is never
   * defined again. virDomainDefineXMLFlags with VALIDATE.
   *
   * Errors: `DOMAIN_EXISTS` (DomainExistsError) when the name or UUID is taken; `SPEC_INVALID`, `SPEC_UNKNOWN_FIELD`,
   * `XML_…`, `DEVICE_DUPLICATE` for what the definition says wrongly or could never start with (the findings of `planDefine` that
   * refuse), all before anything is sent to define;
   * `LIBVIRT` (LibvirtError) for what libvirt itself refuses.
   *
   * @example
   * const web = await manager.define({ name: 'web1', memory: '2 GiB', vcpus: { current: 2, maximum: 8 },
   *   disks: [{ id: 'root', target: 'vda', file: '/img/root.qcow2', format: 'qcow2', boot: 1 }] });
   */
  async define(definition: string | DomainSpec, options: DefineOptions = {}): Promise<ManagedDomain> {
    const handle = await defineDomain(this.connection, definition, options);
    return new ManagedDomain(this.connection, handle, this.#hooks);
  }

  /**
   * Says what `define` would do, and changes nothing: the document, what was added to it and why, what can never be changed
   * afterwards, the room for hot-plug, and what would keep it from being defined or from starting. Errors as `define`, but
   * for `DOMAIN_EXISTS` and what the findings refuse.
   *
   * @example
   * console.log(String(await manager.planDefine({ name: 'web1', memory: '2 GiB', os: 'linux', firmware: 'efi' })));
   */
  planDefine(definition: string | DomainSpec, options: DefineOptions = {}): Promise<DefinePlan> {
    return planDefine(this.connection, definition, options);
  }

  /**
   * Makes a disk image in a storage pool of the host, or in a folder of it: empty, a clone of another, or an overlay of one.
   * virStorageVolCreateXML, virStorageVolCreateXMLFrom.
   *
   * Errors: `SPEC_INVALID`, `SPEC_UNKNOWN_FIELD` by path, before anything is made; `LIBVIRT` for what libvirt refuses, such
   * as a name that is taken.
   *
   * @example
   * const root = await manager.createImage({ directory: '/srv/images', name: 'web1.qcow2', base: '/srv/debian.qcow2' });
   */
  createImage(request: ImageRequest, options: CallOptions = {}): Promise<CreatedImage> {
    return createImage(this.connection, request, options);
  }

  /**
   * Writes a seed for cloud-init to a file of the host, and returns its path: give it to the domain as a read-only disk or a
   * CD-ROM of format `raw`. Needs a way to the host's files, see `HostFiles`. `SPEC_INVALID` by path.
   */
  createSeed(request: CreateSeedRequest): Promise<string> {
    return createSeed(this.connection, request);
  }

  toString(): string {
    return `the domains of ${this.connection.uri}`;
  }

  /** What `console.log` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  /** An existing domain by name or UUID, adopted with zero writes. `DOMAIN_NOT_FOUND` when there is none. */
  async get(nameOrUuid: string, options: CallOptions = {}): Promise<ManagedDomain> {
    const byUuid = UUID.test(nameOrUuid);
    try {
      const { dom } = byUuid
        ? await this.connection.call('DOMAIN_LOOKUP_BY_UUID', { uuid: nameOrUuid }, options)
        : await this.connection.call('DOMAIN_LOOKUP_BY_NAME', { name: nameOrUuid }, options);
      return await this.#read(dom, options);
    } catch (error) {
      const missing = notFound(error, byUuid ? { uuid: nameOrUuid } : { name: nameOrUuid });
      if (byUuid || missing === error) throw missing;
      throw notFound(error, { name: nameOrUuid, names: await this.#names(options).catch(() => []) });
    }
  }

  /**
   * All domains of the host, in libvirt's order. One that cannot be read does not stop the others: its `unreadable` says
   * why. virConnectListAllDomains.
   *
   * @example
   * for await (const domain of manager.list()) if (domain.unreadable) console.error(domain.name, domain.unreadable.message);
   */
  async *list(options: CallOptions = {}): AsyncGenerator<ManagedDomain, void, undefined> {
    const { domains } = await this.connection.call('CONNECT_LIST_ALL_DOMAINS', { need_results: 1, flags: 0 }, options);
    for (const handle of domains) {
      const domain = new ManagedDomain(this.connection, handle, this.#hooks);
      const there = await domain.canonical(options).catch((error: unknown) => domain.unreadable ?? gone(error));
      if (there) yield domain;
    }
  }

  /** All domains of the host at once, in the order of {@link list}. */
  async all(options: CallOptions = {}): Promise<ManagedDomain[]> {
    const domains: ManagedDomain[] = [];
    for await (const domain of this.list(options)) domains.push(domain);
    return domains;
  }

  async #names(options: CallOptions): Promise<string[]> {
    const { domains } = await this.connection.call('CONNECT_LIST_ALL_DOMAINS', { need_results: 1, flags: 0 }, options);
    return domains.map(({ name }) => name);
  }

  /** A domain with its documents read, so that it tells of an apply that was interrupted. */
  async #read(handle: DomainHandle, options: CallOptions): Promise<ManagedDomain> {
    const domain = new ManagedDomain(this.connection, handle, this.#hooks);
    await domain.canonical(options);
    return domain;
  }

  /**
   * What libvirt tells of all domains of the host, also of those that are defined later: as {@link ManagedDomain.events}, with
   * devices by alias and id only.
   */
  events<T extends DomainEventType = DomainEventType>(options: EventsOptions<T> = {}): EventStream<DomainEventOf<T>> {
    return domainEvents(this.connection, {}, options);
  }

  /** Watches all domains of the host, also those that are defined later: as {@link ManagedDomain.watch}. */
  watch(options: WatchOptions = {}): EventStream<Finding> {
    return watch(this.connection, undefined, options);
  }

  /**
   * What the host is and offers: CPU, memory, NUMA, versions, machine types, firmware. virConnectGetCapabilities and the like.
   */
  host(options: CallOptions = {}): Promise<HostInfo> {
    return hostInfo(this.connection, options);
  }

  /** The virtual networks of the host, also those that are not active. virConnectListAllNetworks. */
  networks(options: CallOptions = {}): Promise<HostNetwork[]> {
    return networksOf(this.connection, options);
  }

  /** The storage pools of the host, also those that are not active; sizes in bytes. virConnectListAllStoragePools. */
  pools(options: CallOptions = {}): Promise<HostPool[]> {
    return poolsOf(this.connection, options);
  }

  /** The volumes of a pool, as libvirt saw them last. `SPEC_INVALID` when there is no such pool. virStoragePoolListAllVolumes. */
  volumes(pool: string, options: CallOptions = {}): Promise<HostVolume[]> {
    return volumesOf(this.connection, pool, options);
  }

  /**
   * Sets what a guest sees of a volume that no domain has; `domain.resizeDisk` is for the others. virStorageVolResize.
   *
   * Errors, before anything is changed: `VOLUME_IN_USE`; `ARGUMENT_INVALID` for a smaller size without `shrink: 'allow'`.
   */
  resizeVolume(volume: VolumeName, capacity: Size, options: ResizeVolumeOptions = {}): Promise<HostVolume> {
    return resizeVolume(this.connection, volume, capacity, options);
  }

  /**
   * Deletes a volume and what is in it. virStorageVolDelete. `VOLUME_IN_USE` for one that a domain of this host or an overlay
   * in its pool uses.
   */
  deleteVolume(volume: VolumeName, options: CallOptions = {}): Promise<void> {
    return deleteVolume(this.connection, volume, options);
  }

  /** Figures of all domains of the host, in one call: as {@link ManagedDomain.stats}. */
  stats(options: StatsOptions = {}): Promise<DomainStats[]> {
    return statsOf(this.connection, [], options);
  }

  /** Writes a local file into a volume of a storage pool, in place of its content, with holes for zeros. */
  uploadVolume(volume: VolumeName, file: string, options: TransferOptions = {}): Promise<void> {
    return uploadVolume(this.connection, volume, file, options);
  }

  /** Writes a volume of a storage pool into a local file that is not there yet, with the holes it has. */
  downloadVolume(volume: VolumeName, file: string, options: TransferOptions = {}): Promise<void> {
    return downloadVolume(this.connection, volume, file, options);
  }

  /**
   * Whether this host could run a domain that it does not have: `domain.hostCheck()` for one of another host, a bundle, or
   * domain XML. Of a bundle and of XML, which anybody may have made, it also tells what the domain gets of the host: devices,
   * arguments of QEMU, an emulator of its own, and that it started with its host.
   */
  async hostCheck(
    domain: ManagedDomain | DomainBundle | string,
    options: HostCheckOptions = {},
  ): Promise<HostFinding[]> {
    if (typeof domain === 'string') return checkForeign(this.connection, { document: domain }, options);
    if ('document' in domain) return checkForeign(this.connection, domain, options);
    return hostCheck(this.connection, new DomainDocument(await domain.canonical({ signal: options.signal })), options);
  }

  /**
   * What is wrong with the host and its domains, or will be, worst first: limits of the daemon, host UUIDs, known faults,
   * clocks, machine types and CPUs that go, images in use twice, work left halfway. docs/doctor.md has every finding with
   * its remedy. It only reads; what could not be looked at is a finding of severity `unknown`.
   *
   * Errors: those of the connection; LibvirtError where libvirt does not list domains or capabilities.
   *
   * @example
   * for (const { severity, domain, seen, remedy } of await manager.doctor()) console.log(severity, domain?.name, seen, remedy);
   */
  doctor(options: DoctorOptions = {}): Promise<DoctorFinding[]> {
    return doctor(this.connection, options);
  }

  /**
   * Defines the domain of a bundle on this host, as the same machine: the document as it stands, its UEFI variables and TPM
   * state, and the guest ABI compared with the bundle's record. A bundle, a value or its JSON text, is checked for its form
   * wherever it comes from, and beyond that it is as trusted as domain XML: it can name any device, file, emulator and
   * argument of QEMU; `onFindings` and {@link hostCheck} list those. Autostart is restored only when `autostart` asks for it.
   * `virDomainDefineXMLFlags`, once. With `disks: 'include'` the images that were exported beside it are made and written first
   * (virStorageVolUpload), each held to its SHA-256: `JOB_FAILED` when it is another, and what was made is removed.
   *
   * Errors, all before anything is changed: `SPEC_INVALID`, `SPEC_UNKNOWN_FIELD`, `XML_…` by path for a bundle that is none;
   * `DOMAIN_RUNNING_ELSEWHERE` (RunningElsewhereError) when it runs on one of `hosts`, or may; `IMPORT_REFUSED`
   * (ImportRefusedError) with all that this host lacks. `GUEST_ABI_CHANGED` when libvirt made another machine of it: it
   * is undefined again, and what was written removed.
   *
   * @example
   * const web = await here.import(bundle, { hosts: ['qemu+ssh://node1/system'], paths: { '/images': '/srv/images' } });
   */
  async import(bundle: DomainBundle | string, options: ImportOptions = {}): Promise<ManagedDomain> {
    const handle = await importDomain(this.connection, bundle, options, defineImported);
    return new ManagedDomain(this.connection, handle, this.#hooks);
  }
}
