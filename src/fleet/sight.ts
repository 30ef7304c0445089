import type { CallOptions, Connection, DomainHandle } from '../connection/index.js';
import { type HostInfo, hostInfo } from '../host/index.js';
import { isGone } from '../migration/index.js';
import { inLanes } from './lanes.js';
import type { Member } from './member.js';
import { figuresOf, HostRoom } from './room.js';

/** A domain of a host, as the list shows it. */
export interface ListedDomain {
  readonly handle: DomainHandle;
  readonly running: boolean;
  /** Of a running one. */
  readonly vcpus: number;
}

/** The domains of a host that answered. */
export interface Listing {
  readonly member: Member;
  readonly is: 'there';
  readonly domains: readonly ListedDomain[];
}

/** A host that answered, as a plan sees it. */
export interface Seen extends Listing {
  readonly info: HostInfo;
}

/** A host that did not answer. */
interface Silent {
  readonly member: Member;
  readonly is: 'silent';
  readonly why: string;
}

/** A host of the fleet as a plan sees it. */
export type HostSight = Seen | Silent;

/** The domains of a host, where no more of it matters. */
export type HostListing = Listing | Silent;

/** The room on a host; `keep` tells the bytes that are given to nobody of so many. */
export function roomOf({ member, info, domains }: Seen, keep: (total: number) => number): HostRoom {
  const running = domains.filter((each) => each.running);
  const vcpus = running.reduce((sum, each) => sum + each.vcpus, 0);
  const figures = figuresOf(info, { domains: running.length, vcpus });
  const cpus = info.numa.flatMap((cell) => cell.cpus.map(({ id }) => id));
  return new HostRoom(member.name, figures, cpus, keep(figures.memory.total));
}

/** The hosts that list a domain, of those that count, each with the domain as it lists it. */
export function havingOf<T extends Listing>(
  uuid: string,
  sights: ReadonlyArray<T | Silent>,
  counts: (sight: T) => boolean,
): Array<ListedDomain & { readonly member: Member }> {
  return sights.flatMap((sight) => {
    if (sight.is !== 'there' || !counts(sight)) return [];
    const found = sight.domains.find(({ handle }) => handle.uuid === uuid);
    return found ? [{ ...found, member: sight.member }] : [];
  });
}

/** Hosts whose capabilities are read at a time: such a document is long, and a fleet can have hundreds of hosts. */
const READ = 32;

/** Lists the domains of all hosts at once, and reads those that answered. virConnectListAllDomains, virDomainGetInfo. */
export async function sightsOf(members: readonly Member[], signal: AbortSignal | undefined): Promise<HostSight[]> {
  return inLanes(await listingsOf(members, signal), READ, async (listing): Promise<HostSight> => {
    if (listing.is === 'silent') return listing;
    const answer = await listing.member.ask(hostInfo, signal);
    if (answer.is === 'answered') return { ...listing, info: answer.value };
    return { member: listing.member, is: 'silent', why: answer.why };
  });
}

/** Lists the domains of all hosts at once. virConnectListAllDomains. */
export async function listingsOf(members: readonly Member[], signal: AbortSignal | undefined): Promise<HostListing[]> {
  return Promise.all(
    members.map(async (member): Promise<HostListing> => {
      const answer = await member.ask(listed, signal);
      return answer.is === 'answered'
        ? { member, is: 'there', domains: answer.value }
        : { member, is: 'silent', why: answer.why };
    }),
  );
}

async function listed(connection: Connection, call: CallOptions): Promise<ListedDomain[]> {
  const { domains } = await connection.call('CONNECT_LIST_ALL_DOMAINS', { need_results: 1, flags: 0 }, call);
  const all = await Promise.all(
    domains.map(async (handle): Promise<ListedDomain[]> => {
      if (handle.id < 0) return [{ handle, running: false, vcpus: 0 }];
      try {
        const { nrVirtCpu } = await connection.call('DOMAIN_GET_INFO', { dom: handle }, call);
        return [{ handle, running: true, vcpus: nrVirtCpu }];
      } catch (error) {
        if (isGone(error)) return [];
        throw error;
      }
    }),
  );
  return all.flat();
}
