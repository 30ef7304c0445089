import { bytesOf, type Size } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import {
  checkOptions,
  group,
  OBJECT,
  type OptionTable,
  type Rule,
  SIGNAL,
  SIZE,
  shown,
  TEXTS,
  words,
} from '../options.js';

/** What becomes of a running domain that cannot move while it runs. */
export type Fate =
  /** The plan is refused as long as such a domain is there. */
  | 'refuse'
  /** It runs on where it is, and the host is not empty at the end. */
  | 'stay'
  /** It is shut down and stays defined where it is. */
  | 'shutdown'
  /** It is shut down, goes to another host, and is started there. */
  | 'cold';

/** Domains: by name or UUID, or whatever a function says of them when the plan is made. */
export type DomainChoice = readonly string[] | ((domain: ChosenDomain) => boolean);

/** What a {@link DomainChoice} may go by. */
export interface ChosenDomain {
  readonly name: string;
  readonly uuid: string;
  readonly title: string | undefined;
}

/** The fate of those that cannot move, said before anything is done: never decided by a migration that fails. */
export interface CannotMove {
  /** Default `refuse`. */
  readonly default?: Fate | undefined;
  readonly stay?: DomainChoice | undefined;
  readonly shutdown?: DomainChoice | undefined;
  readonly cold?: DomainChoice | undefined;
}

/** What every plan that gives domains a host is asked for. */
export interface PlacementRequest {
  /** Where they may go, by the hosts' names. Default: all others. */
  readonly to?: readonly string[] | undefined;
  /** Labels of hosts: the domains are spread over their values as evenly as their number there allows. */
  readonly spread?: readonly string[] | undefined;
  /** Sets of domains, by name or UUID, no two of which may be on one host. */
  readonly apart?: ReadonlyArray<readonly string[]> | undefined;
  /** Sets of domains that have to be on one host. */
  readonly together?: ReadonlyArray<readonly string[]> | undefined;
  /** Who is given a host first, by memory or by name, or a list of those that come before all others. Default `largest-first`. */
  readonly order?: 'largest-first' | 'smallest-first' | 'by-name' | readonly string[] | undefined;
  /** Memory of each target that the plan gives to nobody: bytes, `'4 GiB'`, or a part such as `'10 %'`. QEMU's own is in it too. */
  readonly keepFree?: { readonly memory?: Size | `${number} %` | undefined } | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What `fleet.planDrain` is asked for. */
export interface DrainRequest extends PlacementRequest {
  /** Domains that are off: `stay` where they are defined (default), or go `cold` to another host. */
  readonly off?: 'stay' | 'cold' | undefined;
  readonly cannotMove?: Fate | CannotMove | undefined;
  /**
   * Disks: `prove` (default) has each move prove that both hosts have their storage, `copy` has those copied that a target
   * lacks, `shared` takes your word for all that no call can tell, such as block devices.
   */
  readonly storage?: 'prove' | 'copy' | 'shared' | undefined;
}

const FATES = ['refuse', 'stay', 'shutdown', 'cold'] as const;
const CHOICE: Rule = {
  takes: 'an array of names or UUIDs, or a function',
  fits: (value) => TEXTS.fits(value) || typeof value === 'function',
};
const SETS: Rule = {
  takes: 'an array of arrays of names or UUIDs',
  fits: (value) => Array.isArray(value) && value.every((each) => TEXTS.fits(each)),
};
const CANNOT_MOVE = group<CannotMove>({ default: words(...FATES), stay: CHOICE, shutdown: CHOICE, cold: CHOICE });

/** Rules for the part of a request that places domains. */
export const PLACEMENT: OptionTable<PlacementRequest> = {
  to: TEXTS,
  spread: TEXTS,
  apart: SETS,
  together: SETS,
  order: {
    takes: "'largest-first', 'smallest-first', 'by-name', or an array of names or UUIDs",
    fits: (value) => ['largest-first', 'smallest-first', 'by-name'].includes(value as string) || TEXTS.fits(value),
    words: ['largest-first', 'smallest-first', 'by-name'],
  },
  keepFree: group<NonNullable<PlacementRequest['keepFree']>>({ memory: SIZE }),
  signal: SIGNAL,
};

/** Rules for a drain's request. */
export const DRAIN: OptionTable<DrainRequest> = {
  ...PLACEMENT,
  off: words('stay', 'cold'),
  cannotMove: {
    ...(CANNOT_MOVE as Rule),
    takes: `one of ${FATES.map((each) => `'${each}'`).join(', ')}, or ${CANNOT_MOVE.takes}`,
    fits: (value) => FATES.includes(value as Fate) || OBJECT.fits(value),
    words: FATES,
  },
  storage: words('prove', 'copy', 'shared'),
};

/** Checks a drain's request: `ARGUMENT_INVALID` with the path. */
export function checkDrain(request: unknown): void {
  checkOptions<DrainRequest>('planDrain', request, DRAIN);
}

/** The fate that a request gives a domain: the first of `stay`, `shutdown` and `cold` that names it, else the default. */
export function fateOf(domain: ChosenDomain, { cannotMove = 'refuse' }: DrainRequest): Fate {
  if (typeof cannotMove === 'string') return cannotMove;
  const named = (['stay', 'shutdown', 'cold'] as const).find((fate) => chooses(cannotMove[fate], domain));
  return named ?? cannotMove.default ?? 'refuse';
}

/** Whether a choice is of that domain. */
export function chooses(choice: DomainChoice | undefined, domain: ChosenDomain): boolean {
  if (choice === undefined) return false;
  if (typeof choice === 'function') return choice(domain);
  return choice.includes(domain.name) || choice.includes(domain.uuid);
}

/** Bytes that are kept free of a host with so much memory. */
export function keptFree(total: number, { keepFree }: PlacementRequest): number {
  const memory = keepFree?.memory;
  if (memory === undefined) return 0;
  const [, part] = (typeof memory === 'string' && /^\s*(\d+(?:\.\d+)?)\s*%\s*$/.exec(memory)) || [];
  if (part === undefined) return Number(bytesOf(memory as Size, 'keepFree.memory'));
  if (Number(part) <= 100) return Math.ceil((total * Number(part)) / 100);
  throw new LibvirtCanonicalError('ARGUMENT_INVALID', `keepFree.memory: ${shown(memory)} is more than all of it`, {
    path: 'keepFree.memory',
  });
}

/** The parts of a request that a plan keeps as JSON: those by which it can be held against the hosts once more. */
export function plainRequest({ to, off, storage, spread, apart, together, keepFree }: DrainRequest): PlainRequest {
  const memory = keepFree?.memory;
  const kept = memory === undefined ? undefined : { memory: typeof memory === 'bigint' ? Number(memory) : memory };
  const parts = { to, off, storage, spread, apart, together, keepFree: kept };
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}

/** What {@link plainRequest} keeps. */
export type PlainRequest = Pick<
  DrainRequest,
  'to' | 'off' | 'storage' | 'spread' | 'apart' | 'together' | 'keepFree'
> & {
  readonly leftOutSecrets?: 'refuse' | 'without';
};
