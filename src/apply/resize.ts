import type { CallOptions } from '../connection/index.js';
import { type DomainDocument, memoryAmounts, vcpuAmounts } from '../domain/index.js';
import type { Plan } from '../plan/index.js';
import type { ApplyOptions, ApplyResult } from './apply.js';
import type { DomainAccess } from './domain-access.js';
import { withTimeout } from './wait.js';

/** Milliseconds between two looks at a balloon that moves. */
const LOOK_AGAIN = 250;

/** Options of `domain.resize`. */
export interface ResizeOptions extends ApplyOptions {
  /** Milliseconds that the guest's balloon is given before the result is read. Default 10,000. */
  readonly settle?: number;
}

/** How much there is, and how much there can be without another boot. */
export interface Amounts<Value> {
  readonly current: Value;
  readonly maximum: Value;
}

/** One measure of a domain after a resize, by both documents as they were read then. */
export interface Resized<Value> {
  /** What the running guest has; left out when it is off. */
  readonly now?: Amounts<Value>;
  readonly nextBoot: Amounts<Value>;
  /** `now`: the guest has it, or is off. `when-released`: its balloon is still on the way. `next-boot`: a cold boot brings it. */
  readonly takesEffect: 'now' | 'next-boot' | 'when-released';
}

/** A finished resize. */
export interface ResizeResult extends ApplyResult {
  readonly vcpus: Resized<number>;
  /** In bytes; memory devices are counted in. */
  readonly memory: Resized<bigint>;
}

/** Applies the plan of a resize and tells what has come of it: the documents are read again, since a guest can keep what it has. */
export async function resize(
  reader: DomainAccess,
  plan: Plan,
  apply: (plan: Plan, options: ApplyOptions) => Promise<ApplyResult>,
  { settle = 10_000, ...options }: ResizeOptions,
): Promise<ResizeResult> {
  const applied = await apply(plan, options);
  const call: CallOptions = { signal: options.signal };
  const look = async () => {
    const { canonical, live } = await reader.documents(call);
    return { vcpus: resized(canonical, live, vcpuAmounts), memory: inBytes(resized(canonical, live, memoryAmounts)) };
  };
  const moves = plan.operations.some(({ subject, scope }) => subject === 'memory' && scope !== 'config');
  let now = await look();
  for (const deadline = performance.now() + settle; moves && performance.now() < deadline; now = await look()) {
    if (now.memory.now?.current === now.memory.nextBoot.current) break;
    await withTimeout(new Promise<never>(() => {}), LOOK_AGAIN, 'waiting for the balloon', options.signal);
  }
  const late = moves && now.memory.now && now.memory.now.current !== now.memory.nextBoot.current;
  return { ...applied, ...now, memory: late ? { ...now.memory, takesEffect: 'when-released' } : now.memory };
}

function resized(
  canonical: DomainDocument,
  live: DomainDocument | undefined,
  amounts: (document: DomainDocument) => Amounts<number>,
): Resized<number> {
  const nextBoot = amounts(canonical);
  if (!live) return { nextBoot, takesEffect: 'now' };
  const now = amounts(live);
  const same = now.current === nextBoot.current && now.maximum === nextBoot.maximum;
  return { now, nextBoot, takesEffect: same ? 'now' : 'next-boot' };
}

function inBytes({ now, nextBoot, takesEffect }: Resized<number>): Resized<bigint> {
  const bytes = ({ current, maximum }: Amounts<number>) => ({
    current: BigInt(current) * 1024n,
    maximum: BigInt(maximum) * 1024n,
  });
  return { ...(now ? { now: bytes(now) } : {}), nextBoot: bytes(nextBoot), takesEffect };
}
