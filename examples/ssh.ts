/**
 * A daemon of another machine through the system's own ssh, and what an error of ssh looks like. Without a URI: an sshd of
 * the example's own on this machine, which leads to a private host.
 *
 *   npm run example ssh [-- qemu+ssh://USER@HOST/system]
 */
import { connect, DomainManager, LibvirtCanonicalError } from 'libvirt-canonical';
import { PrivateHost, SshServer } from 'libvirt-canonical/testing';

await using host = process.argv[2] === undefined ? await PrivateHost.start() : undefined;
await using server = host && (await SshServer.start(host));
const uri = process.argv[2] ?? server?.uri() ?? '';

await using connection = await connect(uri);
let domains = 0;
for await (const _ of new DomainManager(connection).list()) domains++;
const { hostname } = await connection.call('CONNECT_GET_HOSTNAME', {});
console.log(`libvirt ${connection.libvirtVersion} on ${hostname} over ssh, ${domains} domains`);

// A key that nobody accepts there.
if (server) {
  try {
    await connect(server.uri({ parameters: { keyfile: `${server.directory}/other` } }));
  } catch (error) {
    if (!(error instanceof LibvirtCanonicalError)) throw error;
    console.log(`${error.code}: ${error.message}`);
  }
}
