/** What a stream draws from. */
export interface Source<T> {
  next(): Promise<IteratorResult<T, undefined>>;
  close(): Promise<void>;
}

/**
 * Events, for `for await`. Ends normally on `close()`, on the signal, and when the connection is closed by this program;
 * throws, after what is buffered, when the connection is lost for good. Leaving a `for await` loop closes it.
 */
export class EventStream<T> implements AsyncIterableIterator<T>, AsyncDisposable {
  /** Resolves when the daemon has registered it: what happens from then on is told. Rejects with why it cannot. */
  readonly ready: Promise<void>;
  readonly #source: Promise<Source<T>>;
  #closed = false;

  /** @internal */
  constructor(source: Promise<Source<T>>) {
    this.#source = source;
    this.ready = source.then(() => {});
    // Whoever iterates is told; nobody has to look at `ready`.
    this.ready.catch(() => {});
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    const source = await this.#source;
    return this.#closed ? { done: true, value: undefined } : source.next();
  }

  /** Ends it; what is buffered is dropped. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    const source = await this.#source.catch(() => undefined);
    await source?.close();
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
