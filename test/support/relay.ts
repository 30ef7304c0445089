import { chmodSync, renameSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Takes the place of a unix socket that somebody listens on, and passes everything on until it is cut. */
export class Relay implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** From now on whoever connects to `path` comes through here. */
  static async before(path: string): Promise<Relay> {
    const behind = `${path}-behind`;
    renameSync(path, behind);
    const server = createServer();
    const relay = new Relay(server);
    server.on('connection', (client) => relay.#join(client, connect(behind)));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    chmodSync(path, 0o777);
    return relay;
  }

  #join(client: Socket, service: Socket): void {
    client.pipe(service).pipe(client);
    for (const socket of [client, service]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.cut());
    }
  }

  /** Ends all that goes through it. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
