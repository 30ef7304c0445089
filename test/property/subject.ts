import {
  type ChangeRequest,
  type Connection,
  connect,
  DomainManager,
  type DomainSpec,
  type ManagedDomain,
} from '../../src/index.js';
import type { PrivateHost } from '../../src/testing/index.js';
import { freeUri } from '../migration/pair.js';

/** What the property drives: a domain that is changed and rebooted, by whatever manager. */
export interface Subject {
  readonly connection: Connection;
  readonly domain: ManagedDomain;
  change(request: ChangeRequest): Promise<'done' | 'refused'>;
  start(): Promise<void>;
  stop(): Promise<void>;
  reboot(mode: 'guest' | 'cold' | 'hard'): Promise<void>;
  restartDaemon(): Promise<void>;
  /** Goes to the other of two hosts, where there are two. */
  migrate?(): Promise<void>;
  close(): Promise<void>;
}

/** Where the domain is. */
type Host = Pick<PrivateHost, 'uri' | 'restartDaemon'>;

/** The library as its users use it. */
export class CanonicalSubject implements Subject {
  readonly #host: Host;
  connection: Connection;
  domain: ManagedDomain;

  protected constructor(host: Host, connection: Connection, domain: ManagedDomain) {
    this.#host = host;
    this.connection = connection;
    this.domain = domain;
  }

  static async define(host: PrivateHost, spec: DomainSpec): Promise<CanonicalSubject> {
    const connection = await connect(host.uri);
    return new CanonicalSubject(host, connection, await new DomainManager(connection).define(spec));
  }

  /** A plan with refusals is not applied: the domain stays as it was, and the property checks just that. */
  async change(request: ChangeRequest): Promise<'done' | 'refused'> {
    const plan = await this.domain.plan(request);
    if (plan.refusals.length > 0) return 'refused';
    await this.domain.apply(plan);
    return 'done';
  }

  start(): Promise<void> {
    return this.domain.start();
  }

  stop(): Promise<void> {
    return this.domain.destroy();
  }

  async reboot(mode: 'guest' | 'cold' | 'hard'): Promise<void> {
    await this.domain.reboot({ mode });
  }

  async restartDaemon(): Promise<void> {
    await this.connection.close();
    await this.#host.restartDaemon();
    await this.reconnect();
  }

  /** Goes on over a new connection, as a program that was started anew. */
  protected async reconnect(): Promise<void> {
    const { uuid } = this.domain;
    await this.connection.close();
    this.connection = await connect(this.#host.uri);
    this.domain = await new DomainManager(this.connection).get(uuid);
  }

  async close(): Promise<void> {
    await this.domain.destroy();
    await this.domain.undefine();
    await this.connection.close();
  }
}

/** The same between two hosts, whose disks are in one place. */
export class TravellingSubject extends CanonicalSubject {
  readonly #hosts: readonly [PrivateHost, PrivateHost];
  #at: 0 | 1 = 0;

  private constructor(hosts: readonly [PrivateHost, PrivateHost], connection: Connection, domain: ManagedDomain) {
    super(hosts[0], connection, domain);
    this.#hosts = hosts;
  }

  static between(other: PrivateHost) {
    return async (host: PrivateHost, spec: DomainSpec): Promise<TravellingSubject> => {
      const connection = await connect(host.uri);
      return new TravellingSubject([host, other], connection, await new DomainManager(connection).define(spec));
    };
  }

  async migrate(): Promise<void> {
    this.#at = this.#at === 0 ? 1 : 0;
    const there = await connect(this.#hosts[this.#at].uri);
    const result = await this.domain.migrate(there, { uri: await freeUri() }).done;
    if (result.unfinished.length > 0) throw new Error(result.unfinished.join('; '));
    const { uuid } = this.domain;
    await this.connection.close();
    this.connection = there;
    this.domain = await new DomainManager(there).get(uuid);
  }
}

/**
 * The planted opponent: it keeps what was asked for in a record of its own, and at each cold or hard reboot throws
 * libvirt's document away and defines a new one from that record, as OpenStack Nova does.
 */
export class RegeneratingSubject extends CanonicalSubject {
  readonly #uri: string;
  #record: DomainSpec;

  private constructor(host: PrivateHost, connection: Connection, domain: ManagedDomain, spec: DomainSpec) {
    super(host, connection, domain);
    this.#uri = host.uri;
    this.#record = spec;
  }

  static override async define(host: PrivateHost, spec: DomainSpec): Promise<RegeneratingSubject> {
    const connection = await connect(host.uri, { redefine: 'allow' });
    const domain = await new DomainManager(connection).define(spec);
    return new RegeneratingSubject(host, connection, domain, { ...spec, uuid: domain.uuid });
  }

  override async change(request: ChangeRequest): Promise<'done' | 'refused'> {
    const outcome = await super.change(request);
    if (outcome === 'done' && request.scope !== 'live') this.#note(request);
    return outcome;
  }

  override async reboot(mode: 'guest' | 'cold' | 'hard'): Promise<void> {
    if (mode === 'guest') return super.reboot(mode);
    await this.domain.destroy();
    await this.domain.undefine();
    await this.connection.close();
    this.connection = await connect(this.#uri, { redefine: 'allow' });
    this.domain = await new DomainManager(this.connection).define(this.#record);
    await this.domain.start();
  }

  #note({ attach = [], detach = [] }: ChangeRequest): void {
    let { disks = [], interfaces = [] } = this.#record;
    for (const device of attach) {
      if (typeof device === 'object' && 'disk' in device) disks = [...disks, device.disk];
      if (typeof device === 'object' && 'interface' in device) interfaces = [...interfaces, device.interface];
    }
    for (const gone of detach) {
      if ('disk' in gone) disks = disks.filter(({ id }) => id !== gone.disk);
      if ('interface' in gone) interfaces = interfaces.filter(({ id }) => id !== gone.interface);
    }
    this.#record = { ...this.#record, disks, interfaces };
  }
}
