import type { Connection, DomainManager, ManagedDomain } from '../index.js';
import { consents } from './ask.js';
import { UsageError } from './exit.js';
import { jsonText, print } from './output.js';
import { ProgressLine } from './progress.js';

/** Options that every command has. */
export interface CommonOptions {
  readonly connect?: string;
  readonly json?: boolean;
  readonly yes?: boolean;
}

/** What a command works with: the host, the terminal, and the signal that Ctrl-C gives. */
export class Session implements AsyncDisposable {
  readonly command: string;
  readonly json: boolean;
  readonly progress: ProgressLine;
  readonly #options: CommonOptions;
  readonly #stop = new AbortController();
  #connection: Connection | undefined;

  constructor(command: string, options: CommonOptions) {
    this.command = command;
    this.json = options.json === true;
    this.#options = options;
    this.progress = new ProgressLine(this.json);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** What Ctrl-C does: the work is aborted and says what stands. A second time it just ends. */
  readonly interrupt = (): void => {
    if (this.signal.aborted) process.exit(130);
    this.progress.clear();
    this.#stop.abort(new Error('Ctrl-C'));
  };

  /** The manager of the host. */
  async manager(): Promise<DomainManager> {
    const { connect, DomainManager } = await import('../index.js');
    const uri = this.#options.connect ?? (process.env.LIBVIRT_DEFAULT_URI || 'qemu:///system');
    this.#connection ??= await connect(uri, { signal: this.signal });
    return new DomainManager(this.#connection);
  }

  /** One domain by name or UUID. */
  async domain(name: string): Promise<ManagedDomain> {
    return (await this.manager()).get(name, { signal: this.signal });
  }

  /** Whether to go on with what was just shown. */
  async consents(question: string): Promise<boolean> {
    const { signal, interrupt } = this;
    if (this.json && !this.#options.yes)
      throw new UsageError('Nothing was changed: with --json nobody is asked. Give --yes to go on');
    return consents(question, { given: this.#options.yes === true, signal, interrupt });
  }

  /** Prints one of many: a line of JSON, or a text. */
  tell(item: unknown, text: string): void {
    print(this.json ? jsonText(this.command, { item }) : text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.progress.clear();
    await this.#connection?.close().catch(() => undefined);
  }
}
