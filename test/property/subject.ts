import {
  type ChangeRequest,
  type Connection,
  connect,
  DomainManager,
  type DomainSpec,
  type ManagedDomain,
} from '../../src/index.js';
import type { PrivateHost } from '../../src/testing/index.js';

/** What the property drives: a domain that is changed and rebooted, by whatever manager. */
export interface Subject {
  readonly connection: Connection;
  readonly domain: ManagedDomain;
  change(request: ChangeRequest): Promise<'done' | 'refused'>;
  start(): Promise<void>;
  stop(): Promise<void>;
  reboot(mode: 'guest' | 'cold' | 'hard'): Promise<void>;
  restartDaemon(): Promise<void>;
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
