import {
  type ApplyPhase,
  applyPhaseIn,
  assertNoUnsavedDefinition,
  type DomainAccess,
  seal,
  seenSeal,
} from '../apply/index.js';
import type { CallOptions } from '../connection/index.js';
import { type DomainDocument, type DriftChange, driftFrom, memoizePerDocument, type Seal } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { type Plan, planUndoDrift, type UndoDriftOptions } from '../plan/index.js';

/** What the canonical document says otherwise than this library left it. A plain value. */
export interface Drift {
  /**
   * What the comparison is made with. `missing`: this library never wrote to the domain, or somebody took the seal out.
   * `unreadable`: somebody wrote over it. Nothing can be told of changes then. `older`: this process has seen a later seal
   * in the domain, by this or another connection of the same URI, so that a snapshot or a definition has put an old
   * document back, or another process has undone its own work; `changes` are from the later one. A process that saw none
   * cannot tell, and says `intact`.
   */
  readonly seal: 'intact' | 'older' | 'missing' | 'unreadable';
  /** What differs, devices first. Empty when nobody else changed anything, or when there is no seal. */
  readonly changes: readonly DriftChange[];
  /**
   * Whether somebody gave the domain another document. `yes`: something differs that only a definition changes. `no`:
   * nothing differs. `unknown`: all that differs could also be the work of single calls, which leave no other trace.
   */
  readonly redefined: 'yes' | 'no' | 'unknown';
  /**
   * Whether an apply of this library is under way, in another process too, or was cut off (recover the domain first): what
   * it has done so far stands among the changes.
   */
  readonly apply: ApplyPhase;
}

export async function driftOf(reader: DomainAccess, options: CallOptions): Promise<Drift> {
  const { canonical } = await reader.documents(options);
  const apply = applyPhaseIn(canonical);
  const { seal: own, older } = seenSeal(reader.connection, canonical);
  if (typeof own === 'string') return { seal: own, changes: [], redefined: 'unknown', apply };
  const { libvirtVersion } = reader.connection;
  const changes = older ? driftFrom(older, canonical, libvirtVersion) : changesSince(own, canonical, libvirtVersion);
  const foreign = changes.filter(({ by }) => by === 'somebody');
  const certain = apply === 'none' && foreign.some(({ onlyByDefinition }) => onlyByDefinition);
  return {
    seal: older ? 'older' : 'intact',
    changes,
    redefined: foreign.length === 0 ? 'no' : certain ? 'yes' : 'unknown',
    apply,
  };
}

const known = memoizePerDocument((_canonical) => new Map<string, DriftChange[]>());

/** What differs from the seal of a document; a watch asks again and again, and the document holds its seal. */
function changesSince(seal: Seal, canonical: DomainDocument, libvirt: string): readonly DriftChange[] {
  const changes = known(canonical).get(libvirt) ?? driftFrom(seal, canonical, libvirt);
  known(canonical).set(libvirt, changes);
  return changes;
}

/** The way back to the sealed document. `DOMAIN_STATE` when there is no seal. */
export async function planUndoDriftOf(reader: DomainAccess, options: UndoDriftOptions & CallOptions): Promise<Plan> {
  const { only, ifNotLive, ...call } = options;
  const context = await reader.context(call);
  const { seal: own, older } = seenSeal(reader.connection, context.canonical);
  const last = older ?? own;
  if (typeof last !== 'string')
    return planUndoDrift(last, context, { ...(only ? { only } : {}), ...(ifNotLive ? { ifNotLive } : {}) });
  const { name } = reader.handle;
  throw new LibvirtCanonicalError('DOMAIN_STATE', `the seal of domain ${name} is ${last}: nothing tells how it was`, {
    domain: name,
    remedy: 'Look at the canonical document, and accept it by acceptDrift()',
  });
}

/** Seals the document as it is. `DOMAIN_STATE` while an apply is under way or waits to be recovered, or with an unsaved definition. */
export async function acceptDrift(reader: DomainAccess, options: CallOptions): Promise<void> {
  await assertNoUnsavedDefinition(reader, options);
  const { canonical } = await reader.documents(options);
  if (applyPhaseIn(canonical) === 'none') return seal(reader, canonical, undefined, options);
  const { name } = reader.handle;
  throw new LibvirtCanonicalError('DOMAIN_STATE', `an apply to domain ${name} stands half done`, {
    domain: name,
    remedy:
      "Let it end, or recover the domain when it was interrupted, with owner: 'gone' when its process cannot be seen from here",
  });
}
