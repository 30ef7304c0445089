import {
  type ApplyOptions,
  type ApplyResult,
  applyPlan,
  DomainReader,
  GuestAbiChangedError,
  queued,
} from '../apply/index.js';
import {
  type CallOptions,
  type Connection,
  type DomainHandle,
  VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA,
  VIR_DOMAIN_UNDEFINE_KEEP_NVRAM,
  VIR_DOMAIN_UNDEFINE_MANAGED_SAVE,
  VIR_DOMAIN_UNDEFINE_NVRAM,
  VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA,
} from '../connection/index.js';
import {
  addressText,
  compareGuestAbi,
  type Device,
  type DomainSpec,
  decodeSpec,
  type GuestAbi,
  guestAbi,
} from '../domain/index.js';
import { type ChangeRequest, type Plan, planChanges, planTowards, type TowardsOptions } from '../plan/index.js';
import { serialize } from '../xml/index.js';
import { type PendingChange, pendingChanges } from './pending.js';
import {
  type DomainState,
  destroy,
  rebootGuest,
  refuseManagedSave,
  refuseRunning,
  type ShutdownOptions,
  type StartOptions,
  shutdown,
  start,
  stateError,
  stateOf,
} from './power.js';

/** Work of the caller's own at the edges of a domain's run. */
export interface Hooks {
  /** Before each start: connect volumes, plug VIFs, check backing files. A rejection keeps the domain from starting. */
  readonly beforeStart?: (domain: ManagedDomain) => Promise<void> | void;
  /** After each stop by this library. */
  readonly afterStop?: (domain: ManagedDomain) => Promise<void> | void;
}

export interface RebootOptions extends ShutdownOptions {
  /** `guest`: ACPI, the QEMU process lives on. `cold`: shut down and start. `hard`: pull the plug and start. */
  readonly mode: 'guest' | 'cold' | 'hard';
}

export interface UndefineOptions {
  readonly signal?: AbortSignal | undefined;
  /** Remove (`true`) or keep (`false`) the UEFI variables; needed for a domain that has them. */
  readonly nvram?: boolean;
  /** Remove a managed-save image with it. Without it libvirt refuses when there is one. */
  readonly managedSave?: boolean;
  /** Remove the metadata of snapshots and checkpoints with it; the images stay. */
  readonly snapshotsMetadata?: boolean;
}

/** A device as both documents show it. */
export interface DeviceView {
  /** Unique within the domain: `disk root`, `interface 52:54:00:aa:bb:cc`. */
  readonly identity: string;
  readonly kind: string;
  /** The id given at define or attach, without `ua-`. */
  readonly id: string | undefined;
  /** Natural name: target, MAC, type and index … */
  readonly name: string;
  /** Where it is in the canonical document, and where in the running guest: `pci 0000:04:00.0`. */
  readonly address: string | undefined;
  readonly liveAddress: string | undefined;
  /** Which documents have it. */
  readonly in: 'both' | 'canonical' | 'live';
  /** The spec that describes it. What a spec cannot say is in `xml` only. */
  readonly spec: Readonly<Record<string, unknown>>;
  readonly xml: string;
}

/** One domain of libvirt, with libvirt's own document as the truth. Made by `DomainManager`. */
export class ManagedDomain {
  #reader: DomainReader;
  readonly #hooks: Hooks;

  /** @internal */
  constructor(connection: Connection, handle: DomainHandle, hooks: Hooks) {
    this.#reader = new DomainReader(connection, handle);
    this.#hooks = hooks;
  }

  get name(): string {
    return this.#reader.handle.name;
  }

  get uuid(): string {
    return this.#reader.handle.uuid;
  }

