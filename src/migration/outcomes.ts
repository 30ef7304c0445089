import type { Standing } from './standing.js';

/** What the states of both hosts together mean. Each is a row of the table in docs/migration.md. */
export type MigrationOutcome =
  | 'not-migrated'
  | 'begun'
  | 'sending'
  | 'sending-without-source'
  | 'sent'
  | 'sent-without-owner'
  | 'destination-lost'
  | 'stands-still'
  | 'arrived'
  | 'arrived-without-owner'
  | 'finish-failed'
  | 'defined-on-both'
  | 'done'
  | 'source-ended'
  | 'split-brain'
  | 'post-copy'
  | 'post-copy-failed'
  | 'nowhere'
  | 'unknown';

/** What recovery does about an outcome. */
export type MigrationAction =
  /** Nothing is left to do for the domain itself. */
  | 'settled'
  /** Ends the job at the source: Confirm(cancelled), and what came up at the destination: Finish(cancelled). */
  | 'cancel'
  /** Ends what waits at the destination. */
  | 'end-destination'
  /** Goes on at the destination, or back to the source: the caller's choice, back by default. */
  | 'choose'
  /** Lets the source go on: nothing runs at the destination. */
  | 'resume-source'
  /** Removes the definition that the failed finish left at the destination. */
  | 'undefine-destination'
  /** Ends what was prepared at the destination of a domain that is off; all that is left of it is in its daemon's memory. */
  | 'end-prepared'
  /** Lets the source go: the destination is compared with it first. */
  | 'let-go'
  /** Waits: its memory is going over. */
  | 'wait'
  /** Waits while its memory moves; where it does not, the hosts are joined anew and it goes on. */
  | 'resume-post-copy'
  /** No automatic choice. */
  | 'refuse';

/** One row: what both sides are, what that means and what is done. */
export interface OutcomeRow {
  readonly source: SourceSide;
  readonly destination: DestinationSide;
  readonly outcome: MigrationOutcome;
  readonly action: MigrationAction;
  /** Where the domain is, for people. */
  readonly meaning: string;
}

/**
 * The source: `lives` runs, or is paused by its own will. `held` is paused by the end of Perform. `job`: its job still stands.
 */
export type SourceSide =
  | 'lives'
  | 'lives, job'
  | 'held'
  | 'held, job'
  | 'off'
  | 'absent'
  | 'post-copy'
  | 'post-copy failed'
  | 'unreachable';
/**
 * The destination: `starting` is about to be one of the others. `prepared` is only in the daemon's memory, for a domain that was to come as it is, off. `incoming` waits for memory. `arrived` was started there, or finished paused. Of those that are off, `off` is
 * another definition than the migration's. The migration's own is `ended` when the guest ran there and has ended since, or when
 * nothing was to run; `failed` when its start failed; `ended or failed` when that cannot be told any more.
 */
export type DestinationSide =
  | 'absent'
  | 'starting'
  | 'prepared'
  | 'incoming'
  | 'arrived'
  | 'ended'
  | 'failed'
  | 'ended or failed'
  | 'off'
  | 'post-copy'
  | 'post-copy failed'
  | 'unreachable';

const row = (
  source: SourceSide,
  destination: DestinationSide,
  outcome: MigrationOutcome,
  action: MigrationAction,
  meaning: string,
): OutcomeRow => ({ source, destination, outcome, action, meaning });

