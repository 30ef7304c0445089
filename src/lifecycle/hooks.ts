import type { ManagedDomain } from './managed-domain.js';

/** Work of the caller's own at the edges of a domain's run. */
export interface Hooks {
  /** Before each start: connect volumes, plug VIFs, check backing files. A rejection keeps the domain from starting. */
  readonly beforeStart?: (domain: ManagedDomain) => Promise<void> | void;
  /** After each stop by this library. */
  readonly afterStop?: (domain: ManagedDomain) => Promise<void> | void;
}
