import { readFileSync } from 'node:fs';
import { clientConfigDirectory, type Environment } from './environment.js';

/** What libvirt.conf says about URIs. */
export interface ClientConfig {
  readonly uriDefault: string | undefined;
  /** Short name → URI. */
  readonly aliases: ReadonlyMap<string, string>;
}

const ALIAS = /^[A-Za-z0-9_-]+$/;

/** The URI to connect to: the one given, else LIBVIRT_DEFAULT_URI, else `uri_default`; aliases are replaced. '' if nothing names one. */
export function resolveUri(given: string | undefined, environment: Environment): string {
  const named = given || environment.variables.LIBVIRT_DEFAULT_URI;
  if (named && !ALIAS.test(named)) return named;
  const config = readClientConfig(environment);
  const uri = named || config.uriDefault || '';
  return config.aliases.get(uri) ?? uri;
}

function readClientConfig(environment: Environment): ClientConfig {
  try {
    return parseClientConfig(readFileSync(`${clientConfigDirectory(environment)}/libvirt.conf`, 'utf8'));
  } catch {
    return { uriDefault: undefined, aliases: new Map() };
  }
}

/** Reads `uri_default` and `uri_aliases`; other keys of libvirt.conf are not about the client's URI. */
export function parseClientConfig(text: string): ClientConfig {
  const bare = text.replace(/^\s*#.*$/gm, '');
  const uriDefault = /^\s*uri_default\s*=\s*(["'])(.*?)\1/m.exec(bare)?.[2];
  const list = /^\s*uri_aliases\s*=\s*\[([^\]]*)\]/m.exec(bare)?.[1] ?? '';
  const aliases = new Map<string, string>();
  for (const [, , entry = ''] of list.matchAll(/(["'])(.*?)\1/g)) {
    const equals = entry.indexOf('=');
    const name = entry.slice(0, equals).trim();
    if (equals > 0 && ALIAS.test(name)) aliases.set(name, entry.slice(equals + 1).trim());
  }
  return { uriDefault, aliases };
}
