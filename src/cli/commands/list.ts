import type { ManagedDomain } from '../../index.js';
import type { Answer } from '../exit.js';
import { shownText, table } from '../output.js';
import type { Session } from '../session.js';

/** `lvc list`: every domain of the host, and which of them need a hand. */
export async function list(session: Session): Promise<Answer> {
  const { signal } = session;
  const domains = await (await session.manager()).all({ signal });
  const result = await Promise.all(
    domains.map(async (domain) => {
      const state = await domain.state({ signal }).catch(() => 'unknown' as const);
      return {
        name: domain.name,
        uuid: domain.uuid,
        state,
        interrupted: domain.interrupted,
        unreadable: domain.unreadable,
      };
    }),
  );
  const rows = result.map(({ name, uuid, state }, at) => [shownText(name), state, uuid, noteOf(domains[at])]);
  return { result: { domains: result }, text: table(['NAME', 'STATE', 'UUID', ''], rows) };
}

/** What an operator should know of a domain at once. */
function noteOf(domain: ManagedDomain | undefined): string {
  if (domain?.unreadable) return `cannot be read: ${domain.unreadable.code}`;
  if (domain?.interrupted?.phase === 'apply') return `an apply was interrupted: lvc recover ${domain.name}`;
  return domain?.interrupted ? 'held by a process that cannot be seen from here' : '';
}
