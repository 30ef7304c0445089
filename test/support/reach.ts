import type { ConnectOptions } from '../../src/index.js';
import { freePort } from '../../src/testing/free-port.js';
import { Authority, PrivateHost, SshServer } from '../../src/testing/index.js';

/** A private host and a way to its daemon. */
export interface Reach {
  readonly host: PrivateHost;
  readonly uri: string;
  /** What `connect` needs for that way. */
  readonly options: ConnectOptions;
  stop(): Promise<void>;
}

export async function overUnix(): Promise<Reach> {
  const host = await PrivateHost.start();
  return { host, uri: host.uri, options: {}, stop: () => host.stop() };
}

/** By a real sshd and libvirt's helper. */
export async function overSsh(): Promise<Reach> {
  const host = await PrivateHost.start();
  const server = await SshServer.start(host);
  return { host, uri: server.uri(), options: {}, stop: () => host.stop() };
}

/** By a real sshd and nc. */
export async function overNetcat(): Promise<Reach> {
  const host = await PrivateHost.start();
  const server = await SshServer.start(host);
  const socket = `${host.directory}/run/libvirt/libvirt-sock`;
  return { host, uri: server.uri({ parameters: { socket } }), options: {}, stop: () => host.stop() };
}

/** To a real daemon that listens with TLS. */
export async function overTls(): Promise<Reach> {
  const authority = await Authority.create();
  const [server, client, port] = await Promise.all([authority.server(), authority.client(), freePort()]);
  const host = await PrivateHost.start({ listen: true, config: authority.listenConfig(port, server) });
  return {
    host,
    uri: `qemu+tls://localhost:${port}/session?pkipath=${pkipathOf(client)}`,
    options: {},
    async stop() {
      await host.stop();
      await authority[Symbol.asyncDispose]();
    },
  };
}

/** To a real daemon that listens in plain text. */
export async function overTcp(): Promise<Reach> {
  const port = await freePort();
  const config = `listen_tls = 0\nlisten_tcp = 1\nlisten_addr = "127.0.0.1"\ntcp_port = "${port}"\nauth_tcp = "none"\n`;
  const host = await PrivateHost.start({ listen: true, config });
  const uri = `qemu+tcp://127.0.0.1:${port}/session`;
  return { host, uri, options: { insecure: 'allow' }, stop: () => host.stop() };
}

export const pkipathOf = ({ cert }: { readonly cert: string }): string => cert.slice(0, cert.lastIndexOf('/'));
