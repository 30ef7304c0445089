import { AFFECT, type MutatorCall, type Operation, type Refusal, type Scope, setOperation } from '../operation.js';
import { assertKnownFields } from '../unknown-field.js';
import { specInvalid } from '../values.js';
import type { SettingPlan } from './setting.js';

/** virDomainVcpuFlags and virDomainMemoryModFlags agree: this bit means the maximum, which only CONFIG takes. */
const MAXIMUM = 4;

/** A setting with a current amount below a maximum: vCPUs and memory. */
export interface Amount {
  readonly name: string;
  readonly path: string;
  /** Paths of the maximum and the current amount, for people. */
  readonly paths: { readonly maximum: string; readonly current: string };
  readonly asked: { readonly current: number | undefined; readonly maximum: number | undefined };
  readonly now: { readonly current: number; readonly maximum: number };
  /** What the running guest has and could have. */
  readonly live: { readonly current: number; readonly maximum: number } | undefined;
  /** The guest itself moves the live amount, so a live amount that lags is not asked for again. */
  readonly settlesLater: boolean;
  format(amount: number): string;
  call(amount: number, flags: number): MutatorCall;
  /** Why the maximum cannot become this. */
  whyNotMaximum(maximum: number): Pick<Refusal, 'reason' | 'remedy'> | undefined;
  /** Why no call brings the maximum back from this one; undefined when one does. */
  irreversibleBecause?(maximum: number): string | undefined;
  /** Why the running guest cannot have `current`, although it is within its maximum; undefined when it can. */
  liveObstacle(current: number, liveNow: number): string | undefined;
  /** Why the guest must cooperate on the way to `current`; undefined when it need not. */
  cooperation(current: number, liveNow: number): string | undefined;
}

/** Reads an amount given by itself, or as current and maximum; `SPEC_UNKNOWN_FIELD` for anything else beside them. */
export function currentAndMaximum<T>(value: unknown, path: string): { current?: T; maximum?: T; both: boolean } {
  if (typeof value !== 'object' || value === null) return { current: value as T, both: false };
  assertKnownFields(value, ['current', 'maximum'], path);
  return { ...value, both: true };
}

/** Current at once as far as the running guest's maximum goes, the maximum at the next boot; never a current above its maximum in between. */
export function planAmount(amount: Amount): SettingPlan {
  const { name, path, asked, now, live, format } = amount;
  const maximum = asked.maximum ?? Math.max(now.maximum, asked.current ?? 0);
  if (asked.current !== undefined && asked.current > maximum) {
    throw specInvalid(
      path,
      `${format(asked.current)} is more than the maximum of ${format(maximum)}`,
      'Raise maximum with it',
    );
  }
  const refused = maximum === now.maximum ? undefined : amount.whyNotMaximum(maximum);
  if (refused) return { operations: [], refusals: [{ subject: name, path, ...refused }] };

  const current = asked.current ?? Math.min(now.current, maximum);
  const change = (at: string, from: number, to: number) => [{ path: at, from: format(from), to: format(to) }];
  const operations: Operation[] = [];
  if (maximum !== now.maximum) {
    const flags = AFFECT.config | MAXIMUM;
    const lasting = amount.irreversibleBecause?.(maximum);
    operations.push(
      setOperation(
        name,
        'config',
        change(amount.paths.maximum, now.maximum, maximum),
        amount.call(maximum, flags),
        lasting === undefined ? amount.call(now.maximum, flags) : [],
        lasting === undefined ? {} : { reason: lasting },
      ),
    );
  }
  const later =
    live &&
    (current > live.maximum
      ? 'beyond the maximum the running guest was started with'
      : amount.liveObstacle(current, live.current));
  const liveFits = live !== undefined && later === undefined;
  const configDiffers = current !== now.current;
  const liveDiffers = liveFits && current !== live.current && (configDiffers || !amount.settlesLater);
  if (configDiffers || (liveDiffers && asked.current !== undefined)) {
    const scope: Scope = configDiffers ? (liveDiffers ? 'both' : 'config') : 'live';
    const before = scope === 'live' ? (live?.current ?? now.current) : now.current;
    const cooperation = liveDiffers ? amount.cooperation(current, live.current) : undefined;
    const reason = cooperation ?? later;
    const calls = [amount.call(current, AFFECT[scope]), amount.call(before, AFFECT[scope])] as const;
    const operation = setOperation(name, scope, change(amount.paths.current, before, current), ...calls, {
      guestMustCooperate: cooperation !== undefined,
      ...(reason === undefined ? {} : { reason }),
    });
    // Lowering the maximum below the current amount would pull that down as a side effect, which no inverse could see.
    if (maximum < now.current) operations.unshift(operation);
    else operations.push(operation);
  }
  return { operations, refusals: [] };
}
