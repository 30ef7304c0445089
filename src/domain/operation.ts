import type { DomainDocument } from './document.js';

/** Which document a call changes. `both` is one call on a running domain (AFFECT_LIVE | AFFECT_CONFIG). */
export type Scope = 'live' | 'config' | 'both';

/** virDomainModificationImpact. Zero (CURRENT) is never sent: on a running domain it silently means live only. */
export const AFFECT: Readonly<Record<Scope, number>> = { live: 1, config: 2, both: 3 };

/** The mutators that operations are made of. A closed list: nothing else is ever sent for a plan. */
export type MutatorCall =
  | {
      readonly procedure: 'DOMAIN_ATTACH_DEVICE_FLAGS';
      readonly args: { readonly xml: string; readonly flags: number };
    }
  | {
      readonly procedure: 'DOMAIN_DETACH_DEVICE_FLAGS';
      readonly args: { readonly xml: string; readonly flags: number };
    }
  | {
      readonly procedure: 'DOMAIN_DETACH_DEVICE_ALIAS';
      readonly args: { readonly alias: string; readonly flags: number };
    }
  | {
      readonly procedure: 'DOMAIN_UPDATE_DEVICE_FLAGS';
      readonly args: { readonly xml: string; readonly flags: number };
    }
  | { readonly procedure: 'DOMAIN_SET_VCPUS_FLAGS'; readonly args: { readonly nvcpus: number; readonly flags: number } }
  | {
      readonly procedure: 'DOMAIN_SET_MEMORY_FLAGS';
      readonly args: { readonly memory: number; readonly flags: number };
    }
  | { readonly procedure: 'DOMAIN_SET_AUTOSTART'; readonly args: { readonly autostart: number } }
  | {
      readonly procedure: 'DOMAIN_SET_METADATA';
      readonly args: {
        readonly type: number;
        readonly metadata: string | null;
        readonly key: string | null;
        readonly uri: string | null;
        readonly flags: number;
      };
    };

/** What stands in a plan for a value that is secret. */
export const HIDDEN = '(secret)';

/** One value that an operation changes, as people read it. */
export interface Change {
  readonly path: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** One libvirt mutator call: what, on which documents, when the guest sees it, and what undoes it. */
export interface Operation {
  readonly action: 'attach' | 'detach' | 'update' | 'set';
  /** Identity of the device, or the name of the setting. */
  readonly subject: string;
  readonly scope: Scope;
  /** `when-released`: once the guest lets go of the device. */
  readonly takesEffect: 'now' | 'next-boot' | 'when-released';
  /** True when a guest that does not answer can keep the operation from taking effect. */
  readonly guestMustCooperate: boolean;
  /** The place the device gets or has; undefined when libvirt chooses one or there is none. */
  readonly address?: string;
  readonly changes: readonly Change[];
  /** For people: why it is done this way. */
  readonly reason?: string;
  readonly call: MutatorCall;
  /** Undoes it, in order. */
  readonly inverse: ReadonlyArray<Omit<Operation, 'inverse'>>;
}

/** A requested difference that no mutator can make. */
export interface Refusal {
  readonly subject: string;
  /** Where in the request. */
  readonly path: string;
  readonly reason: string;
  /** What could be done instead. */
  readonly remedy: string;
}

/** What the planner knows: the documents, the versions, and what no document holds. */
export interface DomainContext {
  readonly canonical: DomainDocument;
  /** The live document; undefined when the domain is shut off. */
  readonly live: DomainDocument | undefined;
  /** False for a transient domain, which has no canonical document of its own. */
  readonly persistent: boolean;
  readonly autostart: boolean;
  /** A managed-save image waits for the next start. */
  readonly managedSave: boolean;
  /** semver of libvirt and of QEMU. */
  readonly versions: { readonly libvirt: string; readonly qemu: string };
}

/** What one setting contributes to a plan. */
export interface SettingPlan {
  readonly operations: readonly Operation[];
  readonly refusals: readonly Refusal[];
}

/** One non-device part of a domain and the mutator that changes it. */
export interface Setting<Value> {
  readonly name: string;
  /** Paths of the domain document, and names of settings, that its operations change. */
  readonly touches: readonly string[];
  /** Plans the way from what is to `value`. Bad values are `SPEC_INVALID` naming `path`. */
  plan(value: Value, context: DomainContext, path: string): SettingPlan;
}

/** The calls of one operation and of its inverse, in the short form that settings write. */
export function setOperation(
  name: string,
  scope: Scope,
  changes: readonly Change[],
  call: MutatorCall,
  undo: MutatorCall,
  more: Partial<Pick<Operation, 'takesEffect' | 'guestMustCooperate' | 'reason'>> = {},
): Operation {
  const base = {
    action: 'set',
    subject: name,
    scope,
    takesEffect: more.takesEffect ?? (scope === 'config' ? 'next-boot' : 'now'),
    guestMustCooperate: more.guestMustCooperate ?? false,
    ...(more.reason === undefined ? {} : { reason: more.reason }),
  } as const;
  const back = changes.map(({ path, from, to }) => ({ path, from: to, to: from }));
  return { ...base, changes, call, inverse: [{ ...base, changes: back, call: undo }] };
}
