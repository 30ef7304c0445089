import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { AbortedError, LibvirtCanonicalError } from '../errors.js';
import { HostSetupError } from './errors.js';
import type { Launch } from './kvm.js';

const READY_WITHIN = 30_000;
const STOP_WITHIN = 15_000;
const POLL = 5;

/** How one libvirtd is run. */
export interface DaemonSetup {
  /** For messages; what is run is `launch`. */
  readonly program: string;
  readonly launch: Launch;
  readonly socket: string;
  readonly logFile: string;
  readonly log: 'none' | 'stderr';
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
}

/** One libvirtd process at a time, started and stopped on demand. Its QEMUs do not belong to it and live on. */
export class Daemon {
  readonly #setup: DaemonSetup;
  #child: ChildProcess | undefined;
  #spawnError: Error | undefined;

  constructor(setup: DaemonSetup) {
    this.#setup = setup;
  }

  get pid(): number | undefined {
    const pid = this.#running ? this.#child?.pid : undefined;
    if (pid === undefined || !this.#setup.launch.wrapped) return pid;
    const [own] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    return own ? Number(own) : pid;
  }

  get #running(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Starts the daemon unless it runs, and returns once it accepts connections. */
  async start(signal?: AbortSignal): Promise<void> {
    const { launch, socket, logFile, log, directory, env } = this.#setup;
    if (!this.#running) {
      const output = openSync(logFile, 'a');
      this.#spawnError = undefined;
      this.#child = spawn(launch.program, launch.args, {
        cwd: directory,
        env,
        stdio: ['ignore', output, log === 'stderr' ? 'inherit' : output],
        ...launch.ids,
      });
      closeSync(output);
      this.#child.once('error', (error) => {
        this.#spawnError = error;
      });
      this.#child.unref();
    }
    const deadline = performance.now() + READY_WITHIN;
    while (!(await accepts(socket))) {
      if (signal?.aborted) throw new AbortedError('The start of the private host', signal.reason);
      if (this.#spawnError || !this.#running) throw this.#failure('ended at its start', this.#spawnError);
      if (performance.now() > deadline)
        throw this.#failure(`did not listen on ${socket} within ${READY_WITHIN / 1000} s`);
      await sleep(POLL);
    }
  }

  /** Sends a signal and waits for the end of the process. Does nothing when it does not run. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || !this.#running) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.ref();
    process.kill(this.pid ?? (child.pid as number), signal);
    const late = new AbortController();
    const inTime = await Promise.race([
      ended.then(() => true),
      sleep(STOP_WITHIN, false, { signal: late.signal }).catch(() => false),
    ]);
    late.abort();
    if (inTime) return;
    child.unref();
    throw new LibvirtCanonicalError(
      'TIMEOUT',
      `${this.#setup.program} (pid ${child.pid}) did not end within ${STOP_WITHIN / 1000} s of ${signal}`,
      {
        remedy: "Use killDaemon('SIGKILL') where a hung daemon is expected",
      },
    );
  }

  /** Waits for the end of a process that somebody else kills. */
  async ended(): Promise<void> {
    const child = this.#child;
    if (!child || !this.#running) return;
    child.ref();
    await new Promise((resolve) => child.once('exit', resolve));
  }

  #failure(what: string, cause?: Error): HostSetupError {
    const tail = readFileSync(this.#setup.logFile, 'utf8').trim().split('\n').slice(-12).join('\n');
    return new HostSetupError(`${this.#setup.program} ${what}${tail ? `; it said:\n${tail}\n` : ''}`, { cause });
  }
}

function accepts(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const attempt = connect(socket);
    const answer = (accepted: boolean) => () => {
      attempt.destroy();
      resolve(accepted);
    };
    attempt.once('connect', answer(true)).once('error', answer(false));
  });
}
