import { type Connection, connectAgain } from '../connection/index.js';

/**
 * Connections of a migration's own. Job and incoming QEMU hang on the sockets of the first two, so those never open another
 * one; the last is for looking and aborting, which must not wait behind the calls of the migration.
 */
export class OwnConnections implements AsyncDisposable {
  readonly source: Connection;
  readonly destination: Connection;
  readonly watch: Connection;

  private constructor(source: Connection, destination: Connection, watch: Connection) {
    this.source = source;
    this.destination = destination;
    this.watch = watch;
  }

  static async open(source: Connection, destination: Connection): Promise<OwnConnections> {
    const options = { reconnect: false } as const;
    const all = await Promise.allSettled([
      connectAgain(source, options),
      connectAgain(destination, options),
      connectAgain(source, options),
    ]);
    const failed = all.find((each) => each.status === 'rejected');
    const open = all.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const [a, b, c] = open;
    if (!failed && a && b && c) return new OwnConnections(a, b, c);
    await Promise.all(open.map((each) => each.close()));
    throw failed?.reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.source.close(), this.destination.close(), this.watch.close()]);
  }
}
