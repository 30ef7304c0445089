import { type Owner, SELF } from '../../src/apply/owner.js';
import { OWN_METADATA } from '../../src/domain/index.js';
import type { Connection, ManagedDomain } from '../../src/index.js';
import { buildElement } from '../../src/xml/index.js';

let entries = 0;

/** Writes what another process would into a domain's journal. A process of this host unless told otherwise, by default none that runs. */
export async function writeEntry(
  connection: Connection,
  { name, uuid }: ManagedDomain,
  owner: Partial<Owner> = {},
  {
    phase = 'apply',
    plan = '',
    domain = uuid,
    more = {},
    live = false,
  }: {
    readonly phase?: 'claim' | 'apply';
    readonly plan?: string;
    /** UUID that the entry names; null as releases wrote it that named none. */
    readonly domain?: string | null;
    readonly more?: Readonly<Record<string, string>>;
    /** Into the live document, as of a transient domain. */
    readonly live?: boolean;
  } = {},
): Promise<void> {
  const { prefix, uri } = OWN_METADATA.journal;
  // Above the largest number that Linux gives.
  const of: Owner = { ...SELF, pid: 2 ** 22 + 1, copy: `another ${++entries}`, ...owner };
  const named = domain === null ? {} : { domain };
  const attributes = { format: '1', phase, ...named, since: new Date().toISOString(), ...of, ...more };
  const xml = buildElement('entry', [
    ...Object.entries(attributes).map(([key, value]) => [`@${key}`, String(value)] as const),
    ['', plan] as const,
  ]);
  const args = {
    dom: { name, uuid, id: -1 },
    type: 2,
    metadata: xml,
    key: prefix,
    uri: `${uri}:${entries}`,
    flags: live ? 1 : 2,
  };
  await connection.call('DOMAIN_SET_METADATA', args);
}
