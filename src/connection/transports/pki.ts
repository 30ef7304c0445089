import { readFileSync } from 'node:fs';
import { LibvirtCanonicalError } from '../../errors.js';
import { systemCode } from './connect-unix.js';
import type { Environment } from './environment.js';
import { type ConnectionUri, isSet } from './uri.js';

/** Certificates and keys in PEM, with the paths they came from. */
export interface Pki {
  readonly ca: PkiFile | undefined;
  /** Certificates that were withdrawn. */
  readonly crl: PkiFile | undefined;
  /** Ours, where we have one. */
  readonly client: { readonly cert: PkiFile; readonly key: PkiFile } | undefined;
  /** Where our certificate is looked for first, for messages. */
  readonly clientPath: string;
}

export interface PkiFile {
  readonly path: string;
  readonly pem: string;
}

/** Where the files of one place are. */
interface PkiPaths {
  readonly ca: string;
  readonly crl: string;
  readonly cert: string;
  readonly key: string;
}

const inOneFolder = (folder: string): PkiPaths => ({
  ca: `${folder}/cacert.pem`,
  crl: `${folder}/cacrl.pem`,
  cert: `${folder}/clientcert.pem`,
  key: `${folder}/clientkey.pem`,
});

const systemPaths = (folder: string): PkiPaths => ({
  ca: `${folder}/CA/cacert.pem`,
  crl: `${folder}/CA/cacrl.pem`,
  cert: `${folder}/libvirt/clientcert.pem`,
  key: `${folder}/libvirt/private/clientkey.pem`,
});

/**
 * Reads the certificates where libvirt's client does: in `pkipath`, where CA, certificate and key must all be; else in
 * ~/.pki/libvirt unless the user is root, and in /etc/pki, the CA and the pair of certificate and key each for itself.
 * The list of withdrawn certificates may be missing everywhere. Throws AUTHENTICATION_FAILED for a file that is needed
 * and cannot be read. Only `no_verify` does without a CA.
 */
export function readPki(uri: ConnectionUri, environment: Environment): Pki {
  const pkipath = uri.parameters.get('pkipath');
  if (pkipath !== undefined) {
    const paths = inOneFolder(pkipath);
    return {
      ca: needed(paths.ca, 'CA certificate'),
      crl: optional(paths.crl),
      client: { cert: needed(paths.cert, 'client certificate'), key: needed(paths.key, 'key') },
      clientPath: paths.cert,
    };
  }
  const system = systemPaths(environment.systemPki);
  const places = environment.root ? [system] : [inOneFolder(`${environment.home}/.pki/libvirt`), system];
  const ca = firstOf(places.map((place) => place.ca));
  const client = places
    .map((place) => ({ cert: optional(place.cert), key: place.key }))
    .find((pair): pair is { cert: PkiFile; key: string } => pair.cert !== undefined);
  return {
    ca: ca ?? (isSet(uri, 'no_verify') ? undefined : needed(system.ca, 'CA certificate')),
    crl: firstOf(places.map((place) => place.crl)),
    client: client && { cert: client.cert, key: needed(client.key, 'key') },
    clientPath: (places[0] ?? system).cert,
  };
}

function firstOf(paths: readonly string[]): PkiFile | undefined {
  for (const path of paths) {
    const file = optional(path);
    if (file) return file;
  }
  return undefined;
}

function optional(path: string): PkiFile | undefined {
  try {
    return { path, pem: readFileSync(path, 'utf8') };
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return undefined;
    throw unreadable(path, 'certificate', error);
  }
}

function needed(path: string, what: string): PkiFile {
  try {
    return { path, pem: readFileSync(path, 'utf8') };
  } catch (error) {
    throw unreadable(path, what, error);
  }
}

const unreadable = (path: string, what: string, error: unknown): LibvirtCanonicalError =>
  new LibvirtCanonicalError('AUTHENTICATION_FAILED', `the ${what} ${path} cannot be read (${systemCode(error)})`, {
    cause: error,
    remedy: 'Put it there, or name the folder of cacert.pem, clientcert.pem and clientkey.pem: pkipath=PATH',
  });
