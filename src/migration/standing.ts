import { DomainAccess } from '../apply/index.js';
import {
  type CallOptions,
  type Connection,
  type DomainHandle,
  LibvirtError,
  VIR_DOMAIN_XML_INACTIVE,
} from '../connection/index.js';
import { DomainDocument } from '../domain/index.js';
import { type DomainState, type DomainStateReason, stateOf } from '../power/index.js';
import { migrationEntry } from './record.js';

/** How a domain is on one host, as that host's libvirt reports it. */
export type Standing =
  | { readonly is: 'absent' }
  /** Nothing can be said: the host did not answer. */
  | { readonly is: 'unreachable'; readonly why: string }
  | {
      readonly is: 'there';
      readonly state: DomainState;
      readonly reason: DomainStateReason;
      readonly persistent: boolean;
      /** Whether a job holds the domain; `unknown` when the host could not tell, as while its QEMU does not answer. */
      readonly job: boolean | 'unknown';
      /** Of one that is off: the migration whose record its definition holds. */
      readonly migration?: string | undefined;
    };

/** Milliseconds for one question to a host: its QEMU may be what does not answer. */
const ASK = 5_000;
/** virDomainJobType. */
const NO_JOB = [0, 3, 4, 5];

/** Reads how a domain is on a host. Never rejects for what the host says, or for a host that does not answer. */
export async function standingOn(connection: Connection, uuid: string, options: CallOptions = {}): Promise<Standing> {
  const call = { timeout: ASK, ...options };
  try {
    const dom = await lookUp(connection, uuid, call);
    if (!dom) return { is: 'absent' };
    const { state, reason } = await stateOf(new DomainAccess(connection, dom), call);
    const { persistent } = await connection.call('DOMAIN_IS_PERSISTENT', { dom }, call);
    const job = await hasJob(connection, dom, call);
    const standing = { is: 'there', state, reason, persistent: persistent === 1, job } as const;
    if (persistent !== 1 || (state !== 'shutoff' && state !== 'crashed')) return standing;
    const flags = VIR_DOMAIN_XML_INACTIVE;
    const { xml } = await connection.call('DOMAIN_GET_XML_DESC', { dom, flags }, call);
    return { ...standing, migration: migrationEntry(new DomainDocument(xml))?.record.id };
  } catch (error) {
    options.signal?.throwIfAborted();
    if (isGone(error)) return { is: 'absent' };
    return { is: 'unreachable', why: error instanceof Error ? error.message : String(error) };
  }
}

/** The domain with that UUID; undefined when the host has none. */
export async function lookUp(
  connection: Connection,
  uuid: string,
  options: CallOptions,
): Promise<DomainHandle | undefined> {
  try {
    return (await connection.call('DOMAIN_LOOKUP_BY_UUID', { uuid }, options)).dom;
  } catch (error) {
    if (error instanceof LibvirtError && error.errorName === 'VIR_ERR_NO_DOMAIN') return undefined;
    throw error;
  }
}

/**
 * A domain that is off and has no definition: what libvirt goes on listing after an offline migration that was cancelled, until
 * its daemon starts anew. Nothing can be done with it, and libvirt lets another one take its place.
 */
export async function isNothing(connection: Connection, dom: DomainHandle, options: CallOptions): Promise<boolean> {
  const { persistent } = await connection.call('DOMAIN_IS_PERSISTENT', { dom }, options);
  return persistent === 0 && (await stateOf(new DomainAccess(connection, dom), options)).state === 'shutoff';
}

/** Whether a call failed since the host has no such domain. */
export function isGone(error: unknown): boolean {
  const { cause } = error as { cause?: unknown };
  return [error, cause].some((each) => each instanceof LibvirtError && each.errorName === 'VIR_ERR_NO_DOMAIN');
}

/** virDomainGetJobInfo. The destination of a migration refuses to tell of its job, which is none that others could hold. */
async function hasJob(connection: Connection, dom: DomainHandle, call: CallOptions): Promise<boolean | 'unknown'> {
  try {
    const { type } = await connection.call('DOMAIN_GET_JOB_INFO', { dom }, call);
    return !NO_JOB.includes(type);
  } catch (error) {
    if (isGone(error)) throw error;
    return error instanceof LibvirtError ? false : 'unknown';
  }
}

/** `running/booted, persistent` as people and messages write it. */
export function standingText(standing: Standing): string {
  if (standing.is !== 'there') return standing.is === 'absent' ? 'absent' : `unreachable (${standing.why})`;
  const { state, reason, persistent, job } = standing;
  const held = job === true ? ', held by a job' : job === 'unknown' ? ', job unknown' : '';
  return `${state}/${reason}, ${persistent ? 'persistent' : 'transient'}${held}`;
}
