import type { CallOptions, Connection } from '../connection/index.js';
import { DomainDocument } from '../domain/index.js';
import type { Draft } from './additions.js';
import type { DefineFinding } from './findings.js';

const VIR_DOMAIN_XML_INACTIVE = 2;

/**
 * Whether another domain of the host names the file of UEFI variables that the caller gave: libvirt starts both at once, and
 * undefining one takes the variables of the other.
 */
export async function nvramInUse(connection: Connection, draft: Draft, call: CallOptions): Promise<DefineFinding[]> {
  const path = nvramOf(draft.document);
  // A path of this library's own has the domain's UUID in it.
  if (path === undefined || path.endsWith(`/${draft.document.uuid}_VARS.fd`)) return [];
  const { domains } = await connection.call('CONNECT_LIST_ALL_DOMAINS', { need_results: 1, flags: 0 }, call);
  const documents = await Promise.all(
    domains.map((dom) =>
      connection.call('DOMAIN_GET_XML_DESC', { dom, flags: VIR_DOMAIN_XML_INACTIVE }, call).catch(() => undefined),
    ),
  );
  const users = documents.flatMap((reply) => {
    const document = reply && new DomainDocument(reply.xml);
    return document && document.uuid !== draft.document.uuid && nvramOf(document) === path ? [document.name] : [];
  });
  return users.map((name) => ({
    severity: 'refuses',
    subject: 'firmware',
    path: 'os/nvram',
    problem: `${path} is the file of UEFI variables of domain ${name}`,
    remedy: 'Give another path, or leave it out to have one by UUID',
  }));
}

function nvramOf(document: DomainDocument): string | undefined {
  return document.value('os/nvram')?.trim() || document.value('os/nvram/source/@file') || undefined;
}
