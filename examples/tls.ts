/**
 * A daemon that listens with TLS, and a certificate that it does not accept. Without a URI: a private host with
 * certificates of the example's own.
 *
 *   npm run example tls [-- qemu+tls://HOST/system?pkipath=PATH]
 */
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { connect, LibvirtCanonicalError } from 'libvirt-canonical';
import { Authority, type Certificate, PrivateHost } from 'libvirt-canonical/testing';

const show = async (uri: string): Promise<void> => {
  try {
    await using connection = await connect(uri);
    console.log(`libvirt ${connection.libvirtVersion} over TLS`);
  } catch (error) {
    if (!(error instanceof LibvirtCanonicalError)) throw error;
    console.log(`${error.code}: ${error.message}`);
  }
};

const [, , given] = process.argv;
if (given !== undefined) await show(given);
else {
  await using authority = await Authority.create();
  const port = await freePort();
  const config = authority.listenConfig(port, await authority.server());
  await using _host = await PrivateHost.start({ listen: true, config });
  const uriOf = ({ cert }: Certificate) => `qemu+tls://localhost:${port}/session?pkipath=${dirname(cert)}`;
  await show(uriOf(await authority.client()));
  const [from, until] = [new Date('2020-01-01'), new Date('2021-01-01')];
  await show(uriOf(await authority.client({ from, until })));
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