/** Every pair of sides that a migration of libvirt can leave. What is not here is no state of a migration. */
export const OUTCOMES: readonly OutcomeRow[] = [
  row('lives', 'absent', 'not-migrated', 'settled', 'it runs on the source; the migration did not take place'),
  row('lives', 'off', 'not-migrated', 'settled', 'it runs on the source; the destination has a definition that is off'),
  row(
    'lives',
    'failed',
    'finish-failed',
    'undefine-destination',
    'it runs on the source; a definition was left at the destination',
  ),
  row(
    'lives, job',
    'absent',
    'begun',
    'cancel',
    'it runs on the source, whose job is held; nothing is at the destination',
  ),
  row(
    'lives, job',
    'off',
    'begun',
    'cancel',
    'it runs on the source, whose job is held; the destination has a definition that is off',
  ),
  row(
    'lives, job',
    'failed',
    'begun',
    'cancel',
    'it runs on the source, whose job is held; the destination has a definition that is off',
  ),
  row('lives, job', 'incoming', 'sending', 'cancel', 'it runs on the source; the destination waits for its memory'),
  row(
    'lives',
    'incoming',
    'sending-without-source',
    'end-destination',
    'it runs on the source; the destination waits for memory that nobody sends',
  ),
  row(
    'held, job',
    'incoming',
    'sent',
    'cancel',
    'it stands still: its memory is sent, and the job at the source is held',
  ),
  row(
    'held',
    'incoming',
    'sent-without-owner',
    'choose',
    'it stands still: its memory is sent, and nobody holds the job',
  ),
  row('held, job', 'absent', 'destination-lost', 'cancel', 'it stands still on the source; the destination was lost'),
  row('held, job', 'off', 'destination-lost', 'cancel', 'it stands still on the source; the destination was lost'),
  row(
    'held',
    'absent',
    'stands-still',
    'resume-source',
    'it stands still on the source and nowhere else; nobody resumes it',
  ),
  row('held', 'off', 'stands-still', 'resume-source', 'it stands still on the source; nothing runs at the destination'),
  row(
    'held, job',
    'failed',
    'finish-failed',
    'undefine-destination',
    'it stands still on the source; the finish at the destination failed',
  ),
  row(
    'held',
    'failed',
    'finish-failed',
    'undefine-destination',
    'it stands still on the source; the finish at the destination failed',
  ),
  row('held, job', 'arrived', 'arrived', 'let-go', 'it runs at the destination; the source was not let go yet'),
  row(
    'held',
    'arrived',
    'arrived-without-owner',
    'let-go',
    'it runs at the destination; the source stands still and nobody lets it go',
  ),
  row(
    'held, job',
    'ended',
    'arrived',
    'let-go',
    'it ran at the destination and is off there; the source was not let go yet',
  ),
  row(
    'held',
    'ended',
    'arrived-without-owner',
    'let-go',
    'it ran at the destination and is off there; the source stands still and nobody lets it go',
  ),
  row('off', 'arrived', 'defined-on-both', 'let-go', 'it runs at the destination; the source still has its definition'),
  row('off', 'ended', 'defined-on-both', 'let-go', 'it is off, and defined on both'),
  row('off', 'off', 'source-ended', 'settled', 'it is off on the source; the destination has another definition of it'),
  row('absent', 'arrived', 'done', 'settled', 'it runs at the destination'),
  row('absent', 'ended', 'done', 'settled', 'it is defined at the destination, and off'),
  row('absent', 'off', 'done', 'settled', 'it is defined at the destination, and off'),
  row('absent', 'failed', 'unknown', 'refuse', 'the source does not have it, and its finish at the destination failed'),
  row('lives', 'arrived', 'split-brain', 'refuse', 'IT RUNS ON BOTH'),
  row('lives, job', 'arrived', 'split-brain', 'refuse', 'IT RUNS ON BOTH'),
  row('off', 'absent', 'source-ended', 'settled', 'it is off on the source'),
  row(
    'off',
    'prepared',
    'source-ended',
    'end-prepared',
    'it is off on the source; the destination only prepared for it',
  ),
  row(
    'lives',
    'prepared',
    'not-migrated',
    'end-prepared',
    'it runs on the source; the destination only prepared for it',
  ),
  row(
    'off',
    'failed',
    'finish-failed',
    'undefine-destination',
    'it is off on the source; a definition was left at the destination',
  ),
  row(
    'off',
    'incoming',
    'sending-without-source',
    'end-destination',
    'it is off on the source; the destination waits for memory that nobody sends',
  ),
  row(
    'absent',
    'incoming',
    'sending-without-source',
    'refuse',
    'the source does not have it; the destination waits for memory',
  ),
  row(
    'post-copy',
    'post-copy',
    'post-copy',
    'wait',
    'it runs at the destination with part of its memory on the source',
  ),
  row(
    'post-copy',
    'incoming',
    'post-copy',
    'wait',
    'it goes over to the destination with part of its memory on the source',
  ),
  row(
    'post-copy',
    'arrived',
    'arrived',
    'let-go',
    'it runs at the destination with all of its memory; the source was not let go yet',
  ),
  row(
    'post-copy failed',
    'post-copy',
    'post-copy-failed',
    'wait',
    'it runs at the destination with part of its memory on the source, and nobody conducts it',
  ),
  row(
    'post-copy',
    'post-copy failed',
    'post-copy-failed',
    'wait',
    'it runs at the destination with part of its memory on the source, which has not seen yet that the way between them is cut',
  ),
  row(
    'post-copy failed',
    'post-copy failed',
    'post-copy-failed',
    'resume-post-copy',
    'it runs at the destination with part of its memory on the source; the way between them is cut, or nobody conducts it',
  ),
  row(
    'post-copy failed',
    'arrived',
    'arrived',
    'wait',
    'it runs at the destination with all of its memory; the source ends by itself',
  ),
  row(
    'post-copy failed',
    'absent',
    'post-copy-failed',
    'refuse',
    'it had gone over and was lost at the destination: what the source has left of it cannot go on',
  ),
  row('absent', 'absent', 'nowhere', 'refuse', 'neither host has it'),
];

