/**
 * A program dies in the middle of an apply. The next one finds that out, sees what was done and what was not, and undoes or
 * completes it. On a private host.
 *
 *   npm run example recover
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connect, DomainManager, type ManagedDomain } from 'libvirt-canonical';
import { PrivateHost } from 'libvirt-canonical/testing';

/** The program that dies: at the third of its operations. */
async function dies(uri: string, uuid: string, file: string): Promise<void> {
  await using connection = await connect(uri);
  const domain = await new DomainManager(connection).get(uuid);
  const plan = await domain.plan({
    update: [{ interface: 'lan', set: { link: 'down' } }],
    attach: [{ disk: { id: 'data', target: 'vdb', file, format: 'qcow2' } }],
    set: { title: 'with data', description: 'a disk more, and off the network' },
  });
  await domain.apply(plan, {
    onProgress: ({ state, done }) => {
      if (state === 'started' && done === 2) process.kill(process.pid, 'SIGKILL');
    },
  });
}

async function tell(domain: ManagedDomain): Promise<void> {
  const { interrupted } = domain;
  if (!interrupted) return console.log('  no apply was interrupted');
  console.log(`  an apply was interrupted; process ${interrupted.by.state}`);
  for (const { operation, state } of interrupted.operations)
    console.log(`    ${operation.action} ${operation.subject}: ${state}`);
}

async function main(): Promise<void> {
  await using host = await PrivateHost.start();
  await using connection = await connect(host.uri);
  const manager = new DomainManager(connection);
  const disk = (name: string) => host.createDisk(`${name}.qcow2`, { size: '1 MiB' });
  const { uuid } = await manager.define({
    name: 'example',
    type: 'qemu',
    memory: '64 MiB',
    hotplug: { pciePorts: 4 },
    disks: [{ id: 'root', target: 'vda', file: await disk('root'), format: 'qcow2' }],
    interfaces: [{ id: 'lan', user: true, mac: '52:54:00:00:00:01' }],
  });
  const before = (await (await manager.get(uuid)).devices()).length;
  const file = await disk('data');
  for (const mode of ['undo', 'complete'] as const) {
    const args = [fileURLToPath(import.meta.url), 'dies', host.uri, uuid, file];
    const [, signal] = await once(spawn(process.execPath, args, { stdio: 'inherit' }), 'exit');
    console.log(`A program died: ${signal}`);
    const domain = await manager.get(uuid);
    await tell(domain);
    const { operations } = await domain.recover({ mode });
    console.log(`recover, ${mode}: ${operations.map(({ action, subject }) => `${action} ${subject}`).join(', ')}`);
    await tell(domain);
    console.log(`  devices: ${(await domain.devices()).length - before} more than before`);
  }
}

const [, , role, uri = '', uuid = '', file = ''] = process.argv;
await (role === 'dies' ? dies(uri, uuid, file) : main());
