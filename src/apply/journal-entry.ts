import {
  type DomainDocument,
  isOfDomain,
  journalDomain,
  LONGEST_ENTRY,
  memoizePerDocument,
  OWN_METADATA,
  ownElements,
  packed,
  type SealBaseline,
  unpacked,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { Plan } from '../plan/index.js';
import type { Element } from '../xml/index.js';
import { type Owner, type OwnerState, ownerOf, SELF, stateOfOwner } from './owner.js';

const { uri: URI } = OWN_METADATA.journal;
/** Of what an entry says; another form gets another number. */
export const FORMAT = '1';

/**
 * What a process says in a domain's metadata when it is about to change it: under a URI of its own, so that no process
 * overwrites the word of another. `claim`: it waits for its turn, or makes one call only. `apply`: it makes the calls of
 * `plan`, and some of them may have taken place.
 */
export interface JournalEntry extends Written {
  readonly ownerState: OwnerState;
}

/** What stands in an entry, whenever it is read. */
interface Written {
  readonly token: string;
  readonly phase: 'claim' | 'apply';
  readonly since: Date;
  readonly owner: Owner;
  /** UUID of the domain that it is about, when it names one. */
  readonly domain: string | undefined;
  /**
   * How an `apply` found things, for the seal that it did not come to; undefined of a `claim`. Unpacked when it is asked
   * for: anybody may write an entry that says little and holds much.
   */
  before(): SealBaseline | undefined;
  /** Reads the plan of an `apply`. `UNSUPPORTED` for one that another version of the library wrote otherwise. */
  plan(): Plan;
}

/** The tokens of this copy of the library that are in use. */
export const ownTokens = new Set<string>();

/** The document that entries are written to: that of a transient domain is the live one; libvirt may show an older one as inactive. */
export function entriesHolder({
  canonical,
  live,
  persistent,
}: {
  readonly canonical: DomainDocument;
  readonly live: DomainDocument | undefined;
  readonly persistent: boolean;
}): DomainDocument {
  return persistent ? canonical : (live ?? canonical);
}

/** The entries of a document, in the order in which they were written: libvirt puts what is new last (virDomainDefSetMetadata). */
export function entriesIn(document: DomainDocument): JournalEntry[] {
  return written(document).ours.map(withState);
}

/** Entries of another domain, which a copy of its document carries along: nobody's here, and in nobody's way. */
export function strangersIn(document: DomainDocument): JournalEntry[] {
  return written(document).strangers.map(withState);
}

/** Whether a process runs can change while a document stays the same. */
function withState(entry: Written): JournalEntry {
  const own = entry.owner.copy === SELF.copy;
  return { ...entry, ownerState: own ? (ownTokens.has(entry.token) ? 'running' : 'ended') : stateOfOwner(entry.owner) };
}

const written = memoizePerDocument((document): Record<'ours' | 'strangers', Written[]> => {
  const { uuid } = document;
  const all = ownElements(document, 'journal').map((each) => entryOf(each, document));
  const isOurs = ({ domain }: Written) => isOfDomain(domain, uuid);
  return { ours: all.filter(isOurs), strangers: all.filter((each) => !isOurs(each)) };
});

function entryOf(element: Element, holder: DomainDocument): Written {
  const of = (name: string) => element.getAttribute(name) ?? '';
  const text = element.textContent ?? '';
  return {
    token: element.namespaceURI?.slice(URI.length + 1) ?? '',
    // What this version cannot read is the more serious of the two.
    phase: of('phase') === 'claim' ? 'claim' : 'apply',
    since: new Date(of('since')),
    owner: ownerOf(element),
    domain: journalDomain(element),
    before: once(() => readBaseline(of, holder)),
    plan: once(() => readPlan(of('format'), text, of('domain'))),
  };
}

function readPlan(format: string, text: string, domain: string): Plan {
  if (format !== FORMAT)
    throw new LibvirtCanonicalError('UNSUPPORTED', `the journal is of format ${format}, not ${FORMAT}`, {
      remedy: 'Recover with the version of the library that wrote it',
    });
  if (text.length > LONGEST_ENTRY)
    throw new LibvirtCanonicalError('UNSUPPORTED', 'the journal is longer than this library writes one', {
      remedy: "Compare the documents yourself, then recover({ mode: 'keep' })",
    });
  const plan = Plan.fromJSON(text);
  if (!isOfDomain(domain, plan.domain.uuid))
    throw new LibvirtCanonicalError('PLAN_REFUSED', `the journal holds a plan for domain ${plan.domain.name}`, {
      remedy: "Compare the documents yourself, then recover({ mode: 'keep' })",
    });
  return plan;
}

function readBaseline(of: (name: string) => string, holder: DomainDocument): SealBaseline | undefined {
  const [seal, drifted] = [of('seal'), of('drifted')].map((text) => {
    const document = unpacked(text, holder);
    return document && isOfDomain(document.uuid, holder.uuid) ? document : undefined;
  });
  const document = drifted ?? seal;
  return document && { seal: seal && { libvirt: of('libvirt'), document: seal }, document };
}

/** The attributes that {@link readBaseline} reads: the seal there was, and the document where it is another or where there was none. */
export function asFound({ seal, document }: SealBaseline): Record<string, string> {
  return {
    ...(seal && { libvirt: seal.libvirt, seal: packed(seal.document) }),
    ...(seal?.document.xml === document.xml ? {} : { drifted: packed(document) }),
  };
}

/** The same, worked out when it is first asked for. */
function once<T>(work: () => T): () => T {
  let known: { readonly value: T } | undefined;
  return () => {
    known ??= { value: work() };
    return known.value;
  };
}
