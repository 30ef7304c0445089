/** Procedures that open a stream, and who sends on it as we see it. */
export const DIRECTIONS = {
  DOMAIN_OPEN_CONSOLE: 'both',
  DOMAIN_OPEN_CHANNEL: 'both',
  DOMAIN_SCREENSHOT: 'read',
  STORAGE_VOL_DOWNLOAD: 'read',
  STORAGE_VOL_UPLOAD: 'write',
} as const;

/** A procedure that `stream` takes. */
export type StreamProcedure = keyof typeof DIRECTIONS;

/** VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM and VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM: the same bit. */
const SPARSE = 1;

/** Whether the arguments of a call make its stream a sparse one. */
export function isSparse(procedure: StreamProcedure, args: object): boolean {
  const { flags } = args as { flags?: number };
  return procedure.startsWith('STORAGE_VOL_') && ((flags ?? 0) & SPARSE) !== 0;
}

/**
 * How many bytes the daemon takes on the stream of a call, holes counted; undefined without a bound. libvirtd 11.3 ends at one
 * more, with all its connections (daemonStreamHandleWrite sends the message of an error twice); older ones end the stream.
 */
export function takesAtMost(procedure: StreamProcedure, args: object): bigint | undefined {
  const { length } = args as { length?: bigint };
  return procedure === 'STORAGE_VOL_UPLOAD' && length ? length : undefined;
}
