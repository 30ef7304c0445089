/** What this package itself refuses. Errors of the library and of its steps keep their own class and code. */
export const ENGINE_ERROR_CODES = [
  /** Another operation has this id, or has this domain or host. */
  'OPERATION_EXISTS',
  'OPERATION_NOT_FOUND',
  'OPERATION_CANCELLED',
  /** The plan refuses domains, so it is not begun. */
  'OPERATION_REFUSED',
  /** What was said does not fit what the operation waits for. */
  'CONFIRMATION_INVALID',
  /** Another worker, which lives, has this name. */
  'WORKER_EXISTS',
  'STORE_UNAVAILABLE',
  /** The store was written by a newer version of this package. */
  'STORE_VERSION',
  /** A run of another version of this package: a worker of that version has to end it. */
  'ENGINE_VERSION',
  /** A part of an operation did not end in its time. */
  'STEP_TIMEOUT',
  /** This worker was opened without a change that the operation names. */
  'REQUEST_NOT_FOUND',
  'BUNDLE_NOT_FOUND',
  'SECRET_IN_REQUEST',
  'CONFIG_INVALID',
] as const;

/** One of {@link ENGINE_ERROR_CODES}. */
export type EngineErrorCode = (typeof ENGINE_ERROR_CODES)[number];

/** An error of this package: what is wrong, and `remedy`, what to do about it. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;
  readonly remedy: string;

  constructor(code: EngineErrorCode, message: string, remedy: string, options?: ErrorOptions) {
    super(`${message}. ${remedy}`, options);
    this.code = code;
    this.remedy = remedy;
  }
}

/** An error as a value that a store can keep. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
}

/** What is kept of an error: never its stack, never its cause. */
export function failureOf(error: unknown): Failure {
  const { code, message, remedy } = (error ?? {}) as { code?: unknown; message?: unknown; remedy?: unknown };
  return {
    code: typeof code === 'string' ? code : 'UNEXPECTED',
    message: typeof message === 'string' ? message : String(error),
    ...(typeof remedy === 'string' && { remedy }),
  };
}
