import { createServer } from 'node:net';
import { type Connection, connect, DomainManager, type ManagedDomain } from 'libvirt-canonical';
import { type Guest, PrivateHost } from 'libvirt-canonical/testing';

/** Two private hosts of one machine, and a small Linux that runs on the first. Disposal ends both. */
export interface TwoHosts extends AsyncDisposable {
  readonly one: DomainManager;
  readonly two: DomainManager;
  readonly domain: ManagedDomain;
  /** The guest as each host reaches it. */
  readonly guest: { readonly one: Guest; readonly two: Guest };
  /** What a migration between two daemons of one machine needs: a free port, and the folders that each has for itself. */
  readonly options: { readonly uri: string; readonly paths: Readonly<Record<string, string>> };
  /** Folders of images. */
  readonly images: { readonly one: string; readonly two: string };
}

export async function twoHosts(): Promise<TwoHosts> {
  const [a, b] = await Promise.all([PrivateHost.start(), PrivateHost.start()]);
  const connections: Connection[] = [];
  const stop = async () => {
    for (const each of connections) await each.close();
    await Promise.all([a.stop(), b.stop()]);
  };
  try {
    connections.push(await connect(a.uri), await connect(b.uri));
    const [one, two] = connections.map((each) => new DomainManager(each)) as [DomainManager, DomainManager];
    const guest = { one: await a.guest({ name: 'web1' }), two: await b.guest({ name: 'web1' }) };
    const file = await a.createDisk('root.qcow2', { size: '16 MiB' });
    const domain = await one.define(guest.one.domainXml({ disks: [{ file, target: 'vda', id: 'root' }] }));
    await domain.start();
    await guest.one.waitForReport();
    return {
      one,
      two,
      domain,
      guest,
      options: {
        uri: `tcp://127.0.0.1:${await freePort()}`,
        paths: { [`${a.directory}/guests`]: `${b.directory}/guests` },
      },
      images: { one: `${a.directory}/images`, two: `${b.directory}/images` },
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
