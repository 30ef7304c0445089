import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { type Connection, type ConnectOptions, connect } from '../connection/index.js';
import { AbortedError, LibvirtCanonicalError } from '../errors.js';
import { type Account, handOverTree, hostAccount } from './account.js';
import { createDiskImage, createMedium, type DiskOptions } from './disk-image.js';
import { displayPorts } from './display-ports.js';
import { HostSetupError } from './errors.js';
import { Guest, type GuestOptions } from './guest.js';
import { type HostPlace, type Installed, install } from './installed.js';
import { assertRoot, Namespaces, prepareNamespaces, SYSTEM_CONFIG } from './privileged.js';
import { findProgram, SEARCH_PATH } from './programs.js';
import { Reaper } from './reaper.js';

/** Longest directory that leaves room for QEMU's monitor socket below it: a socket path ends at 107 bytes. */
const LONGEST_DIRECTORY = 40;

export interface PrivateHostOptions {
  /** Ends the start. What was started by then is cleaned up. */
  readonly signal?: AbortSignal;
  /** Parent of the host's directory. Default `os.tmpdir()`. Every user on the way to it must be able to enter it. */
  readonly directory?: string;
  /** The daemon: a name or a path of `libvirtd` or `virtqemud`, or of a script that ends in `exec` of one. */
  readonly libvirtd?: string;
  /** Added to the daemon's environment, which holds `PATH`, `HOME`, `TMPDIR` and the `XDG_…` of the host and nothing else. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * A system daemon instead, for what session mode refuses: bridges, tuning by control groups. Root only. Daemon and
   * domains live in mount, network and process namespaces of their own, without /dev/kvm; nothing of the machine's own
   * libvirt is touched. See {@link privilegedProblem}.
   */
  readonly privileged?: boolean;
  /**
   * A folder with another release's libvirt and QEMU, which the daemon and its domains run in: see {@link prepareHostRoot}.
   * Root only, and not with `privileged`. {@link PrivateHost.restartDaemon} goes from one to another.
   */
  readonly root?: string;
  /** Lines for the daemon's configuration file, before the host's own: the first of two lines with one key counts. */
  readonly config?: string;
  /** Whether the daemon listens on the network too (`--listen`), as `config` says: `listen_tls`, `listen_tcp` … */
  readonly listen?: boolean;
  /** Where the daemon's messages go. `none` (default): into `libvirtd.log` of the host's directory, quoted when a start fails. */
  readonly log?: 'none' | 'stderr';
}

/**
 * A real libvirtd of one's own: started without privileges, with its state in one directory, apart from the machine's
 * libvirt. Run as root it runs as the user `nobody`. Domains must be of `type='qemu'`.
 *
 * Disposal leaves no process and no file, and so does the death of the calling process, `SIGKILL` included.
 *
 * @example
 * await using host = await PrivateHost.start();
 * const connection = await connect(host.uri);
 */
export class PrivateHost implements AsyncDisposable {
  /** Connect here: `qemu+unix:///session?socket=…`. */
  readonly uri: string;
  /** Holds everything of this host. Removed by {@link stop}. */
  readonly directory: string;
  /** The host's UUID as libvirt reports it; no two hosts share one, so migration between them is possible. */
  readonly hostUuid: string;

  readonly #account: Account;
  readonly #reaper: Reaper;
  readonly #reinstall: (root: string | undefined) => Promise<Installed>;
  #installed: Installed;
  readonly #namespaces: Namespaces | undefined;
  readonly #guests: Guest[] = [];
  readonly #connections: Connection[] = [];
  #stopping: Promise<void> | undefined;

  private constructor(parts: {
    directory: string;
    socket: string;
    hostUuid: string;
    account: Account;
    reaper: Reaper;
    reinstall: (root: string | undefined) => Promise<Installed>;
    installed: Installed;
    namespaces: Namespaces | undefined;
  }) {
    this.directory = parts.directory;
    this.uri = `qemu+unix:///${parts.namespaces ? 'system' : 'session'}?socket=${encodeURIComponent(parts.socket).replaceAll('%2F', '/')}`;
    this.hostUuid = parts.hostUuid;
    this.#account = parts.account;
    this.#reaper = parts.reaper;
    this.#reinstall = parts.reinstall;
    this.#installed = parts.installed;
    this.#namespaces = parts.namespaces;
  }

