import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CallOptions, VIR_DOMAIN_METADATA_ELEMENT } from '../connection/index.js';
import {
  AFFECT,
  type DomainDocument,
  LONGEST_ENTRY,
  type ObservedDomain,
  OWN_METADATA,
  type Scope,
  sealBaseline,
} from '../domain/index.js';
import { AbortedError, LibvirtCanonicalError } from '../errors.js';
import type { Plan } from '../plan/index.js';
import { buildElement, bytesInMetadata, bytesTooMany } from '../xml/index.js';
import { retryOnce } from './confirm-call.js';
import { type DomainAccess, type KnownContext, notFound } from './domain-access.js';
import { asFound, entriesHolder, entriesIn, FORMAT, type JournalEntry, ownTokens } from './journal-entry.js';
import { SELF } from './owner.js';
import { assertNoUnsavedDefinition, mayHaveUnsavedDefinition, type UnsavedLook } from './unsaved-definition.js';
import type { Documents } from './verify.js';

const { prefix: PREFIX, uri: URI } = OWN_METADATA.journal;
/** Claims of ended processes that one look takes out: they stand in nobody's way. */
const SWEPT = 8;
/** Milliseconds between two looks at who is ahead, at first and at most. */
const LOOK = { first: 20, most: 500 } as const;

/** How long to wait for others. */
export interface ClaimOptions extends CallOptions {
  /** Milliseconds. */
  readonly wait: number;
  /** Entries that do not stand in the way: those of an apply that is being recovered. */
  readonly beside?: ReadonlySet<string>;
  /** What the caller has read just now: what of it no other process changes by applying is not read again. */
  readonly context?: ObservedDomain;
  /** Whether the plan changes autostart: then that is read again as well. */
  readonly autostart?: boolean;
}

/**
 * This process's turn at a domain. Entries stand in the document in the order in which they were written, and reading the
 * document shows all of them at one moment. Whoever has the first entry and sees no `apply` has the turn; of two
 * processes the one that wrote later sees the other's entry, so both cannot have it.
 */
export class Journal {
  readonly #reader: DomainAccess;
  readonly #token = randomBytes(8).toString('hex');
  readonly #since = new Date();
  readonly #persistent: boolean;
  /** Taking out what was never written would be a write all the same. */
  #stands = false;

  private constructor(reader: DomainAccess, persistent: boolean) {
    this.#reader = reader;
    this.#persistent = persistent;
  }

