/**
 * Every error this library throws derives from {@link LibvirtCanonicalError} and carries one `code` of this closed list.
 * The codes are stable; messages are for people and may change. docs/errors.md has cause and remedy of each.
 */
export const ERROR_CODES = [
  // input
  'XML_MALFORMED',
  'XML_FORBIDDEN',
  'XML_LIMIT',
  'SPEC_INVALID',
  'SPEC_UNKNOWN_FIELD',
  'DEVICE_KIND_UNKNOWN',
  'DEVICE_DUPLICATE',
  'DEVICE_NOT_FOUND',
  'DEVICE_AMBIGUOUS',
  'ADDRESS_IN_USE',
  'URI_INVALID',
  'ARGUMENT_INVALID',
  // the daemon and its answers
  'DAEMON_UNREACHABLE',
  'AUTHENTICATION_FAILED',
  'CONNECTION_LOST',
  'CONNECTION_CLOSED',
  'PROTOCOL_VIOLATION',
  'CALL_TIMEOUT',
  'ABORTED',
  'UNSUPPORTED',
  'LIBVIRT',
  // domains
  'DOMAIN_EXISTS',
  'DOMAIN_NOT_FOUND',
  'DOMAIN_STATE',
  'DOMAIN_RUNNING_ELSEWHERE',
  'REDEFINE_REFUSED',
  'IMPORT_REFUSED',
  'START_FAILED',
  'HOOK_FAILED',
  'AGENT_UNAVAILABLE',
  'TIMEOUT',
  'JOB_FAILED',
  'VOLUME_IN_USE',
  // plan and apply
  'PLAN_REFUSED',
  'PLAN_STALE',
  'APPLY_FAILED',
  'APPLY_IN_PROGRESS',
  'APPLY_INTERRUPTED',
  'UNPLUG_REFUSED',
  'UNPLUG_UNCONFIRMED',
  'GUEST_ABI_CHANGED',
  // migration
  'MIGRATION_REFUSED',
  'MIGRATION_FAILED',
  'MIGRATION_IN_PROGRESS',
  'MIGRATION_UNSETTLED',
  // libvirt-canonical/fleet
  'FLEET_PLAN_STALE',
  'FLEET_NO_CAPACITY',
  'FENCE_UNPROVED',
  'DOMAIN_CLAIMED',
  'DOMAIN_QUARANTINED',
  // libvirt-canonical/testing
  'HOST_SETUP',
] as const;

/** One of {@link ERROR_CODES}. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** What an error tells beside its message. All fields are optional; none ever holds a secret. */
export interface ErrorDetails {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** What to do about it, one sentence for an operator. Part of the message too. */
  readonly remedy?: string;
  /** Name of the domain concerned. */
  readonly domain?: string;
  /** Identity of the device concerned, as `devices()` shows it. */
  readonly device?: string;
  /** Where in the caller's request the trouble lies, e.g. `attach[0].disk.target`. */
  readonly path?: string;
}

/** Base of all errors of this library. `error.code` is stable, `error.remedy` says what to do. */
export class LibvirtCanonicalError extends Error {
  override readonly name: string = 'LibvirtCanonicalError';
  readonly code: ErrorCode;
  // Declared, not defined: a field that an error does not have is not shown as undefined when it is logged.
  declare readonly remedy?: string;
  declare readonly domain?: string;
  declare readonly device?: string;
  declare readonly path?: string;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    const text = details.remedy ? `${message}. ${details.remedy}` : message;
    super(text, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    if (details.remedy !== undefined) this.remedy = details.remedy;
    if (details.domain !== undefined) this.domain = details.domain;
    if (details.device !== undefined) this.device = details.device;
    if (details.path !== undefined) this.path = details.path;
  }
}

/** Raised when the caller's `AbortSignal` fires. `cause` is the signal's reason. What was already sent may still take effect. */
export class AbortedError extends LibvirtCanonicalError {
  override readonly name: string = 'AbortError';
  constructor(what: string, reason: unknown) {
    super('ABORTED', `${what} was aborted by the caller`, { cause: reason });
  }
}
