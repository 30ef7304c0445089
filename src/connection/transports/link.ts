import type { Duplex } from 'node:stream';

/**
 * What keeps others from reading or changing what goes over a link. `tls`: encrypted, the server's certificate verified;
 * `tls-unverified`: encrypted, to whoever answered.
 */
export type Protection = 'local' | 'ssh' | 'tls' | 'tls-unverified' | 'none';

/** A stream to a daemon on which nothing has been said yet. */
export interface Link {
  readonly stream: Duplex;
  /** What it leads to, for messages. */
  readonly where: string;
  /** The name for CONNECT_OPEN. Empty if the daemon is to choose. */
  readonly name: string;
  readonly protection: Protection;
  /** What to do when nobody answers. */
  readonly ifSilent: string;
}

/** Opens a link. Rejects with DAEMON_UNREACHABLE, AUTHENTICATION_FAILED or ABORTED. */
export type Dial = (signal: AbortSignal | undefined) => Promise<Link>;

/** What to do when a daemon that is reached over the network, or on this machine, does not answer. */
export const DAEMON_HANGS = 'The libvirt daemon hangs or is stopped; look at its log, restart it';
