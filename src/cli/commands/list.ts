import {
  type Connection,
  paramsToObject,
  VIR_DOMAIN_STATS_STATE,
  VIR_DOMAIN_XML_INACTIVE,
} from '../../connection/index.js';
import type { DomainState, InterruptedApply, LibvirtCanonicalError, ManagedDomain } from '../../index.js';
import type { Answer } from '../exit.js';
import { shownText, table } from '../output.js';
import type { Session } from '../session.js';

/** virDomainState, by its numbers. */
const STATES: readonly DomainState[] = [
  ...(['nostate', 'running', 'blocked', 'paused', 'shutdown', 'shutoff', 'crashed', 'pmsuspended'] as const),
];
/** What stands in a document of a domain that an apply or a migration is at work on, or was. */
const AT_WORK = /urn:libvirt-canonical:(journal|migration):1/;

interface Row {
  readonly name: string;
  readonly uuid: string;
  readonly state: DomainState | 'unknown';
  readonly interrupted?: InterruptedApply | undefined;
  readonly migration?: ManagedDomain['migration'];
  readonly unreadable?: LibvirtCanonicalError | undefined;
}

/**
 * `lvc list`: every domain of the host, and which of them need a hand. Documents are only looked through as texts, and the
 * library is loaded for those alone that somebody works on: a list is quick with hundreds of domains.
 */
export async function list(session: Session): Promise<Answer> {
  const connection = await session.connection();
  const { signal } = session;
  const call = { signal };
  const [{ domains }, states] = await Promise.all([
    connection.call('CONNECT_LIST_ALL_DOMAINS', { need_results: 1, flags: 0 }, call),
    statesOf(connection, signal),
  ]);
  const rows = await Promise.all(
    domains.map(async (dom): Promise<Row | undefined> => {
      const head = { name: dom.name, uuid: dom.uuid, state: states.get(dom.uuid) ?? 'unknown' } as const;
      try {
        const { xml } = await connection.call('DOMAIN_GET_XML_DESC', { dom, flags: VIR_DOMAIN_XML_INACTIVE }, call);
        if (!AT_WORK.test(xml)) return head;
        const { interrupted, migration } = await session.domain(dom.uuid);
        return { ...head, interrupted, migration };
      } catch (error) {
        return session.signal.aborted || !isOfOneDomain(error) ? Promise.reject(error) : whatIsWrong(head, error);
      }
    }),
  );
  const result = rows.filter((row) => row !== undefined);
  const lines = result.map((row) => [shownText(row.name), row.state, row.uuid, noteOf(row)]);
  return { result: { domains: result }, text: table(['NAME', 'STATE', 'UUID', ''], lines) };
}

/** What each domain is doing, in one call. virConnectGetAllDomainStats. */
async function statesOf(connection: Connection, signal: AbortSignal): Promise<Map<string, DomainState>> {
  const args = { doms: [], stats: VIR_DOMAIN_STATS_STATE, flags: 0 };
  const { retStats } = await connection.call('CONNECT_GET_ALL_DOMAIN_STATS', args, { signal });
  return new Map(
    retStats.map(({ dom, params }) => [dom.uuid, STATES[Number(paramsToObject(params)['state.state'])] ?? 'nostate']),
  );
}

const isOfOneDomain = (error: unknown): error is LibvirtCanonicalError & { readonly errorName?: string } =>
  /^(LIBVIRT|CALL_TIMEOUT|DOMAIN_NOT_FOUND|XML_)/.test(String((error as { code?: unknown }).code));

/** A domain that went meanwhile is not in the list, one that cannot be read is. */
function whatIsWrong(head: Row, error: LibvirtCanonicalError & { readonly errorName?: string }): Row | undefined {
  const gone = error.code === 'DOMAIN_NOT_FOUND' || error.errorName === 'VIR_ERR_NO_DOMAIN';
  return gone ? undefined : { ...head, unreadable: error };
}

/** What an operator should know of a domain at once. */
function noteOf({ name, interrupted, migration, unreadable }: Row): string {
  if (unreadable) return `cannot be read: ${unreadable.code}`;
  if (interrupted?.phase === 'apply') return `an apply was interrupted: lvc recover ${name}`;
  if (migration?.by.state === 'ended') return `a migration was cut: lvc migrate ${name} --recover`;
  if (migration) return `a migration to ${migration.to.uri} is under way`;
  return interrupted ? 'held by a process that cannot be seen from here' : '';
}
