import type { ConnectOptions, DomainSpec, ManagedDomain } from '../../src/index.js';
import { connect, DomainManager } from '../../src/index.js';
import { PrivateHost } from '../../src/testing/index.js';

/** Three private hosts, a manager for each, and domains that need no guest. */
export interface Trio {
  readonly hosts: Readonly<Record<Name, PrivateHost>>;
  readonly managers: Readonly<Record<Name, DomainManager>>;
  readonly uris: Readonly<Record<Name, string>>;
  /** Defines a domain without disks on a host; it is started with its CPUs stopped unless it is to be `off`, or `awake`. */
  domain(
    on: Name,
    spec: Partial<DomainSpec> & { readonly name: string },
    how?: 'off' | 'awake',
  ): Promise<ManagedDomain>;
  /** Ends and removes all domains. */
  clear(): Promise<void>;
  /** A connection that may define again: to play somebody else. */
  rival(on: Name, options?: ConnectOptions): ReturnType<typeof connect>;
}

export type Name = 'a' | 'b' | 'c';
const NAMES: readonly Name[] = ['a', 'b', 'c'];

/** Started by the first test that asks for it. Hand `stop` to `test.after`. */
export function trioOnDemand(): (() => Promise<Trio>) & { stop(): Promise<void> } {
  let made: Promise<Trio> | undefined;
  return Object.assign(() => (made ??= open()), {
    stop: async () => {
      const trio = await made?.catch(() => undefined);
      for (const name of trio ? NAMES : []) {
        await trio?.managers[name].connection.close();
        await trio?.hosts[name].stop();
      }
    },
  });
}

const each = async <T>(make: (name: Name) => Promise<T>): Promise<Readonly<Record<Name, T>>> =>
  Object.fromEntries(await Promise.all(NAMES.map(async (name) => [name, await make(name)]))) as Record<Name, T>;

async function open(): Promise<Trio> {
  const hosts = await each(() => PrivateHost.start());
  // Some tests leave a host off for long.
  const reconnect = { reconnect: { attempts: Number.POSITIVE_INFINITY, maxDelay: 500 } };
  const managers = await each(async (name) => new DomainManager(await connect(hosts[name].uri, reconnect)));
  return {
    hosts,
    managers,
    uris: await each(async (name) => hosts[name].uri),
    async domain(on, spec, how) {
      const domain = await managers[on].define({ type: 'qemu', memory: '64 MiB', ...spec });
      if (how !== 'off') await domain.start({ paused: how !== 'awake' });
      return domain;
    },
    async clear() {
      const all = await Promise.all(NAMES.map((name) => managers[name].all()));
      // Each takes libvirt a second to end.
      await Promise.all(
        all.flat().map(async (domain) => {
          if ((await domain.state()) !== 'shutoff') await domain.destroy();
          await domain.undefine();
        }),
      );
    },
    rival: (on, options) => connect(hosts[on].uri, { redefine: 'allow', ...options }),
  };
}