  /**
   * Waits for the turn, and returns with what the domain is then. `APPLY_IN_PROGRESS` naming who has it when the time is
   * up, `APPLY_INTERRUPTED` when whoever had it has ended halfway.
   */
  static async claim(
    reader: DomainAccess,
    persistent: boolean,
    options: ClaimOptions,
  ): Promise<{ readonly journal: Journal; readonly context: ObservedDomain }> {
    const journal = new Journal(reader, persistent);
    ownTokens.add(journal.#token);
    try {
      await journal.#write('claim', '', { ...options, read: options.context !== undefined });
      return { journal, context: await journal.#turn(options) };
    } catch (error) {
      // A claim that stays behind says nothing of a plan, and is taken for that of an ended process.
      await journal.end().catch(() => {});
      throw error;
    }
  }

  /** Writes down what is about to be done. Returns the documents as they are then. */
  async begin(plan: Plan, context: ObservedDomain, options: CallOptions): Promise<Documents> {
    const text = JSON.stringify(plan.toJournal(context));
    await this.#write('apply', text, { ...options, read: true }, asFound(sealBaseline(context.canonical)));
    // Read while nothing of the plan is done: a document with which nobody can do anything is mended by taking the entry out.
    return this.#reader.documents(options);
  }

  /** True while the entry is in the document: it goes when somebody else recovers, or redefines, the domain. */
  standsIn(documents: Documents): boolean {
    return entriesHolder({ ...documents, persistent: this.#persistent }).xml.includes(`${URI}:${this.#token}`);
  }

  /** Takes the entry out; never cut off by a caller's signal. `read`: the documents have just been read. */
  async end(live?: DomainDocument, read = false): Promise<void> {
    try {
      if (this.#stands) await removeEntry(this.#reader, this.#token, { persistent: this.#persistent, live, read });
    } finally {
      ownTokens.delete(this.#token);
    }
  }

  /** Lets the entry stand for `recover`: this process does nothing more about it. */
  async leave(): Promise<void> {
    ownTokens.delete(this.#token);
    // So that the reader knows of it.
    await this.#reader.documents().catch(() => {});
  }

  async #turn(options: ClaimOptions): Promise<ObservedDomain> {
    const { signal, wait, beside, context: known, autostart } = options;
    const deadline = performance.now() + wait;
    // Autostart was read a moment ago at the first look; whoever was ahead at a later one may have changed it.
    let besides: KnownContext | undefined = autostart ? lasting(known) : known;
    for (let pause: number = LOOK.first; ; pause = Math.min(pause * 2, LOOK.most)) {
      const context = await this.#reader.context({ signal }, besides);
      besides = lasting(known);
      const entries = entriesIn(entriesHolder(context)).filter(({ token }) => !beside?.has(token));
      const own = entries.findIndex(({ token }) => token === this.#token);
      // Of very many entries it may stand behind those that are looked at.
      if (own < 0 && !this.standsIn(context)) throw vanished(this.#reader);
      const over = entries.filter(({ phase, ownerState }) => phase === 'claim' && ownerState === 'ended');
      for (const { token } of over.slice(0, SWEPT)) await removeEntry(this.#reader, token, context);
      const others = entries.filter(({ phase, ownerState }) => phase === 'apply' || ownerState !== 'ended');
      assertNotInterrupted(this.#reader, others);
      const place = others.findIndex(({ token }) => token === this.#token);
      const ahead = others.find(({ phase }, at) => phase === 'apply' || place < 0 || at < place);
      if (!ahead) return context;
      if (performance.now() >= deadline) throw inProgress(this.#reader, ahead);
      try {
        await sleep(Math.min(pause, Math.max(deadline - performance.now(), 1)), undefined, signal && { signal });
      } catch {
        throw new AbortedError(`waiting for the apply to ${this.#reader.handle.name}`, signal?.reason);
      }
    }
  }

  async #write(
    phase: JournalEntry['phase'],
    text: string,
    { signal, read }: UnsavedLook,
    more: Record<string, string> = {},
  ): Promise<void> {
    const domain = this.#reader.handle.uuid;
    const attributes = { format: FORMAT, phase, domain, since: this.#since.toISOString(), ...SELF, ...more };
    const xml = buildElement('entry', [
      ...Object.entries(attributes).map(([key, value]) => [`@${key}`, String(value)] as const),
      ['', text] as const,
    ]);
    // Before the first write whatever the reader knows: it may have read long ago.
    if (phase === 'claim' || mayHaveUnsavedDefinition(this.#reader))
      await assertNoUnsavedDefinition(this.#reader, { signal, read });
    assertFitsJournal(this.#reader, xml, text);
    this.#stands = true;
    // A transient domain has no other document.
    await setEntry(this.#reader, this.#token, xml, this.#persistent ? 'config' : 'live', signal);
  }
}

/** Of what was read, that which no other process changes by applying. */
function lasting(known: ObservedDomain | undefined): KnownContext | undefined {
  return known && { persistent: known.persistent, managedSave: known.managedSave };
}

/**
 * Refuses an entry with which the domain's document would be too long for libvirt's wire: nobody could read the domain, virsh
 * included. What the plan adds to the document comes on top; it stands in `text`.
 */
function assertFitsJournal({ handle: { name: domain }, last }: DomainAccess, xml: string, text: string): void {
  const bytes = bytesInMetadata(xml);
  if (bytes > LONGEST_ENTRY)
    throw new LibvirtCanonicalError('PLAN_REFUSED', `the plan is too long to be journalled: ${bytes} bytes`, {
      domain,
      remedy: 'Ask for the changes in several plans',
    });
  const room = text === '' ? 'bookkeeping' : 'request';
  const over = bytesTooMany(last?.canonical.xml ?? '', bytes + bytesInMetadata(text), room);
  if (over > 0)
    throw new LibvirtCanonicalError(
      'DOMAIN_STATE',
      `the document of ${domain} is ${over} bytes too long for a journal`,
      {
        domain,
        remedy: 'Shorten its description, or what applications keep in its metadata: nobody could read it then',
      },
    );
}

/**
 * Takes an entry out of the metadata; a guest that was started meanwhile has it in its document too. Also of a domain that
 * cannot be read, perhaps because of the entry.
 */
export async function removeEntry(
  reader: DomainAccess,
  token: string,
  {
    persistent,
    live,
    read = false,
  }: { readonly persistent: boolean; readonly live: DomainDocument | undefined; readonly read?: boolean },
): Promise<void> {
  if (persistent && mayHaveUnsavedDefinition(reader))
    await assertNoUnsavedDefinition(reader, { read }).catch((error: unknown) => {
      if (error instanceof LibvirtCanonicalError && error.code === 'DOMAIN_STATE') throw error;
    });
  const scope = !persistent ? 'live' : live?.xml.includes(`${URI}:${token}`) ? 'both' : 'config';
  return setEntry(reader, token, null, scope, undefined);
}

/** virDomainSetMetadata. */
async function setEntry(
  reader: DomainAccess,
  token: string,
  metadata: string | null,
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { connection, handle: dom } = reader;
  const type = VIR_DOMAIN_METADATA_ELEMENT;
  const flags = AFFECT[scope];
  const args = { dom, type, metadata, key: metadata === null ? null : PREFIX, uri: `${URI}:${token}`, flags };
  await retryOnce(reader, () => connection.call('DOMAIN_SET_METADATA', args, { signal })).catch((error: unknown) =>
    Promise.reject(notFound(error, dom)),
  );
}

/** `APPLY_INTERRUPTED` when one of the entries is of an apply whose process has ended. */
export function assertNotInterrupted({ handle }: DomainAccess, entries: readonly JournalEntry[]): void {
  const left = entries.find(({ phase, ownerState }) => phase === 'apply' && ownerState === 'ended');
  if (!left) return;
  throw new LibvirtCanonicalError(
    'APPLY_INTERRUPTED',
    `an apply to ${handle.name} by ${whoIs(left)} was interrupted, and nothing else is applied before it is settled`,
    { domain: handle.name, remedy: "Look at interrupted, then recover({ mode: 'complete' }) or ({ mode: 'undo' })" },
  );
}

function inProgress({ handle }: DomainAccess, entry: JournalEntry): LibvirtCanonicalError {
  const known = entry.ownerState !== 'unknown';
  return new LibvirtCanonicalError(
    'APPLY_IN_PROGRESS',
    `an apply to ${handle.name} by ${whoIs(entry)} is in progress`,
    {
      domain: handle.name,
      remedy: known
        ? 'Plan and apply again once it is done'
        : "Plan and apply again once it is done; when that process is known to have ended, recover with owner: 'gone'",
    },
  );
}

/** Somebody else took the entry out: what this process knows of the domain is no longer so. */
export function vanished({ handle }: DomainAccess): LibvirtCanonicalError {
  return new LibvirtCanonicalError(
    'APPLY_INTERRUPTED',
    `somebody took the journal of this apply out of ${handle.name}, by recovering, redefining or undefining the domain`,
    { domain: handle.name, remedy: 'Nothing further was done; plan again from the documents as they are now' },
  );
}

function whoIs({ owner, since }: JournalEntry): string {
  return `process ${owner.pid} of ${owner.host} since ${Number.isNaN(since.getTime()) ? 'an unknown time' : since.toISOString()}`;
}
