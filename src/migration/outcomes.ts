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
  /** Lets the source go: the destination is compared with it first. */
  | 'let-go'
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
/** The destination: `incoming` waits for memory. `arrived` was started there, or finished paused. `failed` is what a failed finish leaves. */
export type DestinationSide = 'absent' | 'incoming' | 'arrived' | 'failed' | 'off' | 'post-copy' | 'unreachable';

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
  row('off', 'arrived', 'defined-on-both', 'let-go', 'it runs at the destination; the source still has its definition'),
  row('off', 'off', 'defined-on-both', 'let-go', 'it is off, and defined on both'),
  row('absent', 'arrived', 'done', 'settled', 'it runs at the destination'),
  row('absent', 'off', 'done', 'settled', 'it is defined at the destination, and off'),
  row('absent', 'failed', 'unknown', 'refuse', 'the source does not have it, and its finish at the destination failed'),
  row('lives', 'arrived', 'split-brain', 'refuse', 'IT RUNS ON BOTH'),
  row('lives, job', 'arrived', 'split-brain', 'refuse', 'IT RUNS ON BOTH'),
  row('off', 'absent', 'source-ended', 'settled', 'it is off on the source'),
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
    'refuse',
    'it runs at the destination with part of its memory on the source',
  ),
  row(
    'post-copy',
    'incoming',
    'post-copy',
    'refuse',
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
    'refuse',
    'its memory is on both hosts and the way between them is cut',
  ),
  row('absent', 'absent', 'nowhere', 'refuse', 'neither host has it'),
];

/** The row that both sides are in. `paused`: the guest was paused before it migrated, and so stands still in other words. */
export function outcomeOf(source: Standing, destination: Standing, { paused = false } = {}): OutcomeRow {
  const b = destinationSide(destination);
  const stands = paused && b === 'arrived' && source.is === 'there' && source.state === 'paused';
  const side = sourceSide(source);
  const a = stands ? (side.endsWith('job') ? 'held, job' : 'held') : side;
  return (
    OUTCOMES.find((each) => each.source === a && each.destination === b) ??
    row(
      a,
      b,
      'unknown',
      'refuse',
      a === 'unreachable' || b === 'unreachable' ? 'a host did not answer' : 'no migration leaves this',
    )
  );
}

function sourceSide(standing: Standing): SourceSide {
  if (standing.is !== 'there') return standing.is;
  const { state, reason, job } = standing;
  if (state === 'shutoff' || state === 'crashed') return 'off';
  if (reason === 'postcopy') return 'post-copy';
  if (reason === 'postcopyFailed') return 'post-copy failed';
  const side = state === 'paused' && reason === 'migration' ? 'held' : 'lives';
  return job === false ? side : `${side}, job`;
}

function destinationSide(standing: Standing): DestinationSide {
  if (standing.is !== 'there') return standing.is;
  const { state, reason, persistent } = standing;
  // One that is off and not persistent is only in the daemon's memory: no definition that could be relied on.
  if (state === 'shutoff' || state === 'crashed') return reason === 'failed' || !persistent ? 'failed' : 'off';
  if (reason === 'postcopy' || reason === 'postcopyFailed') return 'post-copy';
  return state === 'paused' && reason === 'migration' ? 'incoming' : 'arrived';
}
