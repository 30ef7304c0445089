import { DomainAccess } from '../apply/index.js';
import type { Connection } from '../connection/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { CALLBACK, checkOptions, OBJECT, SIGNAL, TEXTS } from '../options.js';
import { type ChangeRequest, planChanges } from '../plan/index.js';
import { FleetChange, type PlannedChange } from './change.js';
import { chooses, type DomainChoice } from './drain-request.js';
import { checkHostNames } from './hosts.js';
import { inLanes } from './lanes.js';
import type { Member } from './member.js';
import { type HostListing, havingOf, type ListedDomain, type Listing, listingsOf } from './sight.js';
import type { SilentHost } from './where.js';

/** What `fleet.planApply` is asked for. */
export interface FleetApplyRequest {
  /** The change, as `domain.plan` takes it. */
  readonly request: ChangeRequest;
  /** Of which domains. Default: of all. */
  readonly where?: DomainChoice | undefined;
  /** On which hosts. Default: on all. */
  readonly hosts?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Hosts, and domains of one host, that are planned for at a time. */
const HOSTS = 8;
const LANES = 2;

/** Checks a request: `ARGUMENT_INVALID` with the path. What the change itself says wrongly is found by each plan. */
export function checkApply(request: unknown): void {
  const where = {
    takes: 'an array of names or UUIDs, or a function',
    fits: (value: unknown) => TEXTS.fits(value) || CALLBACK.fits(value),
  };
  const table = { request: OBJECT, where, hosts: TEXTS, signal: SIGNAL };
  checkOptions<FleetApplyRequest>('planApply', request ?? null, table, { needs: ['request'] });
}

/** Makes the plan of a change: see `Fleet.planApply`. Reads only. */
export async function planApply(members: readonly Member[], request: FleetApplyRequest): Promise<FleetChange> {
  const names = members.map(({ name }) => name);
  checkHostNames('planApply', 'hosts', request.hosts, names);
  // All hosts are asked, also for those that have a domain of another one too.
  const sights = await listingsOf(members, request.signal);
  const wanted = sights.filter(({ member }) => request.hosts?.includes(member.name) ?? true);
  const silent = new Map<string, string>();
  const planned = await inLanes(wanted, HOSTS, async (sight) => {
    if (sight.is === 'there') return planHost(sight, sights, request, silent);
    silent.set(sight.member.name, sight.why);
    return [];
  });
  const unheard = [...silent].map(([host, why]): SilentHost => ({ host, why }));
  return new FleetChange(planned.flat(), unheard);
}

async function planHost(
  sight: Listing,
  sights: readonly HostListing[],
  request: FleetApplyRequest,
  silent: Map<string, string>,
): Promise<PlannedChange[]> {
  const found = await inLanes(sight.domains, LANES, async (domain): Promise<PlannedChange[]> => {
    const answer = await sight.member.ask(
      (connection) => planOne(connection, sight.member.name, domain, sights, request),
      request.signal,
    );
    if (answer.is === 'answered') return answer.value;
    silent.set(sight.member.name, answer.why);
    return [];
  });
  return found.flat();
}

async function planOne(
  connection: Connection,
  host: string,
  { handle, running }: ListedDomain,
  sights: readonly HostListing[],
  { request, where, signal }: FleetApplyRequest,
): Promise<PlannedChange[]> {
  const { name, uuid } = handle;
  const about = { host, name, uuid, running };
  try {
    const context = await new DomainAccess(connection, handle).context({ signal });
    if (where !== undefined && !chooses(where, { name, uuid, title: context.canonical.value('title') })) return [];
    const plan = planChanges(request, context);
    const twice = havingOf(uuid, sights, ({ member }) => member.name !== host).map((other) => ({
      subject: 'domain',
      path: '',
      reason: `${other.member.name} has it too`,
      remedy: 'Look at both with where(), and undefine the one that is left over',
    }));
    const refusals = [...twice, ...plan.refusals];
    const does = refusals.length > 0 ? 'refused' : plan.isEmpty ? 'nothing' : 'change';
    const operations = plan.operations.map(({ action, subject, scope, takesEffect }) => ({
      action,
      subject,
      scope,
      takesEffect,
    }));
    return [{ ...about, does, operations, refusals, digest: plan.digest }];
  } catch (error) {
    if (!(error instanceof LibvirtCanonicalError) || !OF_THE_DOMAIN.has(error.code)) throw error;
    if (error.code === 'DOMAIN_NOT_FOUND') return [];
    const { message: reason, remedy = 'Plan it by itself', path = '' } = error;
    return [
      {
        ...about,
        does: 'refused',
        operations: [],
        refusals: [{ subject: 'request', path, reason, remedy }],
        digest: '',
      },
    ];
  }
}

/** What says something of one domain and the request, and nothing of the host. */
const OF_THE_DOMAIN: ReadonlySet<string> = new Set([
  'DOMAIN_NOT_FOUND',
  'SPEC_INVALID',
  'SPEC_UNKNOWN_FIELD',
  'DEVICE_KIND_UNKNOWN',
  'DEVICE_DUPLICATE',
  'DEVICE_NOT_FOUND',
  'DEVICE_AMBIGUOUS',
  'ADDRESS_IN_USE',
  'XML_MALFORMED',
  'XML_FORBIDDEN',
  'XML_LIMIT',
  'UNSUPPORTED',
]);
