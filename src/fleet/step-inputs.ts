import type { MigrationPolicyRequest } from '../migration/index.js';
import type { PlacementRequest } from './drain-request.js';

/** A domain and the host that it is on, as every step names them. */
export interface StepDomain {
  readonly domain: { readonly name: string; readonly uuid: string };
  /** The host's name in the fleet. */
  readonly from: string;
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
