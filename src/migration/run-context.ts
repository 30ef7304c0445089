import type { DomainAccess } from '../apply/index.js';
import { AbortedError } from '../errors.js';
import type { OwnConnections } from './ends.js';
import type { MigrationRequest } from './options.js';
import type { Preparation } from './prepare.js';
import type { MigrationPhase, MigrationProgress, PolicyAct } from './progress.js';
import type { CarriedFile, MigrationRecord } from './record.js';
import type { Ends } from './settle.js';

/** What a migration led to. */
export interface MigrationResult {
  readonly domain: { readonly name: string; readonly uuid: string };
  /** Milliseconds in all, and those that the guest stood still, as libvirt counts them. */
  readonly total: number;
  readonly downtime: number | undefined;
  /** All that the policy did. */
  readonly policy: readonly PolicyAct[];
  /** What could not be done although the domain has arrived, for people: autostart, files left at the source, hooks. */
  readonly unfinished: readonly string[];
}

/** Whom a migration tells how far it is, and who may end it. */
export interface Audience {
  readonly signal: AbortSignal;
  readonly tell: (progress: MigrationProgress) => void;
  readonly phase: (phase: MigrationPhase) => void;
}

/** Everything about one migration once it may begin. */
export interface Run {
  readonly reader: DomainAccess;
  readonly ends: Ends;
  readonly own: OwnConnections;
  readonly request: MigrationRequest;
  readonly prepared: Preparation;
  readonly record: MigrationRecord;
  readonly audience: Audience;
  /** Writes down that a file is about to be written at the destination. */
  readonly noteCarried: (file: CarriedFile) => Promise<void>;
}

/** `ABORTED` when the caller, or the policy, has ended it. */
export function assertNotAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new AbortedError('the migration', signal.reason);
}
