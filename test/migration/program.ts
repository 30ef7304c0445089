/** Another program that migrates, and is stopped or killed at moments of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { MigrationOptions } from '../../src/index.js';
import { within } from '../support/deadline.js';
import { eventually } from '../support/eventually.js';

/** When its call of that name has ended, well or not; `record`: it has written down what it is about to do; `sending`: the first MiB is sent. */
export type Moment = readonly [
  'stop' | 'kill',
  'record' | 'begin' | 'prepare' | 'sending' | 'perform' | 'finish' | 'confirm',
];

const CHILD = fileURLToPath(new URL('./migration-child.js', import.meta.url));
const MINUTES = 120_000;

export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(from: string, to: string, uuid: string, moments: readonly Moment[], options: MigrationOptions) {
    const args = [CHILD, from, to, uuid, JSON.stringify(moments), JSON.stringify(options)];
    this.#child = spawn(process.execPath, args, { stdio: 'inherit' });
    this.#ended = once(this.#child, 'exit');
  }

  /** Waits until it has stopped: its connections stay open, and it says nothing over them. */
  async stopped(): Promise<void> {
    await eventually(
      'the program has stopped',
      () => {
        if (this.#child.exitCode !== null || this.#child.signalCode !== null)
          throw new Error(`it has ended (${this.#child.exitCode ?? this.#child.signalCode})`);
        return / T /.test(readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8'));
      },
      MINUTES,
    );
  }

  /** Lets it go on to its next moment. */
  goOn(): void {
    this.#child.kill('SIGCONT');
  }

  /** Waits until it has killed itself. */
  async killed(): Promise<void> {
    await within(this.#ended, MINUTES, 'the program');
    if (this.#child.signalCode !== 'SIGKILL') throw new Error(`it ended by itself (${this.#child.exitCode})`);
  }

  /** Waits until it has ended well. */
  async ended(): Promise<void> {
    await within(this.#ended, MINUTES, 'the program');
    if (this.#child.exitCode !== 0) throw new Error(`it ended ${this.#child.exitCode ?? this.#child.signalCode}`);
  }

  /** Ends it, if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
