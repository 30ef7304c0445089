import { assertNoUnsavedDefinition } from '../apply/index.js';
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
import { LibvirtCanonicalError } from '../errors.js';
import type { Pending } from '../observe/index.js';
import {
  destroy,
  type HookOperation,
  HookRunner,
  type Hooks,
  hasManagedSave,
  rebootGuest,
  refuseManagedSave,
  refuseRunning,
  resume,
  type SaveOptions,
  type ShutdownOptions,
  type StartOptions,
  save,
  shutdown,
  start,
  stateError,
  suspend,
} from '../power/index.js';
import { DomainCopies } from './domain-copies.js';
import type { ManagedDomain } from './managed-domain.js';

/** Which reboot, and how its parts are done. */
export interface RebootOptions extends ShutdownOptions {
  /**
   * `guest`: the guest restarts, the QEMU process lives on. `cold`: shut down by the guest, then started. `hard`: plug
   * pulled whatever the domain does or does not do, then started.
   */
  readonly mode: 'guest' | 'cold' | 'hard';
  /** As for a start; for `cold` and `hard`. */
  readonly verify?: StartOptions['verify'];
  /** What to do with a managed-save image, which holds a guest's memory: `refuse` (default) or `discard` it. For `cold` and `hard`. */
  readonly managedSave?: 'refuse' | 'discard' | undefined;
}

/** `managedSave: 'restore'` is what it does. */
export type RestoreOptions = Omit<StartOptions, 'managedSave'>;

/** What of the domain goes with it. */
export interface UndefineOptions {
  readonly signal?: AbortSignal | undefined;
  /** Remove (`true`) or keep (`false`) the UEFI variables; needed for a domain that has them. */
  readonly nvram?: boolean;
  /** Remove a managed-save image with it. Without it libvirt refuses when there is one. */
  readonly managedSave?: boolean;
  /** Remove the metadata of snapshots and checkpoints with it; the images stay. */
  readonly snapshotsMetadata?: boolean;
}

/** How a domain is switched on and off, and how it ends. Nothing here defines anything. */
export abstract class DomainPower extends DomainCopies {
  /** @internal */
  protected readonly hooks: HookRunner;

  /** @internal */
  constructor(connection: Connection, handle: DomainHandle, hooks: Hooks) {
    super(connection, handle);
    // ManagedDomain is the only class of this kind.
    this.hooks = new HookRunner(this as unknown as ManagedDomain, hooks);
  }

  /**
   * Starts the domain, after the hook `beforeStart`. virDomainCreateWithFlags. Errors: `DOMAIN_STATE` when it runs or a
   * managed-save image waits, `START_FAILED`, `HOOK_FAILED`, and with `verify` `GUEST_ABI_CHANGED`; whichever, a domain
   * that is off afterwards had its `afterStop`.
   */
  start(options: StartOptions = {}): Promise<void> {
    return this.alone(() => start(this.reader, this.hooks, options));
  }

