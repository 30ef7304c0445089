import type { Device, DomainDocument } from '../document.js';
import type { JsonSchema } from '../json-schema.js';
import type { MutatorCall, ObservedDomain, Operation, Refusal } from '../operation.js';

/** Settings of the same request that another setting looks at: a pin may name a vCPU or an IOThread that the request adds. */
export interface OtherSettings {
  readonly vcpus?: number | { readonly maximum?: number | undefined } | undefined;
  readonly iothreads?: Readonly<Record<number, unknown>> | undefined;
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
  readonly sideEffects: readonly string[];
  /** Paths of the domain document whose elements and attributes this setting changes, and no other. */
  readonly paths: readonly string[];
  /** What a request may say, for editors and other programs. */
  readonly schema: JsonSchema;
  /** First libvirt that has its call, as semver; left out when every supported one does. */
  readonly since?: string;
  /** What a document says of it, as a request would; undefined when it says nothing. */
  read?(document: DomainDocument): Value | undefined;
  /** The same of the document of a guest that ran, without what the guest or QEMU made of it; as `read` when left out. */
  readRunning?(document: DomainDocument, canonical: DomainDocument): Value | undefined;
  /**
   * What a desired document asks of a domain that has `canonical`, without what it only seems to say: `define` may have made
   * room that the document knows nothing of. As `read` when left out.
   */
  readTowards?(document: DomainDocument, canonical: DomainDocument): Value | undefined;
  /** For a part of a device that this setting changes, and no update of the device does. */
  readonly ofDevice?: {
    readonly kind: string;
    readonly path: string;
    /** What a desired device asks of the one that is there. */
    read(desired: Device, there: Device): Value | undefined;
  };
  /**
   * What a document has at `path` of a change that `call` makes, written as the change writes it. Left out: the path is one
   * of the document, and the change has its text.
   */
  shown?(document: DomainDocument, path: string, call: MutatorCall): string | undefined;
  /** Plans the way from what is to `value`. Bad values are `SPEC_INVALID` naming `path`. `beside` are other settings of the same request. */
  plan(value: Value, context: ObservedDomain, path: string, beside?: OtherSettings): SettingPlan;
}
