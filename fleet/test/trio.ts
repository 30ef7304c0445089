import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, DomainManager, type DomainSpec, type ManagedDomain } from 'libvirt-canonical';
import { Fleet, type FleetHostSpec } from 'libvirt-canonical/fleet';
import { PrivateHost } from 'libvirt-canonical/testing';
import { connectEngine, type Operations } from 'libvirt-canonical-fleet';
import { endChild, startChild } from './child.js';
import type { WorkerSetup } from './worker.js';

export type Name = 'a' | 'b' | 'c';
const NAMES: readonly Name[] = ['a', 'b', 'c'];

/** Three private hosts, a store of the test's own, and workers as processes. */
export class Trio {
  readonly hosts: Readonly<Record<Name, PrivateHost>>;
  readonly managers: Readonly<Record<Name, DomainManager>>;
  readonly specs: Readonly<Record<Name, FleetHostSpec>>;
  /** Folder of the store, and of all else that the tests keep. */
  readonly folder: string;
  readonly #workers = new Set<ChildProcess>();
  #number = 0;

  private constructor(hosts: Trio['hosts'], managers: Trio['managers'], folder: string) {
    this.hosts = hosts;
    this.managers = managers;
    this.folder = folder;
    // Each host has an address of its own: libvirt's ports for migrations are one range on all of them.
    const spec = (name: Name): FleetHostSpec => {
      const address = `127.0.0.${11 + NAMES.indexOf(name)}`;
      return { uri: hosts[name].uri, migration: { uri: `tcp://${address}`, listenAddress: address } };
    };
    this.specs = { a: spec('a'), b: spec('b'), c: spec('c') };
  }

  static async start(): Promise<Trio> {
    const folder = mkdtempSync(join(tmpdir(), 'f'));
    // Another user than root has the store.
    chmodSync(folder, 0o755);
    const hosts = await each(() => PrivateHost.start());
    const reconnect = { reconnect: { attempts: Number.POSITIVE_INFINITY, maxDelay: 500 } };
    const managers = await each(async (name) => new DomainManager(await connect(hosts[name].uri, reconnect)));
    return new Trio(hosts, managers, folder);
  }

  get store(): string {
    return join(this.folder, 'pg');
  }

  /** A fleet of these hosts in this process. */
  fleet(timeout = 60_000): Promise<Fleet> {
    return Fleet.open({ hosts: this.specs, timeout });
  }

  /** The operations, looked at from this process. */
  operations(): Promise<Operations> {
    return connectEngine({ store: { folder: this.store } });
  }

  /** A worker in a process of its own; it is ready. */
  async worker(setup: Partial<WorkerSetup> = {}): Promise<ChildProcess> {
    const all: WorkerSetup = { hosts: this.specs, store: this.store, worker: `w${++this.#number}`, ...setup };
    const script = fileURLToPath(new URL('worker.js', import.meta.url));
    const child = await startChild(script, all);
    this.#workers.add(child);
    child.once('exit', () => this.#workers.delete(child));
    return child;
  }

  /** A domain without disks, started with its CPUs stopped unless it is to be `off` or `awake`. */
  async domain(
    on: Name,
    spec: Partial<DomainSpec> & { readonly name: string },
    how?: 'off' | 'awake',
  ): Promise<ManagedDomain> {
    const domain = await this.managers[on].define({ type: 'qemu', memory: '64 MiB', ...spec });
    if (how !== 'off') await domain.start({ paused: how !== 'awake' });
    return domain;
  }

  async endWorkers(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => endChild(worker)));
  }

  /** Ends and removes all domains, and all workers. */
  async clear(): Promise<void> {
    await this.endWorkers();
    const all = await Promise.all(NAMES.map((name) => this.managers[name].all()));
    await Promise.all(
      all.flat().map(async (domain) => {
        if ((await domain.state()) !== 'shutoff') await domain.destroy();
        await domain.undefine();
      }),
    );
  }

  async stop(): Promise<void> {
    await this.endWorkers();
    // Who closes last stops the store's PostgreSQL.
    await (await this.operations()).close();
    for (const name of NAMES) {
      await this.managers[name].connection.close();
      await this.hosts[name].stop();
    }
    rmSync(this.folder, { recursive: true });
  }
}

const each = async <T>(make: (name: Name) => Promise<T>): Promise<Readonly<Record<Name, T>>> =>
  Object.fromEntries(await Promise.all(NAMES.map(async (name) => [name, await make(name)]))) as Record<Name, T>;
