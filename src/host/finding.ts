/** Something to know before a domain is run on a host. */
export interface HostFinding {
  /**
   * `blocks`: it will not start there. `warns`: it will, but something is deprecated or left to the host. `unknown`: it
   * could not be looked at. `benign`: it is as it should be, though it looks like a difference.
   */
  readonly severity: 'blocks' | 'warns' | 'unknown' | 'benign';
  /** `machine`, `cpu`, `emulator`, `domain`, or the identity of a device. */
  readonly subject: string;
  readonly problem: string;
  readonly remedy: string;
}
