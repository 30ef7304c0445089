/** What an exit code of `lvc` means. */
export const EXIT = {
  /** Done, or nothing to do. */
  ok: 0,
  /** Something went wrong: the command line, the host, or the work. */
  error: 1,
  /** There is something to do: a plan with changes, pending changes, drift, findings. */
  changes: 2,
  /** Refused before anything was changed: a plan with refusals, one that is stale, a bundle that this host cannot take. */
  refused: 3,
  /** Ended by Ctrl-C, as shells count it. */
  interrupted: 130,
} as const;

/** What a command gives back: a value for `--json`, a text for people, and how it came out. */
export interface Answer {
  readonly result: unknown;
  readonly text: string;
  readonly exit?: number;
}

/** A command line that cannot be done; the message says what to write instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
