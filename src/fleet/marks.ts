import { sha256 } from '#platform';
import { assertNoUnsavedDefinition, DomainAccess } from '../apply/index.js';
import {
  type CallOptions,
  type Connection,
  type DomainHandle,
  VIR_DOMAIN_AFFECT_CONFIG,
  VIR_DOMAIN_AFFECT_LIVE,
  VIR_DOMAIN_METADATA_ELEMENT,
} from '../connection/index.js';
import { OWN_METADATA } from '../domain/index.js';
import { buildElement } from '../xml/index.js';

/** A domain on one host, for writing into its metadata. */
export interface MarkedDomain {
  readonly connection: Connection;
  readonly handle: DomainHandle;
  readonly persistent: boolean;
}

/** Where one operation's claim is: a URI of its own, so that none overwrites another's. */
const claimUri = (operation: string): string => `${OWN_METADATA.claim.uri}:${sha256(operation, 'hex').slice(0, 24)}`;

/** Writes a claim behind those that are there. virDomainSetMetadata. */
export async function writeClaim(
  domain: MarkedDomain,
  claim: { readonly operation: string; readonly host: string; readonly since: string },
  call: CallOptions,
): Promise<void> {
  const { operation, host, since } = claim;
  const values = { domain: domain.handle.uuid, operation, host, since };
  await write(domain, OWN_METADATA.claim.prefix, claimUri(operation), element('claim', values), call);
}

/** Takes a claim out; one that is not there is none. virDomainSetMetadata. */
export async function removeClaim(domain: MarkedDomain, operation: string, call: CallOptions): Promise<void> {
  await write(domain, OWN_METADATA.claim.prefix, claimUri(operation), null, call);
}

/** Marks what is left of a domain here as in quarantine. virDomainSetMetadata. */
export async function writeQuarantine(
  domain: MarkedDomain,
  { operation, to, since }: { readonly operation: string; readonly to: string | undefined; readonly since: string },
  call: CallOptions,
): Promise<void> {
  const { prefix, uri } = OWN_METADATA.quarantine;
  const values = { domain: domain.handle.uuid, operation, to: to ?? '', since };
  await write(domain, prefix, uri, element('quarantine', values), call);
}

/** Takes that mark out. virDomainSetMetadata. */
export async function removeQuarantine(domain: MarkedDomain, call: CallOptions): Promise<void> {
  const { prefix, uri } = OWN_METADATA.quarantine;
  await write(domain, prefix, uri, null, call);
}

const element = (name: string, values: Readonly<Record<string, string>>): string =>
  buildElement(
    name,
    Object.entries(values).map(([key, value]) => [`@${key}`, value] as const),
  );

async function write(
  { connection, handle: dom, persistent }: MarkedDomain,
  prefix: string,
  uri: string,
  metadata: string | null,
  call: CallOptions,
): Promise<void> {
  // libvirt saves the definition that it has in memory with it.
  if (persistent) await assertNoUnsavedDefinition(new DomainAccess(connection, dom), call);
  const flags = persistent ? VIR_DOMAIN_AFFECT_CONFIG : VIR_DOMAIN_AFFECT_LIVE;
  const key = metadata === null ? null : prefix;
  const args = { dom, type: VIR_DOMAIN_METADATA_ELEMENT, metadata, key, uri, flags };
  await connection.call('DOMAIN_SET_METADATA', args, call);
}