  /**
   * Asks the guest to shut down, again every 5 seconds, and waits until it is off; then the hook `afterStop`.
   * virDomainShutdownFlags. Errors: `DOMAIN_STATE`, `TIMEOUT`, `AGENT_UNAVAILABLE`, `HOOK_FAILED`.
   */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    return this.alone(async () => {
      await shutdown(this.reader, options);
      await this.#stopped('shutdown', options);
    });
  }

  /** Pulls the plug, then the hook `afterStop`; a domain that is off stays off. virDomainDestroyFlags. Errors: `HOOK_FAILED`. */
  destroy(options: CallOptions = {}): Promise<void> {
    return this.alone(async () => {
      await destroy(this.reader, options);
      await this.#stopped('destroy', options);
    });
  }

  /**
   * Reboots, one of three ways, and resolves with what is pending afterwards: a reboot by the guest applies none of it.
   *
   * `hard` makes no assumption about the state: destroy, the hook `afterStop`, the hook `beforeStart`, start. It can be
   * asked again after any failure. Errors as for {@link shutdown} and {@link start}.
   */
  reboot({ mode, verify, managedSave = 'refuse', ...options }: RebootOptions): Promise<Pending> {
    const { signal } = options;
    return this.alone(async () => {
      if (mode === 'guest') await rebootGuest(this.reader, options);
      else {
        // Asked before the guest is stopped, so that a refusal leaves it running.
        if (managedSave === 'refuse') await refuseManagedSave(this.reader, { signal });
        await (mode === 'cold' ? shutdown(this.reader, options) : destroy(this.reader, { signal }));
        await this.#stopped('reboot', options);
        await start(this.reader, this.hooks, { signal, verify, managedSave }, 'reboot');
      }
      return this.pending({ signal });
    });
  }

  /** Stops the vCPUs; memory and devices stay. virDomainSuspend. Errors: `DOMAIN_STATE` when it is off. */
  suspend(options: CallOptions = {}): Promise<void> {
    return this.alone(() => suspend(this.reader, options));
  }

  /**
   * Lets a suspended guest go on, and wakes one that sleeps; one that runs is as asked. virDomainResume,
   * virDomainPMWakeup. Errors: `DOMAIN_STATE` when it is off.
   */
  resume(options: CallOptions = {}): Promise<void> {
    return this.alone(() => resume(this.reader, options));
  }

  /**
   * Saves memory and live document to an image that libvirt keeps, and stops the domain; then the hook `afterStop`.
   * virDomainManagedSave. Changes made from then on wait for a boot: see {@link pending}. An abort leaves the guest
   * running and no image. Errors: `DOMAIN_STATE`, `ABORTED`, `HOOK_FAILED`.
   */
  save(options: SaveOptions = {}): Promise<void> {
    return this.alone(async () => {
      await save(this.reader, options);
      await this.#stopped('save', {});
    });
  }

  /**
   * Starts from the managed-save image, after the hook `beforeStart`: the guest goes on as it was saved, running or
   * paused, with the document of the image, which the live document is then held to. `verify: 'guest-abi'` refuses an
   * image whose guest sees other things than the canonical document says, and keeps it. Errors as for {@link start}, and
   * `DOMAIN_STATE` when there is no image.
   */
  restore(options: RestoreOptions = {}): Promise<void> {
    const { signal } = options;
    return this.alone(async () => {
      if (!(await hasManagedSave(this.reader, { signal })))
        throw new LibvirtCanonicalError('DOMAIN_STATE', `domain ${this.name} has no managed-save image`, {
          domain: this.name,
          remedy: 'start() boots it',
        });
      await start(this.reader, this.hooks, { ...options, managedSave: 'restore' }, 'restore');
    });
  }

  /**
   * Removes the domain from libvirt; it must be shut off. Disk images stay. virDomainUndefineFlags. Errors: `DOMAIN_STATE`
   * when it runs, or when it has a managed-save image, UEFI variables or snapshots and the options do not say what of them.
   */
  async undefine({ signal, nvram, managedSave, snapshotsMetadata }: UndefineOptions = {}): Promise<void> {
    const { connection, handle: dom } = this.reader;
    const flags =
      (nvram === undefined ? 0 : nvram ? VIR_DOMAIN_UNDEFINE_NVRAM : VIR_DOMAIN_UNDEFINE_KEEP_NVRAM) |
      (managedSave ? VIR_DOMAIN_UNDEFINE_MANAGED_SAVE : 0) |
      (snapshotsMetadata ? VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA | VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA : 0);
    await this.alone(async () => {
      // libvirt would undefine a running domain too, and leave it transient.
      await refuseRunning(this.reader, 'undefined', { signal });
      await assertNoUnsavedDefinition(this.reader, { signal });
      await connection
        .call('DOMAIN_UNDEFINE_FLAGS', { dom, flags }, { signal })
        .catch((error: unknown) => Promise.reject(stateError(this.reader, 'be undefined', error)));
    });
  }

  /** The abort of what came before is none of the hook's business once the domain is off. */
  #stopped(operation: HookOperation, { signal }: CallOptions): Promise<void> {
    return this.hooks.run('afterStop', { operation, signal });
  }
}
