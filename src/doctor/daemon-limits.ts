import { type CallOptions, type Connection, isNoAdmin, LibvirtError, paramsToObject } from '../connection/index.js';
import type { HostFiles } from '../host/index.js';
import { type DoctorCode, type Found, found } from './finding.js';

/** A limit of the daemon: its key in the configuration file and libvirt's default, which is the least that is found enough. */
interface LimitRow {
  readonly code: DoctorCode;
  readonly key: string;
  readonly standard: number;
  /** Its name in the admin protocol, for those that it has. */
  readonly admin?: string;
}

/** Defaults as libvirtd.conf documents them, libvirt 9.0.0 to 11.3.0. */
const LIMITS: readonly LimitRow[] = [
  { code: 'daemon-clients', key: 'max_clients', standard: 5000, admin: 'nclients_max' },
  { code: 'daemon-clients', key: 'max_anonymous_clients', standard: 20, admin: 'nclients_unauth_max' },
  { code: 'daemon-workers', key: 'max_workers', standard: 20, admin: 'maxWorkers' },
  { code: 'daemon-prio-workers', key: 'prio_workers', standard: 5, admin: 'prioWorkers' },
  { code: 'daemon-requests', key: 'max_client_requests', standard: 5 },
];
/** Fewer clients than libvirt's default are found too few below this: it is generous. */
const FEW_CLIENTS = 100;
/** Seconds after which a daemon with the default keepalive, 5 s × (5 + 1), has noticed twice over that a client is gone. */
const LONG_SILENCE = 60;

/** Where the limits of a daemon may be read, beside its admin socket. */
export interface LimitSources {
  readonly files: HostFiles;
  /** The daemon's configuration file, when the caller knows it. */
  readonly daemonConfig: string | undefined;
}

/** Limits of the daemon that are too small for programs: by the admin protocol where it can be had, else by the file. */
export async function checkDaemonLimits(
  connection: Connection,
  { files, daemonConfig }: LimitSources,
  options: CallOptions,
): Promise<Found[]> {
  const [admin, config] = await Promise.all([byAdmin(connection, options), byFile(connection, files, daemonConfig)]);
  const results = LIMITS.flatMap((row): Found[] => {
    const inForce = row.admin === undefined ? undefined : admin?.[row.admin];
    const value = inForce ?? (config && (config.get(row.key) ?? row.standard));
    if (value === undefined || value >= Math.min(row.standard, FEW_CLIENTS)) return [];
    return [
      found(
        row.code,
        `${row.key} of the daemon is ${value}`,
        `Set ${row.key} to ${row.standard}, libvirt's default, or more, in the daemon's configuration file`,
      ),
    ];
  });
  if (admin) results.push(...fullness(admin));
  if (config) results.push(...keepalive(config));
  if (!admin || !config) results.push(unread(admin !== undefined, config !== undefined));
  return results;
}

function unread(admin: boolean, config: boolean): Found {
  const seen = admin
    ? 'max_client_requests and keepalive could not be read: they are in the configuration file only'
    : config
      ? 'the limits are those of the configuration file: the admin socket, which has those in force, cannot be used'
      : 'neither the admin socket nor the configuration file of the daemon can be read';
  return found(
    'daemon-limits-unread',
    seen,
    "Run it on the host as the daemon's user, and give daemonConfig, or files for another host",
  );
}

function fullness({ nclients = 0, nclients_max: max = 0 }: Record<string, number>): Found[] {
  if (max === 0 || nclients < max * 0.8) return [];
  return [
    found(
      'daemon-clients-full',
      `${nclients} of ${max} clients are connected`,
      'Close connections that nobody uses, or raise max_clients',
    ),
  ];
}

function keepalive(config: ReadonlyMap<string, number>): Found[] {
  const interval = config.get('keepalive_interval') ?? 5;
  const silence = interval * ((config.get('keepalive_count') ?? 5) + 1);
  if (interval > 0 && silence <= LONG_SILENCE) return [];
  const seen =
    interval > 0
      ? `the daemon notices after ${silence} s that a client is gone`
      : 'keepalive_interval of the daemon is off';
  return [found('daemon-keepalive', seen, 'Set keepalive_interval = 5 and keepalive_count = 5')];
}

/** The limits in force; undefined where there is no admin socket for this process. */
async function byAdmin(connection: Connection, options: CallOptions): Promise<Record<string, number> | undefined> {
  try {
    const { servers } = await connection.call('ADMIN_CONNECT_LIST_SERVERS', { need_results: 1, flags: 0 }, options);
    const srv = servers.find(({ name }) => name !== 'admin');
    if (!srv) return undefined;
    const [clients, pool] = await Promise.all([
      connection.call('ADMIN_SERVER_GET_CLIENT_LIMITS', { srv, flags: 0 }, options),
      connection.call('ADMIN_SERVER_GET_THREADPOOL_PARAMETERS', { srv, flags: 0 }, options),
    ]);
    return paramsToObject([...clients.params, ...pool.params]) as Record<string, number>;
  } catch (error) {
    if (isNoAdmin(error) || error instanceof LibvirtError) return undefined;
    throw error;
  }
}

/** The numbers of the configuration file; undefined where it cannot be read. */
async function byFile(
  connection: Connection,
  files: HostFiles,
  given: string | undefined,
): Promise<Map<string, number> | undefined> {
  const places = given === undefined ? await usual(connection, files) : [given];
  for (const path of places) {
    try {
      const text = Buffer.from(await files.read(path)).toString('utf8');
      const all = [...text.matchAll(/^[ \t]*(\w+)[ \t]*=[ \t]*"?(-?\d+)"?/gm)];
      // libvirt takes the first of two lines with one key.
      return new Map(all.reverse().map(([, key = '', value]) => [key, Number(value)]));
    } catch {}
  }
  return undefined;
}

/** The system daemon's file, the modular one's where that daemon is; a daemon at another socket can have any. */
async function usual({ uri }: Connection, files: HostFiles): Promise<string[]> {
  if (!/\/system(\?|$)/.test(uri) || /[?&;]socket=/.test(uri)) return [];
  const modular = (await files.look('/run/libvirt/virtqemud-sock')) === 'there';
  return modular ? ['/etc/libvirt/virtqemud.conf'] : ['/etc/libvirt/libvirtd.conf'];
}
