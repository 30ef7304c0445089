import {
  type Connection,
  type ConnectOptions,
  connect,
  DomainManager,
  type DomainSpec,
  type ManagedDomain,
} from '../../src/index.js';
import { PrivateHost, type PrivateHostOptions } from '../../src/testing/index.js';

/** A private host with a connection to it, and short ways to disks and domains. */
export interface Bench {
  readonly host: PrivateHost;
  readonly connection: Connection;
  readonly manager: DomainManager;
  /** Path of a new, empty qcow2 image. */
  disk(name?: string): Promise<string>;
  /** A small q35 domain of `type='qemu'` with a root disk `root` (vda, boot order 1) and a NIC `lan`. */
  define(spec?: Partial<DomainSpec>): Promise<ManagedDomain>;
  /** The same, started with its CPUs stopped: as good as running for libvirt, and free of charge. */
  started(spec?: Partial<DomainSpec>): Promise<ManagedDomain>;
  /** A connection that may define again: to play somebody else. */
  rival(options?: ConnectOptions): Promise<Connection>;
}

/**
 * One host for a test file, started by the first test that asks for it: a `before` hook that fails would let uvu skip the
 * file and call it a success. Hand `stop` to `test.after`.
 */
export function benchOnDemand(options: PrivateHostOptions = {}): (() => Promise<Bench>) & { stop(): Promise<void> } {
  let bench: Promise<Bench & { close(): Promise<void> }> | undefined;
  const get = (): Promise<Bench> => {
    bench ??= open(options);
    return bench;
  };
  return Object.assign(get, {
    stop: async () => {
      const opened = await bench?.catch(() => undefined);
      await opened?.close();
    },
  });
}

async function open(options: PrivateHostOptions): Promise<Bench & { close(): Promise<void> }> {
  const host = await PrivateHost.start(options);
  try {
    const connection = await connect(host.uri);
    const manager = new DomainManager(connection);
    const connections = [connection];
    let disks = 0;
    let domains = 0;
    const disk = (name = `disk${++disks}.qcow2`) => host.createDisk(name, { size: '1 MiB' });
    const define = async (spec: Partial<DomainSpec> = {}) =>
      manager.define({
        name: `d${++domains}`,
        type: 'qemu',
        memory: '64 MiB',
        vcpus: { current: 1, maximum: 2 },
        hotplug: { pciePorts: 4 },
        disks: [{ id: 'root', target: 'vda', file: await disk(), format: 'qcow2', boot: 1 }],
        interfaces: [{ id: 'lan', user: true, mac: '52:54:00:00:00:01' }],
        ...spec,
      });
    return {
      host,
      connection,
      manager,
      disk,
      define,
      started: async (spec) => {
        const domain = await define(spec);
        await domain.start({ paused: true });
        return domain;
      },
      rival: async (options) => {
        const other = await connect(host.uri, { redefine: 'allow', ...options });
        connections.push(other);
        return other;
      },
      close: async () => {
        for (const each of connections) await each.close();
        await host.stop();
      },
    };
  } catch (error) {
    await host.stop();
    throw error;
  }
}