/** What the record of a migration adds to what the hosts say; without one, nothing is known of these. */
export interface KnownOfMigration {
  readonly id: string;
  readonly mode: 'live' | 'block' | 'cold';
  /** The guest was paused before it migrated, and so stands still in other words. */
  readonly paused: boolean;
}

/** The row that both sides are in. */
export function outcomeOf(source: Standing, destination: Standing, known?: KnownOfMigration): OutcomeRow {
  const b = destinationSide(destination, known);
  const stands = known !== undefined && source.is === 'there' && standsStill(source, b, known);
  const side = sourceSide(source);
  const a = stands ? (side.endsWith('job') ? 'held, job' : 'held') : side;
  return (
    OUTCOMES.find((each) => each.source === a && each.destination === b) ??
    row(a, b, 'unknown', 'refuse', unknownMeaning(a, b))
  );
}

/**
 * Whether the migration made it stand still, though libvirt says it in other words: it stood already, or libvirt could not resume
 * it after a failure, which libvirt 9.0 leaves as it was and 11.3 calls an error (qemuMigrationSrcRestoreDomainState).
 */
function standsStill(
  { state, reason }: Extract<Standing, { is: 'there' }>,
  destination: DestinationSide,
  { paused }: KnownOfMigration,
): boolean {
  if (state !== 'paused') return false;
  return paused ? destination === 'arrived' : reason === 'apiError';
}

function unknownMeaning(source: SourceSide, destination: DestinationSide): string {
  if (source === 'unreachable' || destination === 'unreachable') return 'a host did not answer';
  if (destination === 'starting') return 'the destination starts it, and does not come to an end with that';
  if (destination === 'ended or failed')
    return 'the destination has its definition, off, and cannot tell any more whether it ran there';
  if (destination === 'ended') return 'it ran at the destination and is off there, and the source runs';
  return 'no migration leaves this';
}

function sourceSide(standing: Standing): SourceSide {
  if (standing.is !== 'there') return standing.is;
  const { state, reason, job } = standing;
  if (isOff(state)) return 'off';
  if (reason === 'postcopy') return 'post-copy';
  if (reason === 'postcopyFailed') return 'post-copy failed';
  const side = state === 'paused' && reason === 'migration' ? 'held' : 'lives';
  return job === false ? side : `${side}, job`;
}

function destinationSide(standing: Standing, known: KnownOfMigration | undefined): DestinationSide {
  if (standing.is !== 'there') return standing.is;
  const { state, reason } = standing;
  if (isOff(state)) return offSide(standing, known);
  if (reason === 'postcopy') return 'post-copy';
  if (reason === 'postcopyFailed') return 'post-copy failed';
  if (isStarting(standing)) return 'starting';
  return state === 'paused' && reason === 'migration' ? 'incoming' : 'arrived';
}

/**
 * Finish writes the definition, with the record of the migration in it, and then starts the guest. One with another record, or
 * with none, was there before.
 */
function offSide(
  { reason, persistent, migration }: Standing & { is: 'there' },
  known: KnownOfMigration | undefined,
): DestinationSide {
  // One that is not persistent is only in the daemon's memory: no definition that could be relied on.
  if (!persistent) return known?.mode === 'cold' ? 'prepared' : 'failed';
  if (!known) return reason === 'failed' ? 'failed' : 'off';
  if (migration !== known.id) return 'off';
  if (reason === 'failed') return 'failed';
  return reason === 'unknown' && known.mode !== 'cold' ? 'ended or failed' : 'ended';
}

/** Its QEMU is being started: by a Prepare that is at work, or by somebody else. */
export const isStarting = (standing: Standing): boolean =>
  standing.is === 'there' && standing.state === 'paused' && standing.reason === 'startingUp';

const isOff = (state: string): boolean => state === 'shutoff' || state === 'crashed';
