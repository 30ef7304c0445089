import type { CallOptions, Connection, DomainHandle } from '../connection/index.js';
import { type HostInfo, hostInfo } from '../host/index.js';
import { isGone } from '../migration/index.js';
import type { Member } from './member.js';
import { figuresOf, HostRoom } from './room.js';

/** A domain of a host, as the list shows it. */
export interface ListedDomain {
  readonly handle: DomainHandle;
  readonly running: boolean;
  /** Of a running one. */
  readonly vcpus: number;
}

/** A host of the fleet as a plan sees it. */
export type HostSight = { readonly member: Member } & (
  | { readonly is: 'there'; readonly info: HostInfo; readonly domains: readonly ListedDomain[] }
  | { readonly is: 'silent'; readonly why: string }
);

/** A host that answered. */
export type Seen = HostSight & { readonly is: 'there' };

/** The room on a host; `keep` tells the bytes that are given to nobody of so many. */
export function roomOf({ member, info, domains }: Seen, keep: (total: number) => number): HostRoom {
  const running = domains.filter((each) => each.running);
  const vcpus = running.reduce((sum, each) => sum + each.vcpus, 0);
  const figures = figuresOf(info, { domains: running.length, vcpus });
  const cpus = info.numa.flatMap((cell) => cell.cpus.map(({ id }) => id));
  return new HostRoom(member.name, figures, cpus, keep(figures.memory.total));
}

/** The hosts that list a domain, of those that count. */
export function havingOf(
  uuid: string,
  sights: readonly HostSight[],
  counts: (sight: Seen) => boolean,
): Array<{ readonly host: string; readonly running: boolean }> {
  return sights.flatMap((sight) => {
    const found = sight.is === 'there' && counts(sight) && sight.domains.find(({ handle }) => handle.uuid === uuid);
    return found ? [{ host: sight.member.name, running: found.running }] : [];
  });
}

/** Reads all hosts and lists their domains. virConnectListAllDomains, virDomainGetInfo. */
export async function sightsOf(members: readonly Member[], signal: AbortSignal | undefined): Promise<HostSight[]> {
  return Promise.all(
    members.map(async (member): Promise<HostSight> => {
      const answer = await member.ask(async (connection, call) => {
        const [info, domains] = await Promise.all([hostInfo(connection, call), listed(connection, call)]);
        return { info, domains };
      }, signal);
      return answer.is === 'answered'
        ? { member, is: 'there', ...answer.value }
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