  /** What the domain is doing. virDomainGetState. */
  state(options: CallOptions = {}): Promise<DomainState> {
    return stateOf(this.#reader, options);
  }

  /** The canonical document: the persistent XML, with secrets where the connection may see them. virDomainGetXMLDesc INACTIVE | SECURE. */
  async canonical(options: CallOptions = {}): Promise<string> {
    return (await this.#reader.documents(options)).canonical.xml;
  }

  /** The XML of the running guest; undefined when the domain is shut off. virDomainGetXMLDesc SECURE. */
  async live(options: CallOptions = {}): Promise<string | undefined> {
    return (await this.#reader.documents(options)).live?.xml;
  }

  /** Every device of either document. */
  async devices(options: CallOptions = {}): Promise<DeviceView[]> {
    const { canonical, live } = await this.#reader.documents(options);
    const onlyLive = (live?.devices ?? []).filter((device) => !canonical.counterpart(device));
    return [
      ...canonical.devices.map((device) => viewOf(device, device, live?.counterpart(device))),
      ...onlyLive.map((device) => viewOf(device, undefined, device)),
    ];
  }

  /** Everything the guest can see that libvirt fixed: of the canonical document, or of the live one. Keep it to `verify` later. */
  async guestAbi(options: CallOptions & { readonly document?: 'canonical' | 'live' } = {}): Promise<GuestAbi> {
    const { document = 'canonical', ...call } = options;
    const { canonical, live } = await this.#reader.documents(call);
    return guestAbi(document === 'live' ? (live ?? canonical) : canonical);
  }

  /**
   * Compares the canonical document, and the running guest if there is one, with an earlier `guestAbi()`. Resolves when
   * nothing has moved, rejects with `GUEST_ABI_CHANGED` and the list of differences otherwise.
   */
  async verify(reference: GuestAbi, options: CallOptions = {}): Promise<void> {
    const { canonical, live } = await this.#reader.documents(options);
    const differences = [
      ...compareGuestAbi(reference, guestAbi(canonical)),
      ...(live ? compareGuestAbi(reference, guestAbi(live), { live: true }) : []),
    ];
    if (differences.length > 0)
      throw new GuestAbiChangedError(
        `the guest ABI of ${this.name} differs from the reference`,
        differences,
        this.name,
      );
  }

  /** What waits for the next cold boot, and so is not what the running guest sees. A reboot by the guest does not apply it. */
  async pending(options: CallOptions = {}): Promise<PendingChange[]> {
    return pendingChanges(await this.#reader.context(options));
  }

  /** Plans a change request; nothing is changed. See {@link Plan} and {@link ChangeRequest}. */
  async plan(request: ChangeRequest, options: CallOptions = {}): Promise<Plan> {
    return planChanges(request, await this.#reader.context(options));
  }

  /**
   * Plans the way to a whole desired state; nothing is changed. What callers asked for before and do not ask for any more
   * is detached, what anybody else added is kept, and a field that is not mentioned stays as it is.
   *
   * Errors as for {@link plan}; what no call can bring about stands in `plan.refusals`.
   */
  async planTowards(desired: string | DomainSpec, options: TowardsOptions & CallOptions = {}): Promise<Plan> {
    const { replace, ifNotLive, ...call } = options;
    const context = await this.#reader.context(call);
    return planTowards(desired, context, { ...(replace ? { replace } : {}), ...(ifNotLive ? { ifNotLive } : {}) });
  }

  /**
   * Applies a plan: each operation is one libvirt call, verified in both documents. Errors: `PLAN_REFUSED`, `PLAN_STALE`
   * before anything is changed; `APPLY_FAILED` (ApplyError) with what was undone.
   */
  async apply(plan: Plan, options: ApplyOptions = {}): Promise<ApplyResult> {
    const result = await applyPlan(this.#reader, plan, options);
    const { connection, handle } = this.#reader;
    // libvirt goes by the UUID; the name in the handle is for people, and follows a rename.
    for (const { call } of result.operations) {
      if (call.procedure === 'DOMAIN_RENAME')
        this.#reader = new DomainReader(connection, { ...handle, name: call.args.new_name });
    }
    return result;
  }

  /** Starts the domain. virDomainCreateWithFlags. Errors: `DOMAIN_STATE`, `START_FAILED`. */
  start(options: StartOptions = {}): Promise<void> {
    return this.#alone(() => this.#start(options));
  }

  /** Shuts the guest down by ACPI and waits until it is off. virDomainShutdownFlags. Errors: `DOMAIN_STATE`, `TIMEOUT`. */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    return this.#alone(() => this.#shutdown(options));
  }

  /** Pulls the plug; a domain that is off stays off. virDomainDestroyFlags. */
  destroy(options: CallOptions = {}): Promise<void> {
    return this.#alone(() => this.#destroy(options));
  }

  /** Reboots the guest, one of three ways; none of them defines anything. Pending changes take effect with `cold` and `hard` only. */
  reboot({ mode, ...options }: RebootOptions): Promise<void> {
    const { signal } = options;
    return this.#alone(async () => {
      if (mode === 'guest') return rebootGuest(this.#reader, options);
      const call: CallOptions = { signal };
      // Asked before the guest is stopped, so that a refusal leaves it running.
      await refuseManagedSave(this.#reader, call);
      await (mode === 'cold' ? this.#shutdown(options) : this.#destroy(call));
      await this.#start(call);
    });
  }

  /**
   * Removes the domain from libvirt; it must be shut off. Disk images stay. virDomainUndefineFlags. Errors: `DOMAIN_STATE`
   * when it runs, or when it has a managed-save image, UEFI variables or snapshots and the options do not say what of them.
   */
  async undefine({ signal, nvram, managedSave, snapshotsMetadata }: UndefineOptions = {}): Promise<void> {
    const { connection, handle: dom } = this.#reader;
    const flags =
      (nvram === undefined ? 0 : nvram ? VIR_DOMAIN_UNDEFINE_NVRAM : VIR_DOMAIN_UNDEFINE_KEEP_NVRAM) |
      (managedSave ? VIR_DOMAIN_UNDEFINE_MANAGED_SAVE : 0) |
      (snapshotsMetadata ? VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA | VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA : 0);
    await this.#alone(async () => {
      // libvirt would undefine a running domain too, and leave it transient.
      await refuseRunning(this.#reader, 'undefined', { signal });
      await connection
        .call('DOMAIN_UNDEFINE_FLAGS', { dom, flags }, { signal })
        .catch((error: unknown) => Promise.reject(stateError(this.#reader, 'be undefined', error)));
    });
  }

  async #start(options: StartOptions): Promise<void> {
    await this.#hooks.beforeStart?.(this);
    await start(this.#reader, options);
  }

  async #shutdown(options: ShutdownOptions): Promise<void> {
    await shutdown(this.#reader, options);
    await this.#hooks.afterStop?.(this);
  }

  async #destroy(options: CallOptions): Promise<void> {
    await destroy(this.#reader, options);
    await this.#hooks.afterStop?.(this);
  }

  /** Power and apply of one domain never run at once within this process. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    return queued(this.uuid, work);
  }
}

function viewOf(device: Device, canonical: Device | undefined, live: Device | undefined): DeviceView {
  return {
    identity: device.identity,
    kind: device.kind.element,
    id: device.userAlias?.slice(3),
    name: device.name,
    address: canonical?.address && addressText(canonical.address),
    liveAddress: live?.address && addressText(live.address),
    in: canonical && live ? 'both' : canonical ? 'canonical' : 'live',
    spec: decodeSpec(device.kind.fields, device.leaves),
    xml: serialize(device.element),
  };
}
