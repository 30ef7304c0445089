import type { ConnectOptions } from '../connection/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import type { HostFiles } from '../host/index.js';
import type { MigrationOptions } from '../migration/index.js';
import { meant } from '../nearest.js';
import {
  ANYTHING,
  checkOptions,
  group,
  methods,
  OBJECT,
  type OptionTable,
  PERIOD,
  SIGNAL,
  shown,
  TEXT,
} from '../options.js';

/** What a host has been given by people, such as `{ rack: '1' }`. */
export type HostLabels = Readonly<Record<string, string>>;

/** What a migration to one host takes, whatever the domain and wherever it comes from. */
export type HostMigration = Pick<MigrationOptions, 'uri' | 'listenAddress' | 'disksUri' | 'tls' | 'paths' | 'graphics'>;

/** A host of a fleet: where it is, and what is to be known of it. */
export interface FleetHostSpec {
  readonly uri: string;
  readonly labels?: HostLabels | undefined;
  /** How domains come to it by migration: options of `migrate` that are this host's own. */
  readonly migration?: HostMigration | undefined;
  /** A way to its files, when it is not this machine: to look for images, and to write UEFI variables and TPM state at an evacuation. */
  readonly files?: HostFiles | undefined;
  /** How to connect to it: credentials, keepalive and so on. */
  readonly connect?: Omit<ConnectOptions, 'signal'> | undefined;
}

/** What `Fleet.open` takes. */
export interface FleetOptions {
  /** The hosts by their names in this fleet: a URI each, or more. */
  readonly hosts: Readonly<Record<string, string | FleetHostSpec>>;
  /** Milliseconds that a host has to answer one question, connecting included. Default 10,000. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The names of a fleet's hosts, as a closed list: of another one the nearest is told. */
export function checkHostName(method: string, path: string, name: unknown, names: readonly string[]): void {
  if (names.includes(name as string)) return;
  throw new LibvirtCanonicalError('ARGUMENT_INVALID', `${method}: ${path}: there is no host ${shown(name)} here`, {
    path,
    remedy: `${meant(name, names)}The hosts are ${names.join(', ')}`,
  });
}

/** The same of each name in a list; none is given when the list is left out. */
export function checkHostNames(
  method: string,
  path: string,
  given: readonly string[] | undefined,
  names: readonly string[],
): void {
  for (const [at, name] of (given ?? []).entries()) checkHostName(method, `${path}[${at}]`, name, names);
}

const HOST: OptionTable<FleetHostSpec> = {
  uri: TEXT,
  labels: OBJECT,
  migration: group<HostMigration>({
    uri: TEXT,
    listenAddress: TEXT,
    disksUri: TEXT,
    tls: ANYTHING,
    paths: OBJECT,
    graphics: OBJECT,
  }),
  files: methods('a way to the files of a host', 'look', 'read', 'write', 'remove', 'list'),
  connect: OBJECT,
};

/** Checks what a fleet is made of: `ARGUMENT_INVALID` by the path of what is wrong. Options of `connect` are checked by it. */
export function hostsOf(given: FleetOptions): ReadonlyArray<readonly [name: string, spec: FleetHostSpec]> {
  checkOptions<FleetOptions>(
    'Fleet.open',
    given ?? null,
    { hosts: OBJECT, timeout: PERIOD, signal: SIGNAL },
    { needs: ['hosts'] },
  );
  const hosts = Object.entries(given.hosts).map(([name, value]) => [name, specOf(name, value)] as const);
  if (hosts.length === 0) throw wrong('hosts', 'there is none', 'Give at least one: { hosts: { a: uri } }');
  return hosts;
}

function specOf(name: string, value: string | FleetHostSpec): FleetHostSpec {
  const path = `hosts.${name}`;
  if (name === '' || name.trim() !== name) throw wrong('hosts', `${shown(name)} is no name for a host`);
  if (typeof value === 'string') return specOf(name, { uri: value });
  checkOptions(`Fleet.open: ${path}`, value ?? null, HOST, { needs: ['uri'] });
  for (const [label, text] of Object.entries(value.labels ?? {}))
    if (typeof text !== 'string') throw wrong(`${path}.labels.${label}`, `must be a text, got ${shown(text)}`);
  return { ...value, labels: Object.freeze({ ...value.labels }) };
}

function wrong(path: string, problem: string, remedy?: string): LibvirtCanonicalError {
  return new LibvirtCanonicalError(
    'ARGUMENT_INVALID',
    `Fleet.open: ${path} ${problem}`,
    remedy === undefined ? { path } : { path, remedy },
  );
}
