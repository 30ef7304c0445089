import type { CallOptions, Connection, DomainHandle } from '../connection/index.js';
import { type HostInfo, hostInfo } from '../host/index.js';
import { isGone } from '../migration/index.js';
import type { Member } from './member.js';

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
