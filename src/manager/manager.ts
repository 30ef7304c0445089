import { notFound } from '../apply/index.js';
import type { CallOptions, Connection, DomainHandle } from '../connection/index.js';
import { type DefineOptions, type DefinePlan, defineDomain, defineImported, planDefine } from '../definition/index.js';
import { DomainDocument, type DomainSpec } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { type DomainBundle, type ImportOptions, importDomain } from '../evacuation/index.js';
import {
  type DomainEventOf,
  type DomainEventType,
  domainEvents,
  type EventStream,
  type EventsOptions,
} from '../events/index.js';
import { type HostCheckOptions, type HostFinding, hostCheck } from '../host/index.js';
import {
  type CreatedImage,
  type CreateSeedRequest,
  createImage,
  createSeed,
  type ImageRequest,
} from '../images/index.js';
import { type Finding, type WatchOptions, watch } from '../observe/index.js';

import { type Hooks, ManagedDomain } from './managed-domain.js';

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
  /** The connection to the host that it manages. */
  readonly connection: Connection;
  readonly #hooks: Hooks;

  constructor(connection: Connection, options: ManagerOptions = {}) {
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

  /** An existing domain by name or UUID, adopted with zero writes. `DOMAIN_NOT_FOUND` when there is none. */
  async get(nameOrUuid: string, options: CallOptions = {}): Promise<ManagedDomain> {
    const byUuid = UUID.test(nameOrUuid);
    try {
      const { dom } = byUuid
        ? await this.connection.call('DOMAIN_LOOKUP_BY_UUID', { uuid: nameOrUuid }, options)
        : await this.connection.call('DOMAIN_LOOKUP_BY_NAME', { name: nameOrUuid }, options);
      return await this.#read(dom, options);
    } catch (error) {
      throw notFound(error, byUuid ? { uuid: nameOrUuid } : { name: nameOrUuid });
    }
  }

  /** All domains of the host, in libvirt's order. virConnectListAllDomains. */
  async *list(options: CallOptions = {}): AsyncGenerator<ManagedDomain, void, undefined> {
    const { domains } = await this.connection.call('CONNECT_LIST_ALL_DOMAINS', { need_results: 1, flags: 0 }, options);
    for (const handle of domains) {
      const domain = await this.#read(handle, options).catch(gone);
      if (domain) yield domain;
    }
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
   * Whether this host could run a domain that it does not have: `domain.hostCheck()` for one of another host, a bundle, or
   * domain XML.
   */
  async hostCheck(
    domain: ManagedDomain | DomainBundle | string,
    options: HostCheckOptions = {},
  ): Promise<HostFinding[]> {
    const { signal } = options;
    const xml =
      typeof domain === 'string' ? domain : 'document' in domain ? domain.document : await domain.canonical({ signal });
    return hostCheck(this.connection, new DomainDocument(xml), options);
  }

  /**
   * Defines the domain of a bundle on this host, as the same machine: the document as it stands, its UEFI variables and TPM
   * state, and the guest ABI compared with the bundle's record. The bundle, a value or its JSON text, may come from
   * anywhere. `virDomainDefineXMLFlags`, once.
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
