import type { DomainDocument } from './document.js';

/** Which document a call changes. `both` is one call on a running domain (AFFECT_LIVE | AFFECT_CONFIG). */
export type Scope = 'live' | 'config' | 'both';

/** virDomainModificationImpact. Zero (CURRENT) is never sent: on a running domain it silently means live only. */
export const AFFECT: Readonly<Record<Scope, number>> = { live: 1, config: 2, both: 3 };

/** A typed parameter as plain data. 64-bit numbers are `bigint` only beyond the safe integers. */
export interface TypedParameter {
  readonly field: string;
  readonly value:
    | { readonly type: 'int' | 'uint' | 'llong' | 'ullong'; readonly value: number | bigint }
    | { readonly type: 'boolean'; readonly value: boolean }
    | { readonly type: 'string'; readonly value: string };
}

interface DeviceArgs {
  readonly xml: string;
  readonly flags: number;
}
interface ParamsArgs {
  readonly params: readonly TypedParameter[];
  readonly flags: number;
}
interface PinArgs {
  /** Bytes of the bitmap, lowest CPU first; `wireArguments` makes a `Uint8Array` of them. */
  readonly cpumap: readonly number[];
  readonly flags: number;
}

/** Arguments of each mutator, without the domain. Plain data, so that a plan is a value. */
interface MutatorArgs {
  readonly DOMAIN_ATTACH_DEVICE_FLAGS: DeviceArgs;
  readonly DOMAIN_DETACH_DEVICE_FLAGS: DeviceArgs;
  readonly DOMAIN_UPDATE_DEVICE_FLAGS: DeviceArgs;
  readonly DOMAIN_DETACH_DEVICE_ALIAS: { readonly alias: string; readonly flags: number };
  readonly DOMAIN_SET_VCPUS_FLAGS: { readonly nvcpus: number; readonly flags: number };
  readonly DOMAIN_SET_VCPU: { readonly cpumap: string; readonly state: number; readonly flags: number };
  readonly DOMAIN_SET_MEMORY_FLAGS: { readonly memory: number; readonly flags: number };
  readonly DOMAIN_SET_MEMORY_STATS_PERIOD: { readonly period: number; readonly flags: number };
  readonly DOMAIN_SET_MEMORY_PARAMETERS: ParamsArgs;
  readonly DOMAIN_SET_BLKIO_PARAMETERS: ParamsArgs;
  readonly DOMAIN_SET_SCHEDULER_PARAMETERS_FLAGS: ParamsArgs;
  readonly DOMAIN_SET_NUMA_PARAMETERS: ParamsArgs;
  readonly DOMAIN_SET_PERF_EVENTS: ParamsArgs;
  readonly DOMAIN_SET_BLOCK_IO_TUNE: ParamsArgs & { readonly disk: string };
  readonly DOMAIN_SET_INTERFACE_PARAMETERS: ParamsArgs & { readonly device: string };
  readonly DOMAIN_SET_THROTTLE_GROUP: ParamsArgs & { readonly group: string };
  readonly DOMAIN_DEL_THROTTLE_GROUP: { readonly group: string; readonly flags: number };
  readonly DOMAIN_PIN_VCPU_FLAGS: PinArgs & { readonly vcpu: number };
  readonly DOMAIN_PIN_EMULATOR: PinArgs;
  readonly DOMAIN_PIN_IOTHREAD: PinArgs & { readonly iothreads_id: number };
  readonly DOMAIN_ADD_IOTHREAD: { readonly iothread_id: number; readonly flags: number };
  readonly DOMAIN_DEL_IOTHREAD: { readonly iothread_id: number; readonly flags: number };
  readonly DOMAIN_SET_IOTHREAD_PARAMS: ParamsArgs & { readonly iothread_id: number };
  readonly DOMAIN_SET_LIFECYCLE_ACTION: { readonly type: number; readonly action: number; readonly flags: number };
  readonly DOMAIN_SET_AUTOSTART: { readonly autostart: number };
  readonly DOMAIN_SET_AUTOSTART_ONCE: { readonly autostart: number };
  readonly DOMAIN_SET_METADATA: {
    readonly type: number;
    readonly metadata: string | null;
    readonly key: string | null;
    readonly uri: string | null;
    readonly flags: number;
  };
  readonly DOMAIN_RENAME: { readonly new_name: string; readonly flags: number };
}

