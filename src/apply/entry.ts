import { type BeforeWork, type DomainDocument, OWN_METADATA, ownElements, packed, unpacked } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { Plan } from '../plan/index.js';
import type { Element } from '../xml/index.js';
import { type Owner, type OwnerState, SELF, stateOfOwner } from './owner.js';

const { uri: URI } = OWN_METADATA.journal;
/** Of what an entry says; another form gets another number. */
export const FORMAT = '1';

/**
 * What a process says in a domain's metadata when it is about to change it: under a URI of its own, so that no process
 * overwrites the word of another. `claim`: it waits for its turn, or makes one call only. `apply`: it makes the calls of
 * `plan`, and some of them may have taken place.
 */
export interface Entry {
  readonly token: string;
  readonly phase: 'claim' | 'apply';
  readonly since: Date;
  readonly owner: Owner;
  readonly ownerState: OwnerState;
  /** How an `apply` found things, for the seal that it did not come to; undefined of a `claim`. */
  readonly before: BeforeWork | undefined;
  /** Reads the plan of an `apply`. `UNSUPPORTED` for one that another version of the library wrote otherwise. */
  plan(): Plan;
}

/** The tokens of this copy of the library that are in use. */
export const mine = new Set<string>();

/** The entries of a document, in the order in which they were written: libvirt puts what is new last (virDomainDefSetMetadata). */
export function entriesIn(document: DomainDocument): Entry[] {
  return ownElements(document, 'journal').map(entryOf);
}

function entryOf(element: Element): Entry {
  const of = (name: string) => element.getAttribute(name) ?? '';
  const owner: Owner = {
    host: of('host'),
    machine: of('machine'),
    boot: of('boot'),
    namespace: of('namespace'),
    pid: Number(of('pid')),
    started: of('started'),
    copy: of('copy'),
  };
  const token = element.namespaceURI?.slice(URI.length + 1) ?? '';
  const own = owner.copy === SELF.copy;
  return {
    token,
    // What this version cannot read is the more serious of the two.
    phase: of('phase') === 'claim' ? 'claim' : 'apply',
    since: new Date(of('since')),
    owner,
    ownerState: own ? (mine.has(token) ? 'running' : 'ended') : stateOfOwner(owner),
    before: foundBy(of),
    plan: () => {
      if (of('format') === FORMAT) return Plan.fromJSON(element.textContent ?? '');
      throw new LibvirtCanonicalError('UNSUPPORTED', `the journal is of format ${of('format')}, not ${FORMAT}`, {
        remedy: 'Recover with the version of the library that wrote it',
      });
    },
  };
}

function foundBy(of: (name: string) => string): BeforeWork | undefined {
  const [seal, drifted] = [unpacked(of('seal')), unpacked(of('drifted'))];
  const document = drifted ?? seal;
  return document && { seal: seal && { libvirt: of('libvirt'), document: seal }, document };
}

/** The attributes that {@link foundBy} reads: the seal there was, and the document where it is another or where there was none. */
export function asFound({ seal, document }: BeforeWork): Record<string, string> {
  return {
    ...(seal && { libvirt: seal.libvirt, seal: packed(seal.document) }),
    ...(seal?.document.xml === document.xml ? {} : { drifted: packed(document) }),
  };
}
