import { existsSync, readFileSync } from 'node:fs';
import { LibvirtCanonicalError } from '../../errors.js';
import { systemCode } from '../transports/connect-unix.js';
import { clientConfigDirectory, type Environment } from '../transports/environment.js';
import type { ConnectionUri } from '../transports/uri.js';

/** What a file of credentials has for a host. */
export interface FileCredentials {
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly path: string;
}

/**
 * Reads the credentials for a host from libvirt's auth.conf: that of LIBVIRT_AUTH_FILE, else of `authfile=`, else the
 * user's, else the system's. Undefined where there is no file or nothing in it for the host. Throws
 * AUTHENTICATION_FAILED for a file that was named, or is there, and cannot be read or understood.
 */
export function credentialsFromFile(uri: ConnectionUri, environment: Environment): FileCredentials | undefined {
  const named = environment.variables.LIBVIRT_AUTH_FILE || uri.parameters.get('authfile');
  const path = named ?? usualPaths(environment).find((candidate) => existsSync(candidate));
  if (path === undefined) return undefined;
  const groups = parseAuthFile(read(path), path);
  const entry = groups.get(`auth-libvirt-${uri.host}`) ?? groups.get('auth-libvirt-default');
  if (!entry) return undefined;
  const name = entry.get('credentials');
  const credentials = groups.get(`credentials-${name}`);
  if (!credentials) {
    throw invalid(path, name ? `there is no [credentials-${name}]` : `an [auth-libvirt-…] has no credentials=`);
  }
  return { user: credentials.get('authname'), password: credentials.get('password'), path };
}

/** Reads `[group]` and `key=value` as GLib's key files write them. No value is ever in an error. */
export function parseAuthFile(text: string, path: string): Map<string, Map<string, string>> {
  const groups = new Map<string, Map<string, string>>();
  let group: Map<string, string> | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const name = /^\[([^[\]]+)\]$/.exec(line)?.[1];
    const equals = line.indexOf('=');
    if (name !== undefined) {
      group = groups.get(name) ?? new Map();
      groups.set(name, group);
    } else if (group && equals > 0) {
      group.set(line.slice(0, equals).trim(), line.slice(equals + 1).trim());
    } else {
      throw invalid(path, `line ${index + 1} is neither [group] nor key=value`);
    }
  }
  return groups;
}

function usualPaths(environment: Environment): string[] {
  return [clientConfigDirectory(environment), environment.systemConfig].map((folder) => `${folder}/auth.conf`);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new LibvirtCanonicalError(
      'AUTHENTICATION_FAILED',
      `the credentials in ${path} cannot be read (${systemCode(error)})`,
      { cause: error, remedy: 'Check LIBVIRT_AUTH_FILE, or authfile= of the URI, and the rights of the file' },
    );
  }
}

const invalid = (path: string, what: string): LibvirtCanonicalError =>
  new LibvirtCanonicalError('AUTHENTICATION_FAILED', `${path} cannot be used: ${what}`, {
    remedy: 'Write [credentials-NAME] with authname= and password=, and [auth-libvirt-HOST] with credentials=NAME',
  });