  /**
   * Starts a host and returns when its daemon accepts connections.
   *
   * @throws HostSetupError `HOST_SETUP`: what is missing and what installs it, or the daemon's last words
   * @throws AbortedError `ABORTED`: the signal fired
   */
  static async start(options: PrivateHostOptions = {}): Promise<PrivateHost> {
    if (options.signal?.aborted) throw new AbortedError('The start of the private host', options.signal.reason);
    const program = findProgram(...(options.libvirtd ? [options.libvirtd] : ['libvirtd', 'virtqemud']));
    if (options.privileged) assertRoot();
    const account = hostAccount();
    const directory = makeDirectory(resolve(options.directory ?? tmpdir()), account);
    const reaper = new Reaper(directory);
    try {
      // A wrapper script has a name of its own; it is taken for a libvirtd.
      const daemonName = basename(program) === 'virtqemud' ? 'virtqemud' : 'libvirtd';
      const hostUuid = randomUUID();
      const place = (...parts: string[]) => join(directory, ...parts);
      for (const folder of ['run', 'etc/libvirt', 'cache', 'data', 'tmp', 'images'])
        mkdirSync(place(folder), { recursive: true });
      chmodSync(place('run'), options.privileged ? 0o755 : 0o700);
      writeFileSync(
        place('etc/libvirt', `${daemonName}.conf`),
        `${options.config ?? ''}\nhost_uuid = "${hostUuid}"\nlog_outputs = "3:stderr"\n${options.privileged ? SYSTEM_CONFIG : ''}`,
      );
      if (options.privileged) prepareNamespaces(directory, account);
      else writeFileSync(place('etc/libvirt/qemu.conf'), displayPorts());
      handOverTree(directory, account);
      const env = {
        ...options.env,
        PATH: SEARCH_PATH.join(':'),
        HOME: directory,
        TMPDIR: place('tmp'),
        XDG_RUNTIME_DIR: place('run'),
        XDG_CONFIG_HOME: place('etc'),
        XDG_CACHE_HOME: place('cache'),
        XDG_DATA_HOME: place('data'),
      };
      const namespaces = options.privileged ? await Namespaces.open(directory, env, options.signal) : undefined;
      const socket = place('run/libvirt', daemonName === 'virtqemud' ? 'virtqemud-sock' : 'libvirt-sock');
      const args = options.listen ? ['--listen'] : [];
      const setting: HostPlace = { directory, account, env, socket, args, log: options.log ?? 'none', namespaces };
      const reinstall = (root: string | undefined) =>
        install(setting, root === undefined ? program : daemonName, root && resolve(root));
      const installed = await reinstall(options.root);
      await installed.daemon.start(options.signal);
      return new PrivateHost({ directory, socket, hostUuid, account, reaper, reinstall, installed, namespaces });
    } catch (error) {
      await reaper.reap();
      throw error;
    }
  }

  /**
   * A connection to this host, closed by {@link stop} if it was not before. It knows where the logs of domains are.
   *
   * @example
   * await using host = await PrivateHost.start();
   * const manager = new DomainManager(await host.connect());
   */
  async connect(options: ConnectOptions = {}): Promise<Connection> {
    const connection = await connect(this.uri, { logDirectory: this.logDirectory, ...options });
    this.#connections.push(connection);
    return connection;
  }

  /** Of the daemon, e.g. `9.0.0`. */
  get libvirtVersion(): string {
    return this.#installed.libvirtVersion;
  }

  /** Whether it is a system daemon: {@link PrivateHostOptions.privileged}. */
  get privileged(): boolean {
    return this.#namespaces !== undefined;
  }

