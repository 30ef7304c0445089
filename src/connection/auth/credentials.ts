import { LibvirtCanonicalError } from '../../errors.js';
import type { Environment } from '../transports/environment.js';
import type { ConnectionUri } from '../transports/uri.js';
import { credentialsFromFile } from './auth-file.js';

/** Who we are to a daemon that asks for SASL. */
export interface Credentials {
  /** As the daemon's database has it, `user@realm` as a rule. */
  readonly user: string;
  readonly password: string;
}

/** What a callback for credentials is told. */
export interface CredentialsRequest {
  /** The host of the URI; `localhost` for a unix socket. */
  readonly host: string;
  /** The mechanism that will be used, e.g. `SCRAM-SHA-256`. */
  readonly mechanism: string;
  /** The user that the URI or auth.conf names, if one does. */
  readonly user: string | undefined;
  /** Fires when connecting is given up. */
  readonly signal: AbortSignal | undefined;
}

/** Gives credentials when the daemon asks for them and neither the URI nor auth.conf has them. */
export type CredentialsCallback = (request: CredentialsRequest) => Credentials | Promise<Credentials>;

/** Where credentials come from. */
export interface CredentialSources {
  readonly uri: ConnectionUri;
  readonly environment: Environment;
  readonly callback: CredentialsCallback | undefined;
}

/** Credentials with the place they came from, which is what errors name in their place. */
export interface FoundCredentials extends Credentials {
  readonly source: string;
}

/**
 * Finds the credentials for a host, in the order of libvirt's client: the URI and auth.conf, then the callback for what
 * these lack. An entry of auth.conf for another user than the URI's does not count. Throws AUTHENTICATION_FAILED.
 */
export async function findCredentials(
  { uri, environment, callback }: CredentialSources,
  mechanism: string,
  signal: AbortSignal | undefined,
): Promise<FoundCredentials> {
  if (uri.user !== undefined && uri.password !== undefined) {
    return { user: uri.user, password: uri.password, source: 'the URI' };
  }
  const file = credentialsFromFile(uri, environment);
  const applies = file && (uri.user === undefined || file.user === undefined || file.user === uri.user);
  const user = uri.user ?? file?.user;
  if (applies && user !== undefined && file.password !== undefined) {
    return { user, password: file.password, source: file.path };
  }
  if (callback) {
    const given: unknown = await callback({ host: uri.host, mechanism, user, signal });
    if (isCredentials(given))
      return { user: given.user, password: given.password, source: 'the callback `credentials`' };
    throw new LibvirtCanonicalError('ARGUMENT_INVALID', 'credentials gave no { user, password } with two strings', {
      path: 'credentials',
    });
  }
  throw new LibvirtCanonicalError(
    'AUTHENTICATION_FAILED',
    'the daemon asks for a user and a password, and there are none',
    {
      remedy: `Put them into auth.conf under [auth-libvirt-${uri.host}] (authfile=PATH names another file), or give \`credentials\` to connect`,
    },
  );
}

function isCredentials(value: unknown): value is Credentials {
  if (typeof value !== 'object' || value === null) return false;
  const { user, password } = value as Partial<Record<string, unknown>>;
  return typeof user === 'string' && user !== '' && typeof password === 'string';
}
