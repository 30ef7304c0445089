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
  readonly #connections = new Map<string, Promise<Connection>>();

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

  /** The manager of the host, or of another one. */
  async manager(uri = this.#uri): Promise<DomainManager> {
    const { DomainManager } = await import('../index.js');
    return new DomainManager(await this.connection(uri));
  }

  /** The connection to the host, or to another one; it is closed when the command ends. */
  async connection(uri = this.#uri): Promise<Connection> {
    const open = this.#connections.get(uri) ?? this.#open(uri);
    this.#connections.set(uri, open);
    return open;
  }

  async #open(uri: string): Promise<Connection> {
    // The connection's room alone: what only asks libvirt does not load the rest.
    const { connect } = await import('../connection/index.js');
    return connect(uri, { signal: this.signal });
  }

  get #uri(): string {
    return this.#options.connect ?? (process.env.LIBVIRT_DEFAULT_URI || 'qemu:///system');
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
    for (const each of this.#connections.values())
      await each.then((connection) => connection.close()).catch(() => undefined);
  }
}

/** The names of all domains of a host. */
export async function domainNames(connection: Connection): Promise<string[]> {
  const { domains } = await connection.call('CONNECT_LIST_ALL_DOMAINS', { need_results: 1, flags: 0 });
  return domains.map(({ name }) => name);
}
