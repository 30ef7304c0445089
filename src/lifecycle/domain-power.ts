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
import { DomainChanges } from './domain-changes.js';
import type { Hooks } from './hooks.js';
import {
  destroy,
  rebootGuest,
  refuseManagedSave,
  refuseRunning,
  type ShutdownOptions,
  type StartOptions,
  shutdown,
  start,
  stateError,
} from './power.js';

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

/** How a domain is switched on and off, and how it ends. */
export abstract class DomainPower extends DomainChanges {
  /** @internal */
  protected readonly hooks: Hooks;

  /** @internal */
  constructor(connection: Connection, handle: DomainHandle, hooks: Hooks) {
    super(connection, handle);
    this.hooks = hooks;
  }

  /** Starts the domain. virDomainCreateWithFlags. Errors: `DOMAIN_STATE`, `START_FAILED`. */
  start(options: StartOptions = {}): Promise<void> {
    return this.alone(() => this.#start(options));
  }

  /** Shuts the guest down by ACPI and waits until it is off. virDomainShutdownFlags. Errors: `DOMAIN_STATE`, `TIMEOUT`. */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    return this.alone(() => this.#shutdown(options));
  }

  /** Pulls the plug; a domain that is off stays off. virDomainDestroyFlags. */
  destroy(options: CallOptions = {}): Promise<void> {
    return this.alone(() => this.#destroy(options));
  }

  /** Reboots the guest, one of three ways; none of them defines anything. Pending changes take effect with `cold` and `hard` only. */
  reboot({ mode, ...options }: RebootOptions): Promise<void> {
    const { signal } = options;
    return this.alone(async () => {
      if (mode === 'guest') return rebootGuest(this.reader, options);
      const call: CallOptions = { signal };
      // Asked before the guest is stopped, so that a refusal leaves it running.
      await refuseManagedSave(this.reader, call);
      await (mode === 'cold' ? this.#shutdown(options) : this.#destroy(call));
      await this.#start(call);
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
      await connection
        .call('DOMAIN_UNDEFINE_FLAGS', { dom, flags }, { signal })
        .catch((error: unknown) => Promise.reject(stateError(this.reader, 'be undefined', error)));
    });
  }

  async #start(options: StartOptions): Promise<void> {
    await this.hooks.beforeStart?.(this);
    await start(this.reader, options);
  }

  async #shutdown(options: ShutdownOptions): Promise<void> {
    await shutdown(this.reader, options);
    await this.hooks.afterStop?.(this);
  }

  async #destroy(options: CallOptions): Promise<void> {
    await destroy(this.reader, options);
    await this.hooks.afterStop?.(this);
  }
}
