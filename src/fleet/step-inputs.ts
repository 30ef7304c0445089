import type { MigrationPolicyRequest } from '../migration/index.js';
import type { PlacementRequest } from './drain-request.js';
import type { FenceProof } from './fences/index.js';

/** A domain and the host that it is on, as every step names them. */
export interface StepDomain {
  readonly domain: { readonly name: string; readonly uuid: string };
  /** The host's name in the fleet. */
  readonly from: string;
  /**
   * Id of the operation that runs the step, in your own words, to 200 characters: a domain that another operation claims is
   * refused, and without an id one that any operation claims.
   */
  readonly operation?: string;
}

/** What the steps `claim` and `unclaim` take. */
export interface ClaimInput extends StepDomain {
  readonly operation: string;
}

/** How a guest is asked to shut down. */
export interface ShutdownManner {
  /** Default `acpi`. */
  readonly by?: 'acpi' | 'agent' | 'agent-else-acpi';
  /** Milliseconds that it has. Default 60,000. */
  readonly timeout?: number;
  /** When it is still there by then: `error` (default), or `destroy`: the plug is pulled. */
  readonly onTimeout?: 'error' | 'destroy';
}

/** What the step `move` takes: a plain value, for the store of whatever engine runs it. */
export interface MoveInput extends StepDomain {
  readonly to: string;
  /** Whether it ran when the plan was made. With `cold` it is shut down first then, and started at the target. */
  readonly running: boolean;
  readonly way: 'live' | 'block' | 'cold';
  readonly copies?: readonly string[];
  readonly shared?: readonly string[];
  readonly keepFree?: PlacementRequest['keepFree'];
  readonly policy?: MigrationPolicyRequest;
  readonly shutdown?: ShutdownManner;
}

/** What the step `shutDown` takes. */
export interface ShutdownInput extends StepDomain {
  readonly shutdown?: ShutdownManner;
}

/** What the step `evacuate` takes. */
export interface EvacuateInput extends StepDomain {
  readonly to: string;
  /** Whether it is to run afterwards. */
  readonly start: boolean;
  /** Digest of the bundle, by which it is asked for: see `bundleDigest`. */
  readonly bundle: string;
  /** That `from` is off. */
  readonly proof: FenceProof;
  readonly keepFree?: PlacementRequest['keepFree'];
  /** A bundle that left secrets out: `refuse` (default), or import `without` them. */
  readonly leftOutSecrets?: 'refuse' | 'without';
  /** Whether it starts with its new host, when it did so before: `leave-off` (default), or `restore`. */
  readonly autostart?: 'restore' | 'leave-off';
  /** Other hosts of the fleet that do not answer: `refuse` (default), or `accept` that it may run there. */
  readonly unknownHosts?: 'refuse' | 'accept';
}

/** What the step `quarantine` takes. */
export interface QuarantineInput {
  /** Id of the operation that brought the domains back: it stands in each mark. */
  readonly operation: string;
  /** The host that was dead and is back, by its name in the fleet. */
  readonly from: string;
  /** What was brought back, and where: the caller's own note. What else runs on another host as well is found without it. */
  readonly domains?: ReadonlyArray<{ readonly name: string; readonly uuid: string; readonly to?: string }>;
  /** What runs on the host that came back while it is seen to run on another: `leave` it (default), or `destroy` it there. */
  readonly running?: 'leave' | 'destroy';
}

/** What the step `release` takes. */
export interface ReleaseInput extends StepDomain {
  /** `undefine` what is left over, when another host has the domain; or `clear` the mark, when no other has it. */
  readonly does: 'undefine' | 'clear';
  /** Of `undefine`: the domain at its new home has to be the `same` machine (default), or may be `any`. */
  readonly abi?: 'same' | 'any';
  /** Of `undefine`: the file of its UEFI variables on this host. Default `keep`. */
  readonly nvram?: 'keep' | 'remove';
  /** Of `clear`: hosts that do not answer: `refuse` (default), or `accept` that it may run there. */
  readonly unknownHosts?: 'refuse' | 'accept';
}
