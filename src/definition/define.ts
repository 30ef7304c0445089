import { DomainAccess, sealAfter } from '../apply/index.js';
// biome-ignore lint/style/noRestrictedImports: the one place that may define; the permit is not in the connection's front file.
import { defineOnce } from '../connection/define-permit.js';
import {
  type CallOptions,
  type Connection,
  type DomainHandle,
  LibvirtError,
  VIR_DOMAIN_DEFINE_VALIDATE,
} from '../connection/index.js';
import type { DomainDocument, DomainSpec } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { serialize } from '../xml/index.js';
import type { DefineFinding } from './findings.js';
import { callOptionsOf, type DefineOptions, prepareDefinition, uuidIn } from './prepare.js';

/** A name or UUID is taken on this host. `code` is `DOMAIN_EXISTS`; `existing` is the domain that has it. */
export class DomainExistsError extends LibvirtCanonicalError {
  override readonly name = 'DomainExistsError';
  readonly existing: { readonly name: string; readonly uuid: string };
  constructor(what: string, existing: DomainHandle) {
    super('DOMAIN_EXISTS', `${what} is taken by domain ${existing.name} (${existing.uuid})`, {
      domain: existing.name,
      remedy: 'A domain is defined once: get it and plan a change, or choose another name and UUID',
    });
    this.existing = { name: existing.name, uuid: existing.uuid };
  }
}

/**
 * Defines a domain that does not exist, in the one define call of its life: with VALIDATE, a UUID, boot order per device,
 * room for hot-plug, its firmware found and its CPU pinned. Everything is checked before that call.
 */
export async function defineDomain(
  connection: Connection,
  definition: string | DomainSpec,
  options: DefineOptions = {},
): Promise<DomainHandle> {
  const { unstartable = 'refuse', onFinding } = options;
  const call = callOptionsOf(options);
  const { draft, findings } = await prepareDefinition(connection, definition, options);
  const { name } = draft.document;
  const uuid = uuidIn(draft);
  await assertNotDefined(connection, name, uuid, call);
  const refusals = findings.filter(({ severity }) => severity === 'refuses');
  if (unstartable !== 'allow') assertStartable(name, refusals);
  for (const each of unstartable === 'allow' ? findings : findings.filter((one) => !refusals.includes(one)))
    onFinding?.(each);
  const handle = await defineOnce(connection, serialize(draft.root), uuid, VIR_DOMAIN_DEFINE_VALIDATE, call);
  // What libvirt made of the definition is known only now.
  await sealAfter(new DomainAccess(connection, handle));
  return handle;
}

/** Refuses a definition that cannot be corrected once it is made. */
function assertStartable(domain: string, refusals: readonly DefineFinding[]): void {
  const [first] = refusals;
  if (!first) return;
  const others = refusals.length > 1 ? ` (and ${refusals.length - 1} more: see planDefine)` : '';
  throw new LibvirtCanonicalError('SPEC_INVALID', `${first.subject}: ${first.problem}${others}`, {
    domain,
    ...(first.path === undefined ? {} : { path: first.path }),
    remedy: `${first.remedy}. To define it all the same, give unstartable: 'allow'`,
  });
}

/**
 * Defines a domain that another host had, from its canonical document as it stands: nothing is filled in or pinned. On this
 * host it is the first definition; `DOMAIN_EXISTS` otherwise.
 */
export async function defineImported(
  connection: Connection,
  { xml, name, uuid }: DomainDocument,
  options: CallOptions,
): Promise<DomainHandle> {
  await assertNotDefined(connection, name, uuid, options);
  return defineOnce(connection, xml, uuid, VIR_DOMAIN_DEFINE_VALIDATE, options, 'again');
}

/**
 * The one redefinition there is, for abiUpgrade alone: libvirt puts the document in the place of the old one at once, or
 * refuses it and keeps that.
 */
export function redefineForAbiUpgrade(
  connection: Connection,
  { xml, uuid }: DomainDocument,
  options: CallOptions,
): Promise<DomainHandle> {
  return defineOnce(connection, xml, uuid, VIR_DOMAIN_DEFINE_VALIDATE, options, 'again');
}

/** Looks for a domain that stands in the way, by name and by UUID. */
async function assertNotDefined(
  connection: Connection,
  name: string,
  uuid: string,
  options: CallOptions,
): Promise<void> {
  const [byUuid, byName] = await Promise.all([
    connection.call('DOMAIN_LOOKUP_BY_UUID', { uuid }, options).catch(nothing),
    connection.call('DOMAIN_LOOKUP_BY_NAME', { name }, options).catch(nothing),
  ]);
  if (byUuid) throw new DomainExistsError(`UUID ${uuid}`, byUuid.dom);
  if (byName) throw new DomainExistsError(`the name "${name}"`, byName.dom);
}

function nothing(error: unknown): undefined {
  if (error instanceof LibvirtError && error.errorName === 'VIR_ERR_NO_DOMAIN') return undefined;
  throw error;
}
