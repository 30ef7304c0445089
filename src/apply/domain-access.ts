import gte from 'semver/functions/gte.js';
import {
  type CallOptions,
  type Connection,
  type DomainHandle,
  LibvirtError,
  VIR_DOMAIN_XML_INACTIVE,
  VIR_DOMAIN_XML_SECURE,
} from '../connection/index.js';
import { DomainDocument, type ObservedDomain } from '../domain/index.js';
import { type ErrorCode, LibvirtCanonicalError } from '../errors.js';
import { meant } from '../nearest.js';
import { entriesHolder, entriesIn, type JournalEntry } from './journal-entry.js';

/** libvirt that has virDomainGetAutostartOnce. */
const AUTOSTART_ONCE_SINCE = '11.2.0';
/** An unprivileged daemon of a user's own, as its URI tells. */
const SESSION = /\/session(\?|$)/;

/** What fails for one domain while others can be read. */
const OF_ONE_DOMAIN: ReadonlySet<ErrorCode> = new Set([
  'LIBVIRT',
  'CALL_TIMEOUT',
  'XML_MALFORMED',
  'XML_FORBIDDEN',
  'XML_LIMIT',
]);

/** True for an error that says something of one domain, and nothing of the connection or the caller. */
export function isOfOneDomain(error: unknown): error is LibvirtCanonicalError {
  return error instanceof LibvirtCanonicalError && OF_ONE_DOMAIN.has(error.code);
}

/** What a reader saw when it last read the documents. */
export interface LastRead {
  readonly canonical: DomainDocument;
  readonly live: DomainDocument | undefined;
  readonly entries: readonly JournalEntry[];
}

/** What stands beside the documents and need not be read: it was a moment ago, or does not matter to who asks. */
export type KnownContext = Partial<Pick<ObservedDomain, 'persistent' | 'managedSave' | 'autostart' | 'autostartOnce'>>;

/** Reads a domain as libvirt has it. A document that has not changed since the last read is not parsed again. */
export class DomainAccess {
  readonly connection: Connection;
  readonly handle: DomainHandle;
  #canonical: DomainDocument | undefined;
  #live: DomainDocument | undefined;
  #leftover: DomainDocument | undefined;
  #unreadable: LibvirtCanonicalError | undefined;
  #entries: readonly JournalEntry[] = [];
  /** As it was asked last. */
  #persistent = true;
  /** SECURE is refused on a read-only connection: the documents then come without secrets. */
  #secure: number = VIR_DOMAIN_XML_SECURE;

  constructor(connection: Connection, handle: DomainHandle) {
    this.connection = connection;
    this.handle = handle;
  }

  /** Both documents. `live` is undefined when the domain is shut off. `DOMAIN_NOT_FOUND` when it is gone. */
  async documents(options: CallOptions = {}): Promise<{ canonical: DomainDocument; live: DomainDocument | undefined }> {
    try {
      const documents = await this.#documents(options);
      this.#unreadable = undefined;
      return documents;
    } catch (error) {
      this.#unreadable = isOfOneDomain(error) ? error : undefined;
      throw error;
    }
  }

  /** Why the last read failed, when that is the domain's own trouble and not that of the connection or the caller. */
  get unreadable(): LibvirtCanonicalError | undefined {
    return this.#unreadable;
  }

