import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { LibvirtCanonicalError } from '../errors.js';
import {
  type Claim,
  type Hello,
  type Operation,
  type Operations,
  PROTOCOL,
  readAnswer,
  readHello,
} from './protocol.js';

/** A driver as the kit starts it. */
export interface DriverCommand {
  /** What it is called in the report, if its own `hello` is not to name it. */
  readonly name?: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
}

/** What a driver said last on stderr, for who has to find out why it ended. */
const KEPT_WORDS = 4_000;
const END_WITHIN = 5_000;

interface Waiting {
  answer(line: string): void;
  ended(why: string): void;
}

/** A driver's process: the manager that is tried. Ended and started again it is the manager that was restarted. */
export class DriverProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #waiting: Waiting | undefined;
  #words = '';
  #end: string | undefined;
  #id = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, 'exit').catch(() => undefined);
    child.on('error', (error) => this.#ended(`could not be started: ${error.message}`));
    child.on('exit', (code, signal) => this.#ended(`ended with ${code ?? signal}`));
    child.stdin?.on('error', () => undefined);
    child.stderr?.setEncoding('utf8').on('data', (chunk) => {
      this.#words = (this.#words + chunk).slice(-KEPT_WORDS);
    });
    if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => this.#waiting?.answer(line));
  }

  /**
   * Starts the driver and asks what it is.
   *
   * @throws LibvirtCanonicalError `PROTOCOL_VIOLATION`: it does not start, ends, or answers something else; `TIMEOUT`
   */
  static async start(
    { command }: DriverCommand,
    state: string,
    timeout: number,
  ): Promise<{ readonly driver: DriverProcess; readonly hello: Hello }> {
    const [program = '', ...args] = command;
    const driver = new DriverProcess(spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] }));
    try {
      const { done, claim } = await driver.#ask('hello', { protocol: PROTOCOL, state }, timeout);
      if (claim.claim !== 'done')
        throw new LibvirtCanonicalError('PROTOCOL_VIOLATION', `The driver ${claim.claim} hello: ${claim.why}`);
      return { driver, hello: readHello(done) };
    } catch (error) {
      await driver.kill();
      throw error;
    }
  }

  /** What it said last on stderr. */
  get words(): string {
    return this.#words.trim();
  }

  /**
   * One request and what the driver says of it.
   *
   * @throws LibvirtCanonicalError `PROTOCOL_VIOLATION`: it ended, or answered outside the protocol; `TIMEOUT`
   */
  async ask<Do extends Operation>(operation: Do, fields: Operations[Do], timeout: number): Promise<Claim> {
    return (await this.#ask(operation, fields, timeout)).claim;
  }

  /** Sends a request and waits for nothing: for who ends it in the midst of the work. */
  send<Do extends Operation>(operation: Do, fields: Operations[Do]): number {
    const id = ++this.#id;
    this.#child.stdin?.write(`${JSON.stringify({ id, do: operation, ...fields })}\n`);
    return id;
  }

  /** Ends it in good order: its input ends, and after a while it is told by SIGTERM, then SIGKILL. */
  async stop(): Promise<void> {
    this.#child.stdin?.end();
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const gone = await Promise.race([this.#exited.then(() => true), sleep(END_WITHIN, false, { ref: false })]);
      if (gone || this.#end !== undefined) return;
      this.#child.kill(signal);
    }
    await this.#exited;
  }

  /** Ends it without warning. */
  async kill(): Promise<void> {
    if (this.#end !== undefined) return;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async #ask<Do extends Operation>(operation: Do, fields: Operations[Do], timeout: number) {
    if (this.#end !== undefined) throw this.#violation(this.#end);
    let timer: NodeJS.Timeout | undefined;
    try {
      const line = await new Promise<string>((resolve, reject) => {
        this.#waiting = { answer: resolve, ended: (why) => reject(this.#violation(why)) };
        timer = setTimeout(
          () =>
            reject(
              new LibvirtCanonicalError('TIMEOUT', `The driver gave no answer to ${operation} within ${timeout} ms`),
            ),
          timeout,
        );
        this.send(operation, fields);
      });
      return readAnswer(line, this.#id);
    } finally {
      clearTimeout(timer);
      this.#waiting = undefined;
    }
  }

  #ended(why: string): void {
    this.#end ??= why;
    this.#waiting?.ended(this.#end);
  }

  #violation(why: string): LibvirtCanonicalError {
    const words = this.words.split('\n').slice(-3).join(' / ');
    return new LibvirtCanonicalError('PROTOCOL_VIOLATION', `The driver ${why}${words ? `; it said: ${words}` : ''}`);
  }
}
