import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { AbortedError } from '../../errors.js';
import { connectUnix, systemCode } from './connect-unix.js';
import type { Environment } from './environment.js';
import type { SocketChoice } from './sockets.js';

const RETRIES = 500;
const RETRY_DELAY = 10;
const DIRECTORIES = ['/usr/sbin', '/usr/local/sbin', '/usr/bin', '/usr/local/bin'];

/**
 * Connects to the user's own daemon and starts it if it does not run, as libvirt's client does: once, in the
 * background, ending by itself after two idle minutes. Two clients that start it at the same time do no harm, since
 * the daemon's pid file lets only one live.
 */
export async function connectSession(
  choice: SocketChoice,
  environment: Environment,
  signal?: AbortSignal,
): Promise<Socket> {
  try {
    return await connectUnix(choice.path, signal);
  } catch (error) {
    const binary = mayStart(error, environment) ? findDaemon(choice.daemon, environment) : undefined;
    if (!binary) throw error;
    start(binary);
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await connectUnix(choice.path, signal);
    } catch (error) {
      if (attempt === RETRIES || !notThere(error)) throw error;
    }
    try {
      await sleep(RETRY_DELAY, undefined, signal ? { signal } : {});
    } catch {
      throw new AbortedError('connecting', signal?.reason);
    }
  }
}

const notThere = (error: unknown): boolean => ['ENOENT', 'ECONNREFUSED'].includes(systemCode(error));

function mayStart(error: unknown, { variables }: Environment): boolean {
  return notThere(error) && variables.LIBVIRT_AUTOSTART !== '0';
}

function findDaemon(daemon: string, { variables }: Environment): string | undefined {
  const named = daemon === 'libvirtd' ? variables.LIBVIRTD_PATH : variables[`${daemon.toUpperCase()}_PATH`];
  const directories = [...DIRECTORIES, ...(variables.PATH ?? '').split(':').filter(Boolean)];
  return [...(named ? [named] : []), ...directories.map((directory) => `${directory}/${daemon}`)].find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function start(binary: string): void {
  const daemon = spawn(binary, ['--timeout=120'], { detached: true, stdio: 'ignore' });
  // A daemon that cannot be started shows itself as a socket that never comes.
  daemon.once('error', () => {});
  daemon.unref();
}
