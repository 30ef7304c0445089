import { rm } from 'node:fs/promises';
import { Fleet, type MoveInput, personConfirms } from '../../src/fleet/index.js';
import {
  type Connection,
  connect,
  DomainManager,
  type ErrorCode,
  type ManagedDomain,
  recoverMigration,
} from '../../src/index.js';
import { type Guest, PrivateHost } from '../../src/testing/index.js';
import { FakeDaemon } from '../connection/helpers.js';
import type { Bench } from '../support/bench.js';
import { writeEntry } from '../support/entry.js';
import { makePool } from '../support/pool.js';

/** Prepares what is needed on a real libvirt, and returns the attempt that is to end with the code. */
export type Scenario = (bench: Bench) => Promise<() => Promise<unknown>>;

const ready =
  (attempt: (bench: Bench) => Promise<unknown>): Scenario =>
  async (bench) =>
  () =>
    attempt(bench);

/** Plans for a domain that is shut off. */
const planning = (request: Parameters<ManagedDomain['plan']>[0], spec?: Parameters<Bench['define']>[0]): Scenario =>
  async function prepare({ define }) {
    const domain = await define(spec);
    return () => domain.plan(request);
  };

const nic = (id: string) => ({ id, user: true, mac: '52:54:00:00:00:07' }) as const;
const data = { id: 'data', target: 'vdb', file: '/nowhere/data.qcow2', format: 'qcow2' } as const;

/**
 * For each code something that ends with it, on a real libvirt wherever that can be made to show it. A code without one
 * does not compile.
 */
