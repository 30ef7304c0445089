import { assertKnownFields, formatValue, specInvalid } from '../domain/index.js';
import { meant } from '../nearest.js';

/** What can be done about a migration that does not get on. */
export type StallStep =
  /** Allow the pause that the last pass would take, if that is within `downtime.most`. */
  | 'downtime'
  /** Send faster, up to `bandwidth.most`. */
  | 'speed'
  /** Let the guest go over now and fetch the rest of its memory from there. Needs `postCopy`. No way back from then on. */
  | 'post-copy'
  /** Stop the guest here until it has gone over. */
  | 'suspend'
  /** Give up: the guest stays where it is. */
  | 'abort';

/** How a live migration is driven. A plain value: keep it as JSON. */
export interface MigrationPolicy {
  /** Most MiB per second: at first, and at most when it stalls. No limit where there is none. */
  readonly bandwidth?: { readonly begin?: number; readonly most?: number };
  /** The pause that the guest may see, in milliseconds: what is allowed from a time on, in seconds since sending began, and at most when it stalls. */
  readonly downtime: {
    readonly schedule: ReadonlyArray<{ readonly after: number; readonly ms: number }>;
    readonly most: number;
  };
  /** Slow the guest's CPUs down, in percent, when it writes faster than memory is sent. */
  readonly autoConverge: false | { readonly initial: number; readonly increment: number };
  /** Whether post-copy may be used: from its start on the guest lives on the memory of both hosts. */
  readonly postCopy: boolean;
  /** What to do when it stalls, one after the other. */
  readonly onStall: readonly StallStep[];
  /** It stalls when so many passes over memory in a row have not made what remains smaller by that part. */
  readonly stall: { readonly boundaries: number; readonly improve: number };
  /** Seconds without a byte sent after which it is aborted. */
  readonly silence: number;
  /** Seconds after which it is aborted: for each GiB of memory and copied disks, but `total` at most. */
  readonly deadline: { readonly perGiB: number; readonly total: number };
}

const GENTLE: MigrationPolicy = {
  downtime: { schedule: [{ after: 0, ms: 300 }], most: 1_000 },
  autoConverge: false,
  postCopy: false,
  onStall: ['downtime', 'speed', 'abort'],
  stall: { boundaries: 3, improve: 0.05 },
  silence: 30,
  deadline: { perGiB: 600, total: 6 * 3600 },
};

/** The presets, with what each is for. */
export const MIGRATION_POLICIES = {
  /** The default. The guest is paused for a second at most; when that is not enough it stays where it is. */
  gentle: GENTLE,
  /** The guest is slowed down until its memory can be sent; paused for two seconds at most. */
  converge: {
    ...GENTLE,
    downtime: { schedule: [{ after: 0, ms: 300 }], most: 2_000 },
    autoConverge: { initial: 20, increment: 10 },
    stall: { boundaries: 6, improve: 0.05 },
  },
  /** It has to leave: when nothing else helps the guest is stopped until it has gone over. */
  leave: {
    ...GENTLE,
    downtime: { schedule: [{ after: 0, ms: 300 }], most: 5_000 },
    onStall: ['downtime', 'speed', 'suspend'],
  },
  /** When it stalls the guest goes over and fetches the rest of its memory; it is lost when a host or the way between fails then. */
  'post-copy': { ...GENTLE, postCopy: true, onStall: ['downtime', 'post-copy'] },
} as const satisfies Readonly<Record<string, MigrationPolicy>>;

/** Name of one of {@link MIGRATION_POLICIES}. */
export type MigrationPolicyName = keyof typeof MIGRATION_POLICIES;

/** Fields of a policy whose parts can be given one by one; what is not given is the preset's. */
const IN_PARTS = ['bandwidth', 'downtime', 'stall', 'deadline'] as const;

/** What a caller gives: a preset, or parts of a policy over one, such as `{ preset: 'leave', downtime: { most: 800 } }`. */
export type MigrationPolicyRequest =
  | MigrationPolicyName
  | (Partial<Omit<MigrationPolicy, (typeof IN_PARTS)[number]>> & {
      readonly [name in (typeof IN_PARTS)[number]]?: Partial<NonNullable<MigrationPolicy[name]>>;
    } & { readonly preset?: MigrationPolicyName });

const STEPS: readonly StallStep[] = ['downtime', 'speed', 'post-copy', 'suspend', 'abort'];