  /**
   * Runs a program where a privileged host's daemon is, as root, and returns what it printed: `ip`, `tc`, `nft` …
   *
   * @throws HostSetupError `HOST_SETUP`: it failed, with its complaint, or the host is not privileged
   */
  async run(program: string, ...args: readonly string[]): Promise<string> {
    if (!this.#namespaces)
      throw new HostSetupError('Only a privileged host has a network of its own', {
        remedy: 'Start it with `privileged: true`',
      });
    return this.#namespaces.run(program, ...args);
  }

  /** Makes a bridge in the network of a privileged host, for `<interface type='bridge'>`. Needs `ip`. */
  async createBridge(name: string): Promise<void> {
    await this.run('ip', 'link', 'add', name, 'type', 'bridge');
    await this.run('ip', 'link', 'set', name, 'up');
  }

  /** Process id of the daemon; `undefined` while it is not running. */
  get pid(): number | undefined {
    return this.#installed.daemon.pid;
  }

  /** Starts the daemon again after {@link killDaemon}. Does nothing when it runs. */
  async startDaemon(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (this.#stopping) throw new LibvirtCanonicalError('CONNECTION_CLOSED', 'The private host has been stopped');
    await this.#installed.daemon.start(options.signal);
  }

  /**
   * Ends the daemon in good order (`SIGTERM`) and starts it again. Running domains go on. With `root` it is from then on the
   * release in that folder that runs over the same state, as after an upgrade of the host; `'/'` is the machine's own.
   */
  async restartDaemon(options: { readonly signal?: AbortSignal; readonly root?: string } = {}): Promise<void> {
    const { root = this.#installed.root ?? '/', signal } = options;
    const before = this.#installed;
    await before.daemon.end('SIGTERM');
    if (root !== (before.root ?? '/')) {
      before.capabilities.harvest();
      this.#installed = await this.#reinstall(root === '/' ? undefined : root);
    }
    await this.startDaemon(signal ? { signal } : {});
  }

  /** Ends the daemon and leaves it so, by default without warning. Running domains go on. */
  async killDaemon(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#installed.daemon.end(signal);
  }

  /**
   * What a power cut does: the daemon and all guests end at once, and so does what a host keeps in memory (`/run`); files stay.
   * {@link startDaemon} is the host's next boot, at which libvirt starts the domains with autostart. Of an unprivileged host.
   *
   * @throws HostSetupError `HOST_SETUP`: the host is privileged, or its processes do not end
   */
  async cutPower(): Promise<void> {
    if (this.#namespaces)
      throw new HostSetupError('The namespaces of a privileged host would go with its processes', {
        remedy: 'Start it without `privileged`',
      });
    await this.#installed.daemon.end('SIGKILL');
    await this.#reaper.killAll();
    const folder = join(this.directory, 'run');
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
  }

  /** Makes an empty disk image that the host's QEMU may write, and returns its path. `name` must not be taken. */
  async createDisk(name: string, options: DiskOptions = {}): Promise<string> {
    const path = this.#image(name);
    await createDiskImage(path, options, this.#account);
    return path;
  }

  /** Makes a small raw image for a CD-ROM that begins with `content`, and returns its path. */
  async createMedium(name: string, content = name): Promise<string> {
    const path = this.#image(name);
    createMedium(path, content, this.#account);
    return path;
  }

  /**
   * Prepares the test guest for one domain: a small Linux that reports what devices it sees. See {@link Guest}.
   *
   * @throws HostSetupError `HOST_SETUP`: the guest's kernel has not been fetched yet
   */
  async guest(options: GuestOptions): Promise<Guest> {
    const guest = await Guest.prepare(this.directory, this.#account, options);
    this.#guests.push(guest);
    return guest;
  }

  /** Where the logs of its domains are, for `connect`. */
  get logDirectory(): string {
    return join(this.directory, this.privileged ? 'log/qemu' : 'cache/libvirt/qemu/log');
  }

  /** The QEMU log of a domain as libvirt keeps it: command lines, messages, and why it ended. Empty before its first start. */
  async logOf(domainName: string): Promise<string> {
    try {
      return readFileSync(join(this.logDirectory, `${domainName}.log`), 'utf8');
    } catch {
      return '';
    }
  }

  /** Kills the daemon and all domains, removes the directory, and returns when nothing is left. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      for (const guest of this.#guests) guest.close();
      await Promise.all(this.#connections.map((connection) => connection.close()));
      this.#installed.capabilities.harvest();
      await Promise.all([this.#reaper.reap(), this.#installed.daemon.ended()]);
    })();
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #image(name: string): string {
    if (name !== basename(name) || name === '' || name.startsWith('.')) {
      throw new LibvirtCanonicalError('SPEC_INVALID', `"${name}" is not a plain file name`, { path: 'name' });
    }
    return join(this.directory, 'images', name);
  }
}

function makeDirectory(parent: string, account: Account): string {
  if (Buffer.byteLength(parent) + '/lvc-XXXXXX'.length > LONGEST_DIRECTORY) {
    throw new HostSetupError(`The directory ${parent} is too long for the sockets below it`, {
      remedy: `Give \`directory\`, at most ${LONGEST_DIRECTORY - 11} bytes long, such as /tmp`,
    });
  }
  for (let folder = parent; account.switch && folder !== '/'; folder = dirname(folder)) {
    const { mode, uid } = statSync(folder);
    if (uid !== account.uid && !(mode & 0o001)) {
      throw new HostSetupError(`The user "${account.name}", whom the private host runs as, cannot enter ${folder}`, {
        remedy: 'Give a `directory` that everybody may enter, such as /tmp',
      });
    }
  }
  return mkdtempSync(join(parent, 'lvc-'));
}
