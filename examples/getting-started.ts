/**
 * From nothing to a guest with an address: an image, a seed for cloud-init, a look at the definition, the definition, a
 * start, and the address.
 *
 *   npm run example getting-started [-- URI IMAGE]
 *
 * Without a URI it runs the small Linux of a private host. With one, IMAGE is a cloud image on that host, such as
 * debian-12-genericcloud-amd64.qcow2.
 */
import { connect, DomainManager, type DomainSpec } from 'libvirt-canonical';
import { findPlace } from './support/place.js';

await using place = await findPlace({ agent: true });
await using connection = await connect(place.uri);
const manager = new DomainManager(connection);
const base = process.argv[3];

// An overlay keeps what the guest writes; the cloud image stays as it is.
const root = await manager.createImage({
  directory: place.directory,
  name: `${place.name}.qcow2`,
  size: base === undefined ? '1 GiB' : '10 GiB',
  ...(base === undefined ? {} : { base }),
});
const seed = await manager.createSeed({
  path: place.file('seed.iso'),
  seed: {
    metaData: `instance-id: ${place.name}\nlocal-hostname: ${place.name}\n`,
    userData: '#cloud-config\npackages: [qemu-guest-agent]\nruncmd: [[systemctl, start, qemu-guest-agent]]\n',
  },
});
console.log(`Made ${root.path}, ${root.size} bytes, and ${seed}\n`);

const spec: DomainSpec = {
  name: place.name,
  type: place.type,
  os: 'linux',
  memory: base === undefined ? '128 MiB' : '1 GiB',
  disks: [
    { id: 'root', target: 'vda', file: root.path, format: root.format, boot: 1 },
    { id: 'seed', target: 'vdb', file: seed, format: 'raw', readonly: true },
  ],
  interfaces: [{ id: 'lan', user: true }],
  ...place.guest,
};
// What would be defined, what was added to it and why, and what can never be changed afterwards.
console.log(`${await manager.planDefine(spec)}\n`);

const domain = await manager.define(spec);
try {
  await domain.start();
  const { address, source } = await domain.waitForAddress({ timeout: 300_000 });
  console.log(`${domain.name} runs and has the address ${address} (${source})`);
} finally {
  await domain.destroy();
  await domain.undefine();
}
