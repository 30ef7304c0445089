import { type Connection, connect, DomainManager, type ManagedDomain } from 'libvirt-canonical';
import { type Guest, PrivateHost } from 'libvirt-canonical/testing';

/** What all measurements run on: a private host with one running guest. */
export interface Setting extends AsyncDisposable {
  readonly host: PrivateHost;
  readonly connection: Connection;
  readonly manager: DomainManager;
  readonly domain: ManagedDomain;
  readonly guest: Guest;
}

export async function prepare(signal: AbortSignal): Promise<Setting> {
  const host = await PrivateHost.start({ signal });
  try {
    const connection = await connect(host.uri, { signal });
    const manager = new DomainManager(connection);
    const guest = await host.guest({ name: 'bench' });
    const disks = [{ id: 'root', target: 'vda', file: await host.createDisk('root.qcow2') }];
    const interfaces = [{ id: 'lan', mac: '52:54:00:20:16:03' }];
    const domain = await manager.define(guest.domainXml({ disks, interfaces }), { signal });
    await domain.start({ signal });
    await guest.waitForReport({ signal });
    return {
      host,
      connection,
      manager,
      domain,
      guest,
      async [Symbol.asyncDispose]() {
        await connection.close();
        await host.stop();
      },
    };
  } catch (error) {
    await host.stop();
    throw error;
  }
}
