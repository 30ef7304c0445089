import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { ConnectOptions } from '../../src/index.js';
import { Authority, PrivateHost, SshServer } from '../../src/testing/index.js';
import { pkipathOf } from './reach.js';

/** A way over another transport to whatever listens on a unix socket: a daemon, a fault proxy, a fake. */
export interface Front {
  readonly uri: string;
  /** What `connect` needs for that way. */
  readonly options: ConnectOptions;
  close(): Promise<void>;
}

export const direct = async (socket: string): Promise<Front> => ({
  uri: `qemu+unix:///session?socket=${socket}`,
  options: {},
  close: async () => {},
});

/** By a real sshd and nc. `shared`: over one ssh connection that is kept, since making one takes a third of a second. */
export function sshFronts(shared: boolean): { front(socket: string): Promise<Front>; stop(): Promise<void> } {
  let started: Promise<{ host: PrivateHost; server: SshServer }> | undefined;
  const start = async () => {
    const host = await PrivateHost.start();
    const server = await SshServer.start(host);
    const master = `-o ControlMaster=auto -o ControlPersist=60 -o ControlPath=${host.directory}/cm`;
    const script = `#!/bin/sh\nexec ${server.directory}/ssh ${shared ? master : ''} "$@"\n`;
    writeFileSync(`${server.directory}/front`, script, { mode: 0o755 });
    return { host, server };
  };
  return {
    async front(socket) {
      started ??= start();
      const { server } = await started;
      const uri = server.uri({ parameters: { socket, command: `${server.directory}/front` } });
      return { uri, options: {}, close: async () => {} };
    },
    async stop() {
      const opened = await started;
      if (!opened) return;
      // The process that is kept overwrites its environment, by which the host's reaper would know it.
      if (shared)
        spawnSync('ssh', ['-F', 'none', '-O', 'exit', '-o', `ControlPath=${opened.host.directory}/cm`, 'any']);
      await opened.host.stop();
    },
  };
}

/** By TLS to a server that greets as libvirt's daemons do and hands on what comes. */
export function tlsFronts(): { front(socket: string): Promise<Front>; stop(): Promise<void> } {
  let started: Promise<{ authority: Authority; server: Buffer[]; pkipath: string }> | undefined;
  const start = async () => {
    const authority = await Authority.create();
    const [server, client] = await Promise.all([authority.server(), authority.client()]);
    return {
      authority,
      server: [server.cert, server.key, authority.cert].map((path) => readFileSync(path)),
      pkipath: pkipathOf(client),
    };
  };
  return {
    async front(target) {
      started ??= start();
      const { server, pkipath } = await started;
      const [cert, key, ca] = server;
      const listener = createTlsServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true }, (client) => {
        client.write(Buffer.from([1]));
        relay(client, target);
      });
      const { port, close } = await listening(listener);
      return { uri: `qemu+tls://127.0.0.1:${port}/session?pkipath=${pkipath}`, options: {}, close };
    },
    async stop() {
      await (await started)?.authority[Symbol.asyncDispose]();
    },
  };
}

export async function tcpFront(target: string): Promise<Front> {
  const { port, close } = await listening(createTcpServer((client) => relay(client, target)));
  return { uri: `qemu+tcp://127.0.0.1:${port}/session`, options: { insecure: 'allow' }, close };
}

/** The end of one side is the end of the other. */
function relay(client: Socket, target: string): void {
  const daemon = connect(target);
  for (const [from, to] of [
    [client, daemon],
    [daemon, client],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  }
}

async function listening(server: Server): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
