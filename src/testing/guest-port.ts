import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { AbortedError, LibvirtCanonicalError } from '../errors.js';

const RECONNECT_EVERY = 20;
/** A line sent before the guest listens is lost, so what may be repeated is. */
const REPEAT_EVERY = 1_000;

/** How long to wait, and what ends the wait early. */
export interface WaitOptions {
  /** In milliseconds. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

type Deadline = WaitOptions & { readonly timeout: number };

export interface Answer {
  readonly text: string;
  readonly status: number;
}

/**
 * The test's end of the guest's report port: a unix socket of QEMU, behind it the guest's second serial line. QEMU's end
 * comes and goes with each start of the domain; it is connected to again whenever something waits for the guest.
 */
export class GuestPort {
  readonly #path: string;
  #socket: Socket | undefined;
  /** Rejects when QEMU's end of the socket goes away. */
  #lost: Promise<never> | undefined;
  #received = '';
  #answer: { readonly id: string; readonly lines: string[] } | undefined;
  #count = 0;
  #waiting = 0;
  readonly #answers = new Map<string, (answer: Answer) => void>();
  readonly #bootListeners = new Set<(report: string) => void>();

  constructor(path: string) {
    this.#path = path;
  }

  /** Asks until a report comes that `accept` takes. The one the guest makes by itself at its boot may be it. */
  async report(accept: (text: string) => boolean, options: Deadline): Promise<string> {
    return this.#until(options, 'a report', async (ended) => {
      let listener = (_text: string): void => {};
      const accepted = new Promise<string>((resolve) => {
        listener = (text) => {
          if (accept(text)) resolve(text);
        };
      });
      const ask = async (): Promise<never> => {
        for (;;) {
          const id = this.#nextId();
          this.#answers.set(id, ({ text }) => listener(text));
          await this.#send(`${id} report`, ended);
          await sleep(REPEAT_EVERY, undefined, { signal: ended });
        }
      };
      this.#bootListeners.add(listener);
      try {
        return await Promise.race([accepted, ask()]);
      } finally {
        this.#bootListeners.delete(listener);
      }
    });
  }

  /** Sends a command once, so the guest must be listening, and returns the answer. */
  async command(line: string, options: Deadline): Promise<Answer> {
    return this.#until(options, `an answer to "${line}"`, async (ended) => {
      const id = this.#nextId();
      const answered = new Promise<Answer>((resolve) => this.#answers.set(id, resolve));
      await this.#send(`${id} ${line}`, ended);
      return Promise.race([answered, aborted(ended), ...(this.#lost ? [this.#lost] : [])]);
    });
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #until<T>(options: Deadline, what: string, work: (ended: AbortSignal) => Promise<T>): Promise<T> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), options.timeout);
    const ended = options.signal ? AbortSignal.any([late.signal, options.signal]) : late.signal;
    this.#waiting += 1;
    this.#socket?.ref();
    try {
      return await work(ended);
    } catch (cause) {
      if (options.signal?.aborted) throw new AbortedError(`Waiting for ${what} of the guest`, options.signal.reason);
      if (!late.signal.aborted) throw cause;
      throw new LibvirtCanonicalError(
        'TIMEOUT',
        `The guest on ${this.#path} gave no ${what.replace(/^an? /, '')} within ${options.timeout} ms`,
        {
          remedy: 'See consoleLog() of the guest and logOf() of the host',
          cause,
        },
      );
    } finally {
      clearTimeout(timer);
      late.abort();
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#socket?.unref();
    }
  }

  #nextId(): string {
    this.#count += 1;
    return `${process.pid}-${this.#count}`;
  }

  async #send(line: string, ended: AbortSignal): Promise<void> {
    while (!this.#socket) {
      const socket = connect(this.#path);
      try {
        await once(socket, 'connect', { signal: ended });
        this.#adopt(socket);
      } catch (error) {
        socket.destroy();
        if (ended.aborted) throw error;
        await sleep(RECONNECT_EVERY, undefined, { signal: ended });
      }
    }
    this.#socket.write(`${line}\n`);
  }

  #adopt(socket: Socket): void {
    this.#socket = socket;
    this.#received = '';
    this.#answer = undefined;
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => this.#read(String(chunk)));
    socket.on('error', () => {});
    this.#lost = new Promise((_, reject) => {
      socket.on('close', () => {
        if (this.#socket === socket) this.#socket = undefined;
        reject(new LibvirtCanonicalError('CONNECTION_LOST', `The guest on ${this.#path} ended before it answered`));
      });
    });
    this.#lost.catch(() => {});
  }

  #read(chunk: string): void {
    const lines = (this.#received + chunk).split('\n');
    this.#received = lines.pop() ?? '';
    for (const line of lines) {
      const [, mark, id = '', status] = /^#(begin|end) (\S+)(?: (\d+))?$/.exec(line) ?? [];
      if (mark === 'begin') this.#answer = { id, lines: [] };
      else if (mark === undefined || id !== this.#answer?.id) this.#answer?.lines.push(line);
      else {
        // The guest puts a line end before the mark, so that output without one of its own is told apart.
        const text = this.#answer.lines.join('\n');
        this.#answer = undefined;
        this.#deliver(id, { text, status: Number(status) });
      }
    }
  }

  #deliver(id: string, answer: Answer): void {
    if (id === 'boot') for (const listener of this.#bootListeners) listener(answer.text);
    this.#answers.get(id)?.(answer);
    this.#answers.delete(id);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