  async #documents(options: CallOptions): Promise<{ canonical: DomainDocument; live: DomainDocument | undefined }> {
    const [canonical, plain] = await Promise.all([this.#xml(VIR_DOMAIN_XML_INACTIVE, options), this.#xml(0, options)]);
    this.#canonical = kept(this.#canonical, canonical);
    // Only a running domain has an id; a shut-off one answers with its canonical document.
    const live = plain === canonical ? this.#canonical : kept(this.#live, plain);
    this.#live = live.isLive ? live : undefined;
    this.#noteEntries(this.#persistent);
    this.#leftover = live.isLive || plain === canonical ? undefined : live;
    return { canonical: this.#canonical, live: this.#live };
  }

  /**
   * What libvirt has in memory for a shut-off domain in place of its canonical document, as of the last read: a transient
   * start that failed early leaves its own there. Undefined when they are the same text.
   */
  get leftover(): DomainDocument | undefined {
    return this.#leftover;
  }

  /** Both documents as they were read last, and who was applying then; undefined before the first time. */
  get last(): LastRead | undefined {
    return this.#canonical && { canonical: this.#canonical, live: this.#live, entries: this.#entries };
  }

  /** The same, for looking something up: the live one first. */
  get known(): readonly DomainDocument[] {
    return [this.#live, this.#canonical].filter((each) => each !== undefined);
  }

  /** Everything that a plan is made of. What of it is `known` is not read again. */
  async context(options: CallOptions = {}, known: KnownContext = {}): Promise<ObservedDomain> {
    const dom = this.handle;
    const [documents, persistent, saved, started, once] = await Promise.all([
      this.documents(options),
      known.persistent === undefined
        ? this.connection.call('DOMAIN_IS_PERSISTENT', { dom }, options)
        : { persistent: Number(known.persistent) },
      known.managedSave !== undefined
        ? { result: Number(known.managedSave) }
        : this.connection.call('DOMAIN_HAS_MANAGED_SAVE_IMAGE', { dom, flags: 0 }, options),
      known.autostart === undefined
        ? this.connection.call('DOMAIN_GET_AUTOSTART', { dom }, options).catch(notOnTransient)
        : { autostart: Number(known.autostart) },
      known.autostartOnce === undefined && gte(this.connection.libvirtVersion, AUTOSTART_ONCE_SINCE)
        ? this.connection.call('DOMAIN_GET_AUTOSTART_ONCE', { dom }, options).catch(notOnTransient)
        : { autostart: Number(known.autostartOnce ?? false) },
    ]).catch((error: unknown) => Promise.reject(notFound(error, dom)));
    this.#noteEntries(persistent.persistent === 1);
    return {
      ...documents,
      persistent: this.#persistent,
      managedSave: saved.result === 1,
      autostart: started.autostart === 1,
      autostartOnce: once.autostart === 1,
      session: SESSION.test(this.connection.uri),
      versions: { libvirt: this.connection.libvirtVersion, qemu: this.connection.hypervisorVersion },
    };
  }

  #noteEntries(persistent: boolean): void {
    this.#persistent = persistent;
    if (this.#canonical)
      this.#entries = entriesIn(entriesHolder({ canonical: this.#canonical, live: this.#live, persistent }));
  }

  async #xml(flags: number, options: CallOptions): Promise<string> {
    const call = (secure: number) =>
      this.connection.call('DOMAIN_GET_XML_DESC', { dom: this.handle, flags: flags | secure }, options);
    const secure = this.#secure;
    try {
      return (await call(secure)).xml;
    } catch (error) {
      // Both documents are asked for at once: the answer to the other may have come first.
      if (secure !== 0 && error instanceof LibvirtError && error.errorName === 'VIR_ERR_OPERATION_DENIED') {
        this.#secure = 0;
        return (await call(0)).xml;
      }
      throw notFound(error, this.handle);
    }
  }
}

function kept(last: DomainDocument | undefined, xml: string): DomainDocument {
  return last?.xml === xml ? last : new DomainDocument(xml);
}

function notOnTransient(error: unknown): { autostart: number } {
  if (error instanceof LibvirtError && error.errorName === 'VIR_ERR_OPERATION_INVALID') return { autostart: 0 };
  throw error;
}

/** libvirt's NO_DOMAIN as an error that names the domain; anything else as it is. */
export function notFound(
  error: unknown,
  { name, uuid, names = [] }: { name?: string; uuid?: string; names?: readonly string[] },
): unknown {
  if (!(error instanceof LibvirtError) || error.errorName !== 'VIR_ERR_NO_DOMAIN') return error;
  const who = [name && `"${name}"`, uuid && `(${uuid})`].filter(Boolean).join(' ');
  return new LibvirtCanonicalError('DOMAIN_NOT_FOUND', `there is no domain ${who} on this host`, {
    cause: error,
    ...(name === undefined ? {} : { domain: name }),
    remedy: `${meant(name, names)}manager.list() shows those there are`,
  });
}
