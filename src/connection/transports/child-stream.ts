import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { Duplex } from 'node:stream';

/** Milliseconds that a child has to end by itself after its output has, and again after SIGTERM. */
const END_WITHIN = 1000;
/** How much of what a child complains is kept: the end of it. */
const COMPLAINTS_MAX = 16_384;

/** How a child ended. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it wrote to its standard error, the last 16 KiB of it. */
  readonly complaints: string;
  /** Why it could not be started. */
  readonly spawnError: Error | undefined;
}

/**
 * The standard input and output of a child as one stream. It ends as the child does: `explain` makes an error of that, or
 * nothing where the end is in order. Destroying the stream ends the child, and the stream is closed only when the child
 * is gone. A child whose parent is killed sees the end of its input.
 */
export class ChildStream extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #gone: Promise<void>;
  readonly #explain: (end: ChildEnd) => Error | undefined;
  #complaints = '';
  #spawnError: Error | undefined;

  constructor(child: ChildProcessWithoutNullStreams, explain: (end: ChildEnd) => Error | undefined) {
    super({ allowHalfOpen: false });
    this.#child = child;
    this.#explain = explain;
    this.#gone = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', (error) => {
        this.#spawnError = error;
        resolve();
      });
    });
    child.stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause();
    });
    child.stdout.once('end', () => void this.#over());
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-COMPLAINTS_MAX);
    });
    // A child that is gone shows itself at the end of its output.
    for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.on('error', () => {});
    void this.#gone.then(() => {
      if (this.#spawnError) this.#finish();
    });
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const { stdin } = this.#child;
    // What cannot be written is lost with the child, whose end says why.
    if (!stdin.writable) done();
    else if (stdin.write(chunk)) done();
    else this.#whenDrained(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    void this.#end().then(() => done(error));
  }

  #whenDrained(done: () => void): void {
    const { stdin } = this.#child;
    const proceed = (): void => {
      stdin.off('drain', proceed).off('close', proceed);
      done();
    };
    stdin.once('drain', proceed).once('close', proceed);
  }

  /** The output has ended: the exit code and the last complaints come a moment later. */
  async #over(): Promise<void> {
    await within(this.#gone, END_WITHIN);
    // Complaints written last are read in the turn after the exit.
    await new Promise((resolve) => setImmediate(resolve));
    this.#finish();
  }

  #finish(): void {
    if (this.destroyed) return;
    const { exitCode: code, signalCode: signal } = this.#child;
    const error = this.#explain({ code, signal, complaints: this.#complaints, spawnError: this.#spawnError });
    if (error) this.destroy(error);
    else this.push(null);
  }

  async #end(): Promise<void> {
    const child = this.#child;
    if (this.#spawnError || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    if (await within(this.#gone, END_WITHIN)) return;
    child.kill('SIGKILL');
    await this.#gone;
  }
}

/** Whether the promise settles in time. */
async function within(promise: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
