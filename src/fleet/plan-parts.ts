import type { PlainRequest } from './drain-request.js';
import type { HostLabels } from './hosts.js';
import type { DomainNeeds } from './needs.js';
import type { FleetRefusal } from './placement.js';
import type { HostFigures } from './room.js';

/** Something to know of a domain's way, that does not keep it from going. */
export interface FleetNote {
  readonly severity: 'warns' | 'unknown';
  readonly subject: string;
  readonly problem: string;
  readonly remedy: string;
}

/** What a plan does with one domain. */
export interface PlannedDomain {
  readonly name: string;
  readonly uuid: string;
  /** Whether it runs when the plan is made; of an evacuation, whether it is to run afterwards. */
  readonly running: boolean;
  readonly needs: DomainNeeds;
  /** `move`: to the host `to`. `stay`: it is left as it is. `shutdown`: shut down, and left defined. `refused`: nothing was said of what becomes of it. */
  readonly does: 'move' | 'stay' | 'shutdown' | 'refused';
  /**
   * Of a move: it runs on (`live`), runs on while disks are copied (`block`), is off on its way (`cold`), or is defined there
   * anew from its bundle (`import`).
   */
  readonly way?: 'live' | 'block' | 'cold' | 'import';
  readonly to?: string;
  /** Of an import: the digest of its bundle. */
  readonly bundle?: string;
  /** Disks that are copied, by id or target. */
  readonly copies: readonly string[];
  /** Disks whose storage is on both hosts by your word, by id or target. */
  readonly shared: readonly string[];
  readonly notes: readonly FleetNote[];
  /** Why it does not move, or not while it runs. */
  readonly because: readonly FleetRefusal[];
}

/** A host in a plan: what it has before and after. */
export interface PlannedHost {
  readonly name: string;
  readonly labels: HostLabels;
  /** `source`: it is to be empty. `target`: domains may come. `other`: neither. */
  readonly role: 'source' | 'target' | 'other';
  /** Why nothing is known of it. */
  readonly silent?: string;
  readonly before?: HostFigures;
  readonly after?: HostFigures;
}

/** What {@link FleetPlan} is as JSON. */
export interface FleetPlanJson {
  readonly formatVersion: 1;
  readonly kind: 'drain' | 'evacuate';
  readonly host: string;
  readonly domains: readonly PlannedDomain[];
  readonly hosts: readonly PlannedHost[];
  /** What was asked for, but for what was decided by it: order and fates. */
  readonly request: PlainRequest;
  /** What holds for the plan as a whole. */
  readonly notes: readonly string[];
  readonly digest: string;
}