/** The mutators that operations are made of. A closed list: nothing else is ever sent for a plan. */
export type MutatorCall = {
  [P in keyof MutatorArgs]: { readonly procedure: P; readonly args: MutatorArgs[P] };
}[keyof MutatorArgs];

/** The arguments as the connection takes them: bitmaps as bytes. A `Uint8Array` cannot be frozen, so a plan holds none. */
export function wireArguments({ args }: MutatorCall): Readonly<Record<string, unknown>> {
  return 'cpumap' in args && typeof args.cpumap !== 'string'
    ? { ...args, cpumap: Uint8Array.from(args.cpumap) }
    : { ...args };
}

/** What stands in a plan for a value that is secret. */
export const REDACTED = '(secret)';

/** One value that an operation changes, as people read it. */
export interface Change {
  readonly path: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** A secret that a plan read from JSON does not hold: which document has the value, and for a device whose it is. */
export interface Withheld {
  /** Path in the element of the call. */
  readonly path: string;
  /** Left out when neither document has it: the request gave it. */
  readonly from?: 'canonical' | 'live';
  readonly device?: string;
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
  /**
   * Of an unplug of a device or of vCPUs: what becomes of it when the guest keeps them. Left out: the apply fails.
   * `next-boot`: they go at the next cold boot, since the canonical document has lost them before.
   */
  readonly ifKept?: 'next-boot';
  /** The place the device gets or has; undefined when libvirt chooses one or there is none. */
  readonly address?: string;
  readonly changes: readonly Change[];
  /** For people: why it is done this way. */
  readonly reason?: string;
  readonly call: MutatorCall;
  /** Only in a plan read from JSON: secrets of `call`, which are filled in from the documents when it is applied. */
  readonly withheld?: readonly Withheld[];
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
export interface ObservedDomain {
  readonly canonical: DomainDocument;
  /** The live document; undefined when the domain is shut off. */
  readonly live: DomainDocument | undefined;
  /** False for a transient domain, which has no canonical document of its own. */
  readonly persistent: boolean;
  readonly autostart: boolean;
  /** It starts with the host once; libvirt before 11.2 has no such thing. */
  readonly autostartOnce?: boolean;
  /** The daemon runs without privileges and has no control groups: some settings are refused. */
  readonly session?: boolean;
  /** A managed-save image waits for the next start. */
  readonly managedSave: boolean;
  /** semver of libvirt and of QEMU. */
  readonly versions: { readonly libvirt: string; readonly qemu: string };
}

type SetOptions = Partial<Pick<Operation, 'takesEffect' | 'guestMustCooperate' | 'reason'>>;

/** The calls of one operation and of its inverse, in the short form that settings write. */
export function setOperation(
  name: string,
  scope: Scope,
  changes: readonly Change[],
  call: MutatorCall,
  undo: MutatorCall | readonly UndoStep[],
  more: SetOptions = {},
): Operation {
  const base = (each: Scope) =>
    ({
      action: 'set',
      subject: name,
      scope: each,
      takesEffect: more.takesEffect ?? (each === 'config' ? 'next-boot' : 'now'),
      guestMustCooperate: more.guestMustCooperate ?? false,
      ...(more.reason === undefined ? {} : { reason: more.reason }),
    }) as const;
  const back = changes.map(({ path, from, to }) => ({ path, from: to, to: from }));
  const steps: readonly UndoStep[] = 'procedure' in undo ? [{ scope, changes: back, call: undo }] : undo;
  return {
    ...base(scope),
    changes,
    call,
    inverse: steps.map((step) => ({ ...base(step.scope), changes: step.changes, call: step.call })),
  };
}

/** One call on the way back, and what it changes. */
export interface UndoStep {
  readonly scope: Scope;
  readonly changes: readonly Change[];
  readonly call: MutatorCall;
}