/** The policy that was asked for. Errors: `SPEC_INVALID`, `SPEC_UNKNOWN_FIELD` with the path of what is wrong. */
export function policyOf(request: MigrationPolicyRequest = 'gentle'): MigrationPolicy {
  const { preset = 'gentle', ...parts } = typeof request === 'string' ? { preset: request } : object(request, 'policy');
  if (!Object.hasOwn(MIGRATION_POLICIES, preset as string))
    throw specInvalid(
      'policy',
      `${formatValue(preset)} is not a policy`,
      `${meant(preset, Object.keys(MIGRATION_POLICIES))}Give one of ${Object.keys(MIGRATION_POLICIES).join(', ')}`,
    );
  const base: MigrationPolicy = MIGRATION_POLICIES[preset as MigrationPolicyName];
  assertKnownFields(parts, ['bandwidth', ...Object.keys(GENTLE)], 'policy');
  const policy = { ...base, ...parts, ...partsOver(base, parts) } as MigrationPolicy;
  checkNumbers(policy);
  if (!Array.isArray(policy.onStall))
    throw specInvalid('policy.onStall', 'it is not a list', `Give a list of ${STEPS.join(', ')}`);
  for (const [at, step] of policy.onStall.entries()) {
    const path = `policy.onStall[${at}]`;
    if (!STEPS.includes(step))
      throw specInvalid(path, `${formatValue(step)} is not a step`, `Give one of ${STEPS.join(', ')}`);
    if (policy.onStall.indexOf(step) < at)
      throw specInvalid(
        path,
        `${step} is in the list twice`,
        'Give each step once: they are taken one after the other',
      );
    if (step === 'post-copy' && !policy.postCopy)
      throw specInvalid(
        path,
        'post-copy is not allowed',
        'Say postCopy: true, and know that there is no way back from it',
      );
  }
  return policy;
}

/** Parts that are given, over those of the preset. */
function partsOver(base: MigrationPolicy, parts: Readonly<Record<string, unknown>>): Partial<Record<string, object>> {
  const given = IN_PARTS.filter((name) => parts[name] !== undefined);
  return Object.fromEntries(
    given.map((name) => [name, { ...base[name], ...object(parts[name], `policy.${name}`) }] as const),
  );
}

function checkNumbers({
  bandwidth,
  downtime,
  autoConverge,
  postCopy,
  stall,
  silence,
  deadline,
}: MigrationPolicy): void {
  if (bandwidth !== undefined) {
    assertKnownFields(object(bandwidth, 'policy.bandwidth'), ['begin', 'most'], 'policy.bandwidth');
    for (const name of ['begin', 'most'] as const)
      if (bandwidth[name] !== undefined) whole(bandwidth[name], `policy.bandwidth.${name}`, 1, 8_796_093_022_207);
    const { begin = 0, most = Number.POSITIVE_INFINITY } = bandwidth;
    if (begin > most)
      throw specInvalid(
        'policy.bandwidth.begin',
        `${begin} is more than policy.bandwidth.most, ${most}`,
        'Begin with less, or allow more',
      );
  }
  assertKnownFields(object(downtime, 'policy.downtime'), ['schedule', 'most'], 'policy.downtime');
  whole(downtime.most, 'policy.downtime.most', 1, 2_000_000);
  if (!Array.isArray(downtime.schedule))
    throw specInvalid('policy.downtime.schedule', 'it is not a list', 'Give [{ after: 0, ms: 300 }], for instance');
  for (const [at, each] of downtime.schedule.entries()) {
    const path = `policy.downtime.schedule[${at}]`;
    assertKnownFields(object(each, path), ['after', 'ms'], path);
    number(each.after, `${path}.after`, 0);
    whole(each.ms, `${path}.ms`, 1, 2_000_000);
    if (each.ms > downtime.most)
      throw specInvalid(
        `${path}.ms`,
        `${each.ms} is more than policy.downtime.most, ${downtime.most}`,
        'Give a schedule that stays within what is allowed at most, or allow more',
      );
    if (at > 0 && each.after <= (downtime.schedule[at - 1]?.after ?? 0))
      throw specInvalid(`${path}.after`, 'it is not later than the one before it', 'Give them in the order of time');
  }
  if (autoConverge !== false) {
    assertKnownFields(object(autoConverge, 'policy.autoConverge'), ['initial', 'increment'], 'policy.autoConverge');
    whole(autoConverge.initial, 'policy.autoConverge.initial', 1, 99);
    whole(autoConverge.increment, 'policy.autoConverge.increment', 1, 99);
  }
  if (typeof postCopy !== 'boolean')
    throw specInvalid('policy.postCopy', `${formatValue(postCopy)} is not true or false`, 'Give true or false');
  assertKnownFields(object(stall, 'policy.stall'), ['boundaries', 'improve'], 'policy.stall');
  whole(stall.boundaries, 'policy.stall.boundaries', 2, 1000);
  number(stall.improve, 'policy.stall.improve', 0);
  if (stall.improve >= 1)
    throw specInvalid('policy.stall.improve', 'it must be below 1', 'Give a part: 0.05 is five percent');
  number(silence, 'policy.silence', 1);
  assertKnownFields(object(deadline, 'policy.deadline'), ['perGiB', 'total'], 'policy.deadline');
  number(deadline.perGiB, 'policy.deadline.perGiB', 1);
  number(deadline.total, 'policy.deadline.total', 1);
}

function object(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw specInvalid(path, `${formatValue(value)} is not an object`, 'docs/migration.md has the fields of a policy');
}

function number(value: unknown, path: string, least: number): void {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < least)
    throw specInvalid(
      path,
      `${formatValue(value)} is not a number of ${least} or more`,
      `Give a number from ${least} on`,
    );
}

function whole(value: unknown, path: string, least: number, most: number): void {
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most)
    throw specInvalid(path, `${formatValue(value)} is not a whole number`, `Give one from ${least} to ${most}`);
}
