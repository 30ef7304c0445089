import { type DomainReader, seal } from '../apply/index.js';
import type { CallOptions } from '../connection/index.js';
import { type DriftChange, driftFrom, ownElement, readSeal } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { type Plan, planUndoDrift, type UndoDriftOptions } from '../plan/index.js';

/** What the canonical document says otherwise than this library left it. A plain value. */
export interface Drift {
  /**
   * What the comparison is made with. `missing`: this library never wrote to the domain, or somebody took the seal out.
   * `unreadable`: somebody wrote over it. Nothing can be told of changes then.
   */
  readonly seal: 'intact' | 'missing' | 'unreadable';
  /** When the seal was made; undefined when there is none that can be read. */
  readonly sealedAt: Date | undefined;
  /** What differs, devices first. Empty when nobody else changed anything, or when there is no seal. */
  readonly changes: readonly DriftChange[];
  /**
   * Whether somebody gave the domain another document. `yes`: something differs that only a definition changes. `no`:
   * nothing differs. `unknown`: all that differs could also be the work of single calls, which leave no other trace.
   */
  readonly redefined: 'yes' | 'no' | 'unknown';
  /** An apply of this library was cut off, and what it did stands among the changes. Recover the domain first. */
  readonly interrupted: boolean;
}

export async function driftOf(reader: DomainReader, options: CallOptions): Promise<Drift> {
  const { canonical } = await reader.documents(options);
  const interrupted = ownElement(canonical, 'journal') !== undefined;
  const last = readSeal(canonical);
  if (typeof last === 'string')
    return { seal: last, sealedAt: undefined, changes: [], redefined: 'unknown', interrupted };
  const changes = driftFrom(last, canonical, reader.connection.libvirtVersion);
  const foreign = changes.filter(({ by }) => by === 'somebody');
  const certain = !interrupted && foreign.some(({ onlyByDefinition }) => onlyByDefinition);
  return {
    seal: 'intact',
    sealedAt: last.at,
    changes,
    redefined: foreign.length === 0 ? 'no' : certain ? 'yes' : 'unknown',
    interrupted,
  };
}

/** The way back to the sealed document. `DOMAIN_STATE` when there is no seal. */
export async function planUndoDriftOf(reader: DomainReader, options: UndoDriftOptions & CallOptions): Promise<Plan> {
  const { only, ifNotLive, ...call } = options;
  const context = await reader.context(call);
  const last = readSeal(context.canonical);
  if (typeof last !== 'string')
    return planUndoDrift(last, context, { ...(only ? { only } : {}), ...(ifNotLive ? { ifNotLive } : {}) });
  const { name } = reader.handle;
  throw new LibvirtCanonicalError('DOMAIN_STATE', `the seal of domain ${name} is ${last}: nothing tells how it was`, {
    domain: name,
    remedy: 'Look at the canonical document, and accept it by acceptDrift()',
  });
}

/** Seals the document as it is. `DOMAIN_STATE` while an interrupted apply waits to be recovered. */
export async function acceptDrift(reader: DomainReader, options: CallOptions): Promise<void> {
  const { canonical } = await reader.documents(options);
  if (!ownElement(canonical, 'journal')) return seal(reader, canonical, undefined, options);
  const { name } = reader.handle;
  throw new LibvirtCanonicalError('DOMAIN_STATE', `an apply to domain ${name} was cut off and stands half done`, {
    domain: name,
    remedy: 'Recover it first',
  });
}