export const SCENARIOS: Readonly<Record<ErrorCode, Scenario>> = {
  XML_MALFORMED: ready(({ manager }) => manager.define('<domain><name>torn</name>')),
  XML_FORBIDDEN: ready(({ manager }) => manager.define('<!DOCTYPE domain [<!ENTITY e "e">]><domain>&e;</domain>')),
  XML_LIMIT: ready(({ manager }) => manager.define(`${'<a>'.repeat(300)}${'</a>'.repeat(300)}`)),
  SPEC_INVALID: planning({ attach: [{ disk: { ...data, target: 'sofa', bus: 'couch' } } as never] }),
  SPEC_UNKNOWN_FIELD: planning({ set: { colour: 'blue' } as never }),
  DEVICE_KIND_UNKNOWN: planning({ detach: [{ sofa: 'red' } as never] }),
  DEVICE_DUPLICATE: planning({ attach: [{ disk: { ...data, target: 'vda' } }] }),
  DEVICE_NOT_FOUND: planning({ update: [{ disk: 'nobody', set: { readonly: true } }] }),
  DEVICE_AMBIGUOUS: async ({ define, rival }) => {
    const domain = await define({ interfaces: [nic('one')] });
    const twin = "<interface type='user'><mac address='52:54:00:00:00:07'/><model type='virtio'/></interface>";
    const xml = (await domain.canonical()).replace('</devices>', `${twin}</devices>`);
    await (await rival()).call('DOMAIN_DEFINE_XML_FLAGS', { xml, flags: 0 });
    return () => domain.plan({ detach: [{ interface: '52:54:00:00:00:07' }] });
  },
  ADDRESS_IN_USE: async ({ define }) => {
    const domain = await define();
    const root = (await domain.devices()).find(({ id }) => id === 'root');
    const address = root?.address?.replace('pci ', '') ?? '';
    return () => domain.plan({ attach: [{ disk: { ...data, address } }] });
  },
  URI_INVALID: ready(() => connect('qemu://system')),
  ARGUMENT_INVALID: ready(({ connection }) => connection.call('DOMAIN_LOOKUP_BY_ID', { id: 'seven' as never })),

  DAEMON_UNREACHABLE: ready(({ host }) => connect(`qemu+unix:///session?socket=${host.directory}/nobody-here`)),
  // A real one needs polkit and D-Bus.
  AUTHENTICATION_FAILED: ready(async () => {
    await using daemon: FakeDaemon = await FakeDaemon.start({
      AUTH_LIST: () => ({ types: [2] }),
      AUTH_POLKIT: (call) => void daemon.fail(call, 45, 'access denied by policy'),
    });
    await connect(daemon.uri);
  }),
  CONNECTION_LOST: async ({ host, rival, define }) => {
    const { uuid } = await define();
    const other = await rival({ reconnect: false });
    return async () => {
      process.kill(host.pid as number, 'SIGSTOP');
      const call = other.call('DOMAIN_LOOKUP_BY_UUID', { uuid });
      await host.killDaemon();
      try {
        await call;
      } finally {
        await host.startDaemon();
      }
    };
  },
  CONNECTION_CLOSED: async ({ rival }) => {
    const other = await rival();
    await other.close();
    return () => other.call('CONNECT_GET_LIB_VERSION', {});
  },
  // No libvirt sends what is none of its protocol.
  PROTOCOL_VIOLATION: ready(async () => {
    await using daemon: FakeDaemon = await FakeDaemon.start({
      AUTH_LIST: () => void daemon.socket.write(Buffer.alloc(64, 0xff)),
    });
    await connect(daemon.uri);
  }),
  CALL_TIMEOUT: async ({ host, rival }) => {
    const other = await rival();
    return async () => {
      process.kill(host.pid as number, 'SIGSTOP');
      try {
        await other.call('CONNECT_GET_LIB_VERSION', {}, { timeout: 100 });
      } finally {
        process.kill(host.pid as number, 'SIGCONT');
      }
    };
  },
  ABORTED: ready(({ connection }) => connection.call('CONNECT_GET_LIB_VERSION', {}, { signal: AbortSignal.abort() })),
  UNSUPPORTED: async ({ connection, define }) => {
    const { name, uuid } = await define();
    return () =>
      connection.call('DOMAIN_OPEN_CONSOLE', { dom: { name, uuid, id: -1 }, dev_name: null, flags: 0 } as never);
  },
  LIBVIRT: ready(({ connection }) => connection.call('NETWORK_LOOKUP_BY_NAME', { name: 'no network of mine' })),

  DOMAIN_EXISTS: async ({ define }) => {
    const { name } = await define();
    return () => define({ name });
  },
  DOMAIN_NOT_FOUND: ready(({ manager }) => manager.get('nobody')),
  DOMAIN_STATE: async ({ define }) => {
    const domain = await define();
    return () => domain.suspend();
  },
  DOMAIN_RUNNING_ELSEWHERE: async ({ host, manager, started }) => {
    const bundle = await (await started()).export();
    return () => manager.import(bundle, { hosts: [host.uri] });
  },
  REDEFINE_REFUSED: async ({ connection, define }) => {
    const xml = await (await define()).canonical();
    return () => connection.call('DOMAIN_DEFINE_XML_FLAGS', { xml, flags: 0 });
  },
  IMPORT_REFUSED: async ({ define, manager, disk }) => {
    const file = await disk();
    const domain = await define({ disks: [{ id: 'root', target: 'vda', file, format: 'qcow2', boot: 1 }] });
    const bundle = await domain.export();
    await domain.undefine();
    await rm(file);
    return () => manager.import(bundle);
  },
  START_FAILED: async ({ define, disk }) => {
    const file = await disk();
    const domain = await define({ disks: [{ id: 'root', target: 'vda', file, format: 'qcow2', boot: 1 }] });
    await rm(file);
    return () => domain.start();
  },
  HOOK_FAILED: async ({ connection, define }) => {
    const { uuid } = await define();
    const beforeStart = () => Promise.reject(new Error('the volume is not there'));
    const domain = await new DomainManager(connection, { hooks: { beforeStart } }).get(uuid);
    return () => domain.start();
  },
  AGENT_UNAVAILABLE: async ({ define }) => {
    const domain = await define();
    await domain.start();
    return () => domain.agent.ping();
  },
  TIMEOUT: async ({ define }) => {
    const domain = await define();
    await domain.start();
    return () => domain.shutdown({ timeout: 100 });
  },
  JOB_FAILED: async ({ host, started, rival }) => {
    const file = await host.createMedium('full.raw', 'full '.repeat(1 << 20));
    const domain = await started({ disks: [{ id: 'root', target: 'vda', file, format: 'raw', boot: 1 }] });
    const other = await rival();
    const { dom } = await other.call('DOMAIN_LOOKUP_BY_UUID', { uuid: domain.uuid });
    return async () => {
      let aborted: Promise<unknown> | undefined;
      const onProgress = () => {
        aborted ??= other.call('DOMAIN_BLOCK_JOB_ABORT', { dom, path: 'vda', flags: 0 });
      };
      await domain.copyDisk('root', `${host.directory}/images/copy.raw`, { bandwidth: '64 KiB', onProgress });
      await aborted;
    };
  },

  VOLUME_IN_USE: async ({ host, connection, manager, define }) => {
    await makePool(host, connection, 'in-use');
    const { path: file } = await manager.createImage({ pool: 'in-use', name: 'root.qcow2', size: '1 MiB' });
    await define({ disks: [{ id: 'root', target: 'vda', file, format: 'qcow2', boot: 1 }] });
    return () => manager.deleteVolume({ pool: 'in-use', volume: 'root.qcow2' });
  },

  PLAN_REFUSED: async ({ define }) => {
    const domain = await define();
    const plan = await domain.plan({ update: [{ interface: 'lan', set: { mac: '52:54:00:00:00:09' } }] });
    return () => domain.apply(plan);
  },
  PLAN_STALE: async ({ define }) => {
    const domain = await define();
    const [plan, other] = [await domain.plan({ set: { title: 'a' } }), await domain.plan({ set: { title: 'b' } })];
    await domain.apply(other);
    return () => domain.apply(plan);
  },
  APPLY_FAILED: async ({ started }) => {
    const domain = await started();
    const plan = await domain.plan({ attach: [{ disk: data }] });
    return () => domain.apply(plan);
  },
  APPLY_IN_PROGRESS: async ({ connection, define }) => {
    const domain = await define();
    const plan = await domain.plan({ set: { title: 'x' } });
    await writeEntry(connection, domain, { pid: process.pid });
    return () => domain.apply(plan, { wait: 0 });
  },
  APPLY_INTERRUPTED: async ({ connection, define }) => {
    const domain = await define();
    const plan = await domain.plan({ set: { title: 'x' } });
    await writeEntry(connection, domain);
    return () => domain.apply(plan);
  },
  UNPLUG_REFUSED: async ({ host, manager }) => {
    const guest = await host.guest({ name: 'refuses', cmdline: 'memhp_default_state=offline' });
    const memory = [
      "<maxMemory slots='1' unit='MiB'>1024</maxMemory>",
      "<cpu><numa><cell id='0' cpus='0' memory='131072' unit='KiB'/></numa></cpu>",
    ];
    const domain = await manager.define(guest.domainXml({ disks: [], extraElements: memory }));
    await domain.start();
    await guest.waitForReport();
    const dimm = { id: 'busy', model: 'dimm', size: '128 MiB', node: 0 } as const;
    await domain.apply(await domain.plan({ attach: [{ memory: dimm }] }));
    await useMemory(guest);
    const plan = await domain.plan({ detach: [{ memory: 'busy' }] });
    return () => domain.apply(plan);
  },
  UNPLUG_UNCONFIRMED: async ({ started }) => {
    const domain = await started();
    const plan = await domain.plan({ detach: [{ interface: 'lan' }] });
    return () => domain.apply(plan, { unplug: { attempts: 1, timeout: 100 } });
  },
  GUEST_ABI_CHANGED: async ({ define }) => {
    const [domain, other] = [await define(), await define({ vcpus: 1 })];
    const reference = await other.guestAbi();
    return () => domain.verify(reference);
  },

  MIGRATION_REFUSED: async ({ connection, started }) => {
    const domain = await started();
    return () => domain.migrate(connection).done;
  },
  MIGRATION_FAILED: async ({ started }) => {
    const [domain, other] = [await started(), await PrivateHost.start()];
    // Ports below 1024 are not for its QEMU.
    const options = { uri: 'tcp://127.0.0.1:7' };
    return () => withHost(other, (destination) => domain.migrate(destination, options).done);
  },
  MIGRATION_IN_PROGRESS: async ({ connection, started, rival }) => {
    const [domain, other] = [await started(), await PrivateHost.start()];
    const { uuid, name } = domain;
    const begin = { dom: { uuid, name, id: -1 }, params: [], flags: 1 | 256 | 512 };
    await (await rival()).call('DOMAIN_MIGRATE_BEGIN3_PARAMS', begin);
    return () => withHost(other, (destination) => recoverMigration(connection, destination, uuid));
  },
  MIGRATION_UNSETTLED: async ({ connection, started }) => {
    const [domain, other] = [await started(), await PrivateHost.start()];
    return () =>
      withHost(other, async (destination) => {
        await destination.close();
        return recoverMigration(connection, destination, domain.uuid);
      });
  },
  FLEET_PLAN_STALE: async ({ host, started }) => {
    const domain = await started();
    return () => fleetMove(host, domain, { running: false });
  },
  FLEET_NO_CAPACITY: async ({ host, started }) => {
    const domain = await started();
    return () => fleetMove(host, domain, { keepFree: { memory: '100 %' } });
  },
  FENCE_UNPROVED: ready(async ({ host }) => {
    await using fleet = await Fleet.open({ hosts: { a: host.uri } });
    await fleet.fence('a', personConfirms({ by: 'carol', host: 'a' }));
  }),
  DOMAIN_CLAIMED: async ({ host, started }) => {
    const { name, uuid } = await started();
    const input = { domain: { name, uuid }, from: 'a' };
    await using fleet = await Fleet.open({ hosts: { a: host.uri } });
    await fleet.steps.claim({ ...input, operation: 'drain-a' });
    return async () => {
      await using other = await Fleet.open({ hosts: { a: host.uri } });
      return await other.steps.shutDown({ ...input, operation: 'another' });
    };
  },
  DOMAIN_QUARANTINED: async ({ host, manager, define }) => {
    const { name, uuid } = await define();
    const silent = 'qemu+unix:///session?socket=/nonexistent/libvirt-sock';
    await using fleet = await Fleet.open({ hosts: { a: host.uri, b: silent } });
    const domains = [{ name, uuid, to: 'b' }];
    await fleet.steps.quarantine({ operation: 'evacuate-a', from: 'a', domains });
    return async () => (await manager.get(uuid)).start();
  },
  HOST_SETUP: ready(() => PrivateHost.start({ libvirtd: '/nowhere/libvirtd' })),
};

/** The step of a fleet that moves a domain to a second host, which is ended afterwards. */
async function fleetMove(host: PrivateHost, { name, uuid }: ManagedDomain, more: Partial<MoveInput>): Promise<unknown> {
  await using other = await PrivateHost.start();
  await using fleet = await Fleet.open({ hosts: { a: host.uri, b: other.uri } });
  const input = { domain: { name, uuid }, from: 'a', to: 'b', running: true, way: 'live' } as const;
  return await fleet.steps.move({ ...input, ...more });
}

/** Works with a second host, and ends it. */
async function withHost<T>(host: PrivateHost, work: (connection: Connection) => Promise<T>): Promise<T> {
  try {
    return await work(await connect(host.uri));
  } finally {
    await host.stop();
  }
}

/** Makes the guest's kernel keep things of its own in memory that was plugged in, which it then cannot give back. */
async function useMemory(guest: Guest): Promise<void> {
  await guest.exec(
    'for m in /sys/devices/system/memory/memory*; do read s <$m/state; [ $s = online ] || echo online_kernel >$m/state; done',
  );
  await guest.exec('mkdir /tmp/x; i=0; while [ $i -lt 1000 ]; do : >/tmp/x/$i; i=$((i+1)); done');
}
