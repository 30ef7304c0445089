/**
 * A whole backup, then only what was written since, each at a moment in which the guest's file systems were frozen. On a
 * private host, whose guest has QEMU's guest agent.
 *
 *   npm run example backup
 */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, DomainManager } from 'libvirt-canonical';
import { PrivateHost } from 'libvirt-canonical/testing';

await using host = await PrivateHost.start();
await using connection = await connect(host.uri);
const guest = await host.guest({ name: 'example', agent: true });
const data = await host.createDisk('data.qcow2', { size: '64 MiB' });
const domain = await new DomainManager(connection).define(
  guest.domainXml({ disks: [{ file: data, target: 'vda', id: 'data' }] }),
);
await domain.start();
await guest.waitForReport();
while ((await domain.agent.state()) !== 'connected') await sleep(100);
await guest.exec('mke2fs -q /dev/vda; mkdir -p /mnt; mount -t ext4 /dev/vda /mnt');

const file = (day: string) => join(host.directory, 'images', `${day}.qcow2`);
async function backup(day: string, since?: string): Promise<void> {
  await guest.exec(`echo ${day} >/mnt/${day}; sync`);
  const { consistency } = await domain.backup({
    disks: { data: { file: file(day) } },
    checkpoint: day,
    quiesce: 'agent',
    ...(since === undefined ? {} : { since }),
  });
  console.log(`${day}: ${consistency}-consistent, ${statSync(file(day)).blocks / 2} KiB`);
}
await backup('monday');
await backup('tuesday', 'monday');
for (const { name, parent } of await domain.checkpoints()) console.log(`Checkpoint ${name}, after ${parent ?? 'none'}`);

// Put over the backup before it, the second is the whole disk of tuesday. The guest itself reads it.
execFileSync('qemu-img', ['rebase', '-u', '-b', file('monday'), '-F', 'qcow2', file('tuesday')]);
const restored = { id: 'restored', target: 'vdb', file: file('tuesday'), format: 'qcow2', readonly: true } as const;
await domain.apply(await domain.plan({ attach: [{ disk: restored }] }));
// The guest's kernel takes a moment to see the disk.
const { output } = await guest.exec(
  'until [ -b /dev/vdb ]; do sleep 0.1; done; mkdir -p /old; mount -t ext4 -o ro /dev/vdb /old; cat /old/monday /old/tuesday',
);
console.log(`Restored: ${output.trim().replace('\n', ' and ')}`);

await domain.destroy();
await domain.undefine({ snapshotsMetadata: true });
