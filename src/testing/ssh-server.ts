import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Account, handOverTree, hostAccount } from './account.js';
import { HostSetupError } from './errors.js';
import { freePort } from './free-port.js';
import type { PrivateHost } from './private-host.js';
import { findProgram, run, SEARCH_PATH } from './programs.js';

const READY_WITHIN = 20_000;

export interface SshServerOptions {
  /** Lines added to the configuration of sshd. */
  readonly config?: string;
}

export interface SshUriOptions {
  /** Path of the URI. Default `/session`. */
  readonly path?: string;
  /** Parameters besides `command`, `keyfile`, `known_hosts` and `no_tty`; undefined takes one of these out. */
  readonly parameters?: Readonly<Record<string, string | undefined>>;
  /** Default: the user that the host runs as, the only one who may log in. */
  readonly user?: string;
}

/**
 * An sshd of a test's own on a loopback port, which leads to a private host: its user logs in there by a key made for it,
 * and finds the host's daemon as the session's. It ends with the host, at the latest.
 *
 * Run as root, the user `nobody` gets a shell in a mount namespace of the server's own, and nowhere else.
 *
 * @example
 * await using host = await PrivateHost.start();
 * await using server = await SshServer.start(host);
 * const connection = await connect(server.uri());
 */
export class SshServer implements AsyncDisposable {
  readonly port: number;
  /** Holds the keys `user` (which may log in), `other` (which may not) and `host`, `known_hosts`, and `ssh`, the client to use. */
  readonly directory: string;
  readonly #account: Account;
  readonly #config: string;
  #child: ChildProcess | undefined;
  #log = '';

  private constructor(port: number, directory: string, account: Account, config: string) {
    this.port = port;
    this.directory = directory;
    this.#account = account;
    this.#config = config;
  }

  /** @throws HostSetupError `HOST_SETUP`: what is missing, or what sshd said */
  static async start(host: PrivateHost, { config = '' }: SshServerOptions = {}): Promise<SshServer> {
    const account = hostAccount();
    const port = await freePort();
    const directory = join(host.directory, `ssh-${port}`);
    mkdirSync(join(directory, 'home'), { recursive: true });
    const file = (name: string): string => join(directory, name);
    for (const key of ['host', 'user', 'other']) {
      await run(findProgram('ssh-keygen'), ['-q', '-t', 'ed25519', '-N', '', '-f', file(key)]);
    }
    // Neither the user's configuration nor an agent is to have a say.
    const ssh = `#!/bin/sh\nexec ${findProgram('ssh')} -F none -o IdentitiesOnly=yes "$@"\n`;
    writeFileSync(file('ssh'), ssh, { mode: 0o755 });
    copyFileSync(file('user.pub'), file('authorized_keys'));
    writeFileSync(file('known_hosts'), `[127.0.0.1]:${port} ${readFileSync(file('host.pub'), 'utf8')}`);
    const passwd = readFileSync('/etc/passwd', 'utf8');
    const { name, uid, gid } = account;
    const entry = `${name}:x:${uid}:${gid}::${file('home')}:/bin/sh`;
    writeFileSync(file('passwd'), passwd.replace(new RegExp(`^${name}:.*$`, 'm'), entry));
    const server = new SshServer(port, directory, account, `${sshdConfig(host, port, directory)}${config}\n`);
    await server.restart();
    return server;
  }

  /** A URI that leads to the host's daemon by this server. */
  uri({ path = '/session', parameters = {}, user = this.#account.name }: SshUriOptions = {}): string {
    const all = {
      command: join(this.directory, 'ssh'),
      keyfile: join(this.directory, 'user'),
      known_hosts: join(this.directory, 'known_hosts'),
      no_tty: '1',
      ...parameters,
    };
    const query = Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
    return `qemu+ssh://${user}@127.0.0.1:${this.port}${path}?${query.join('&')}`;
  }

  /** Ends the server if it runs, with all that is logged in, and starts it on the same port. */
  async restart(): Promise<void> {
    await this.stop();
    const config = join(this.directory, 'sshd_config');
    writeFileSync(config, this.#config);
    handOverTree(this.directory, this.#account);
    const [program = '', ...args] = this.#command(config);
    const child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
      // The host's reaper knows its own by this.
      env: { PATH: SEARCH_PATH.join(':'), HOME: join(this.directory, 'home') },
    });
    this.#child = child;
    child.unref();
    await this.#listening(child);
  }

  /** Ends the server and all that is logged in. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.ref();
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** What the server has said so far. */
  get log(): string {
    return this.#log;
  }

  /**
   * sshd writes over its environment, by which the host's reaper would know it. So it has a parent that keeps its own, and
   * does not outlive that.
   */
  #command(config: string): string[] {
    const { uid, gid, switch: asRoot } = this.#account;
    const ids = asRoot ? ['--reuid', `${uid}`, '--regid', `${gid}`, '--clear-groups'] : [];
    const sshd = [findProgram('setpriv'), ...ids, '--pdeathsig', 'KILL', findProgram('sshd'), '-D', '-e', '-f', config];
    const shell = ['/bin/sh', '-c', '[ -z "$0" ] || mount --bind "$0" /etc/passwd || exit; "$@" & wait'];
    return asRoot
      ? [findProgram('unshare'), '--mount', ...shell, join(this.directory, 'passwd'), ...sshd]
      : [...shell, '', ...sshd];
  }

  #listening(child: ChildProcess): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (): void => {
        clearTimeout(timer);
        reject(new HostSetupError(`sshd did not start on port ${this.port}; it said:\n${this.#log}`));
      };
      const timer = setTimeout(failed, READY_WITHIN);
      child.once('error', failed).once('exit', failed);
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
        if (!/Server listening/.test(text)) return;
        clearTimeout(timer);
        child.off('error', failed).off('exit', failed);
        (child.stderr as unknown as { unref?(): void }).unref?.();
        resolve();
      });
    });
  }
}

/** sshd takes a user without a password for locked unless PAM says otherwise, and looks for no owner of its files here. */
function sshdConfig(host: PrivateHost, port: number, directory: string): string {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${directory}/host`,
    'PidFile none',
    `AuthorizedKeysFile ${directory}/authorized_keys`,
    'StrictModes no',
    'UsePAM yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'MaxStartups 100',
    'MaxSessions 100',
    `SetEnv XDG_RUNTIME_DIR=${host.directory}/run LIBVIRT_AUTOSTART=0`,
    '',
  ].join('\n');
}
