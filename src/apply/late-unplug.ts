import type { Connection } from '../connection/index.js';
import type { Operation } from '../domain/index.js';
import { type DeviceSelector, type Plan, planChanges } from '../plan/index.js';
import type { DomainAccess } from './domain-access.js';
import { inDomainQueue, notify, outsideDomainQueue } from './domain-queue.js';
import { type LateUnplug, subjectIn, type UnplugOptions } from './unplug.js';
import { nextItem } from './wait.js';

/** What became of the plan that the request was part of. */
interface Failure {
  readonly applied: readonly unknown[];
  readonly rollback: 'undone' | 'kept' | 'partial';
}

type Apply = (plan: Plan) => Promise<unknown>;

/** Requests that stand after their apply gave up, by domain and live alias. They end with their connection. */
const standing = new WeakMap<Connection, Map<string, AbortController>>();

/**
 * After an apply that ended in `UNPLUG_UNCONFIRMED`: waits on for the guest, beside everything else, and completes the
 * detach in the canonical document when it lets go. Waits no longer than the connection, or the run of the domain, lasts;
 * it holds no timer, so it keeps no process alive.
 */
export function completeLateUnplug(
  reader: DomainAccess,
  plan: Plan,
  failure: Failure,
  apply: Apply,
  options: UnplugOptions = {},
): void {
  const at = failure.applied.length;
  const asked = plan.operations[at] as Operation;
  const config = configHalf(plan, at);
  const completes = options.late !== 'leave' && config !== undefined && isAllThatIsLeft(plan, failure, config);
  if (!completes && !options.onLate) return;
  const { connection, handle } = reader;
  const requests = standing.get(connection) ?? new Map<string, AbortController>();
  standing.set(connection, requests);
  const given = new AbortController();
  const key = keyOf(handle.uuid, asked);
  requests.get(key)?.abort();
  requests.set(key, given);
  const end = (outcome: Pick<LateUnplug, 'outcome' | 'error'>): void => {
    if (requests.get(key) === given) requests.delete(key);
    notify(options.onLate, { domain: handle.name, device: asked.subject, ...outcome });
  };
  // It must not count as part of the apply that it follows: it has to wait for its turn.
  outsideDomainQueue(async () => {
    // Whatever ends the wait before the guest has answered, the connection first of all, is no failure.
    const answer = await waitForGuest(reader, asked, given.signal).catch(() => 'lapsed' as const);
    if (answer !== 'removed') return answer;
    if (config === undefined) return 'completed';
    return completes ? complete(reader, asked, config, apply, given.signal) : 'left';
  }).then(
    (outcome) => end({ outcome }),
    (error: unknown) => end({ outcome: 'failed', error }),
  );
}

/** A plan that has something to do with a device ends the wait for it: it is the newer word. */
export function cancelLateUnplugs({ connection, handle }: DomainAccess, { operations }: Plan): void {
  const requests = standing.get(connection);
  for (const operation of operations) {
    const key = keyOf(handle.uuid, operation);
    requests?.get(key)?.abort();
    requests?.delete(key);
  }
}

/** The devices of a domain that the guest was asked to let go of by an earlier apply and has not answered for: it may do so at any time. */
export function stillAsked({ connection, handle }: DomainAccess): ReadonlySet<string> {
  const start = `${handle.uuid} `;
  const keys = [...(standing.get(connection)?.keys() ?? [])].filter((key) => key.startsWith(start));
  return new Set(keys.map((key) => key.slice(start.length)));
}

function keyOf(uuid: string, { subject }: { readonly subject: string }): string {
  return `${uuid} ${subject}`;
}

/** The operation that takes the same device out of the canonical document; planned right after the request to the guest. */
function configHalf({ operations }: Plan, at: number): Operation | undefined {
  const [asked, next] = operations.slice(at);
  return next?.action === 'detach' && next.scope === 'config' && next.subject === asked?.subject ? next : undefined;
}

/** True when completing the detach brings the domain to where the plan was to lead, and not to somewhere on the way. */
function isAllThatIsLeft({ operations }: Plan, { applied, rollback }: Failure, config: Operation): boolean {
  const rest = operations.slice(applied.length + 1);
  const others = rest.filter((each) => each !== config && !['intent', 'storage'].includes(each.subject));
  return others.length === 0 && (applied.length === 0 || rollback === 'kept');
}

async function waitForGuest(
  reader: DomainAccess,
  asked: Operation,
  signal: AbortSignal,
): Promise<'removed' | 'refused' | 'lapsed'> {
  const { connection, handle } = reader;
  const filter = { domain: handle, signal };
  await using removed = await connection.subscribe('DEVICE_REMOVED', filter);
  await using failed = await connection.subscribe('DEVICE_REMOVAL_FAILED', filter);
  await using lifecycle = await connection.subscribe('LIFECYCLE', filter);
  const alias = 'alias' in asked.call.args ? asked.call.args.alias : undefined;
  const mine = ({ devAlias }: { devAlias: string }) => devAlias === alias;
  const pending = {
    removed: nextItem(removed, mine),
    failed: nextItem(failed, mine),
    lifecycle: nextItem(lifecycle, ({ event }) => event === STOPPED),
  };
  for (const each of Object.values(pending)) each.catch(() => {});
  // The guest may have answered before the subscriptions stood.
  const { live } = await reader.documents({ signal });
  if (!live) return 'lapsed';
  if (!subjectIn(live, asked)) return 'removed';
  const item = await Promise.race(Object.values(pending));
  if (item === undefined) return 'lapsed';
  if (item.type === 'event' && item.name === 'DEVICE_REMOVAL_FAILED') return 'refused';
  if (item.type === 'event' && item.name === 'LIFECYCLE') return 'lapsed';
  const now = (await reader.documents({ signal })).live;
  return now && subjectIn(now, asked) ? 'lapsed' : 'removed';
}

/** virDomainEventType: VIR_DOMAIN_EVENT_STOPPED. */
const STOPPED = 5;

/** Takes the device out of the canonical document by a plan of its own, made of the documents as they are by now. */
function complete(
  reader: DomainAccess,
  asked: Operation,
  config: Operation,
  apply: Apply,
  signal: AbortSignal,
): Promise<'completed' | 'left' | 'lapsed'> {
  return inDomainQueue(reader.handle.uuid, async () => {
    const context = await reader.context();
    // Meanwhile another plan, or somebody else, has decided about it.
    if (signal.aborted) return 'lapsed';
    if (context.live && subjectIn(context.live, asked)) return 'lapsed';
    const plan = planChanges({ detach: [selectorOf(config)], scope: 'config' }, context);
    if (plan.refusals.length > 0) return 'left';
    await apply(plan);
    return 'completed';
  });
}

/** `disk data` names the disk with the id, target or other natural name `data`. */
function selectorOf({ subject }: Operation): DeviceSelector {
  const [element = '', ...name] = subject.split(' ');
  return { [element]: name.join(' ') } as DeviceSelector;
}
