import {
  type AbiUpgradeOptions,
  type AbiUpgradeProposal,
  type AbiUpgradeRequest,
  abiUpgrade,
  proposeAbiUpgrade,
} from '../definition/index.js';
import type { DomainBundle } from '../evacuation/index.js';
import { type ExportOptions, exportDomain } from '../evacuation/index.js';
import { type HostCheckOptions, type HostFinding, hostCheck } from '../host/index.js';
import {
  type Migration,
  type MigrationDestination,
  type MigrationOptions,
  type MigrationPlan,
  migrate,
  planMigration,
} from '../migration/index.js';
import { DomainPower } from './domain-power.js';

/** How a domain stands towards hosts: what its own can still do for it, and how it goes to another. */
export abstract class DomainEvacuation extends DomainPower {
  /**
   * Whether its host can still run the domain: machine type and CPU, removed or deprecated, the emulator, models of devices,
   * networks, pools and secrets it names, files where they can be looked at. A list, worst first. Ask after each upgrade
   * of the host, before the domain is shut down. virConnectGetDomainCapabilities, virConnectCompareHypervisorCPU.
   */
  async hostCheck(options: HostCheckOptions = {}): Promise<HostFinding[]> {
    const { canonical } = await this.reader.documents({ signal: options.signal });
    return hostCheck(this.reader.connection, canonical, options);
  }

  /**
   * All that makes the domain's machine the same one on another host, as one JSON value: canonical document, UEFI
   * variables, TPM state, the record of its guest ABI. Disks are not in it. Nothing is changed.
   *
   * Errors: `DOMAIN_STATE` for a transient domain, and for one with a managed-save image unless `managedSave: 'without'`.
   *
   * @example
   * await writeFile('web1.json', JSON.stringify(await web.export({ secrets: 'include' })), { mode: 0o600 });
   */
  export(options: ExportOptions = {}): Promise<DomainBundle> {
    return this.alone(() => exportDomain(this.reader, options));
  }

  /**
   * Plans a migration to another host; nothing is changed. All findings at once, looked at on both hosts, each with what to
   * do; whether the storage of each disk is shared is found out by a volume that is made for a moment. Errors:
   * `SPEC_INVALID`, `SPEC_UNKNOWN_FIELD`, `DEVICE_NOT_FOUND` for options that are wrong.
   */
  planMigration(destination: MigrationDestination, options: MigrationOptions = {}): Promise<MigrationPlan> {
    return planMigration(this.reader, destination, options);
  }

  /**
   * Migrates the domain to another host, and lets the source go only when the destination has been compared with it. Iterate
   * it for progress, await `done`; errors as {@link Migration.done} says. virDomainMigrate3, its calls made one by one.
   *
   * @example
   * const job = web.migrate(other, { policy: 'converge' });
   * for await (const { fraction, policy } of job) console.log(fraction, policy);
   * await job.done;
   */
  migrate(destination: MigrationDestination, options: MigrationOptions = {}): Migration {
    return migrate(this.reader, destination, options);
  }

  /**
   * What a newer machine or CPU would change for the guest, as a proposal; nothing is changed. It is asked for by name and
   * confirmed by its token: no plan, define or start ever does it in passing.
   *
   * Errors: `UNSUPPORTED` for a machine that the host does not have, or of another family.
   *
   * @example
   * const proposal = await web.proposeAbiUpgrade({ machine: 'newest', cpu: 'host-model' });
   * console.log(`${proposal}`);
   * if (await yes()) await web.abiUpgrade(proposal, { confirm: proposal.token });
   */
  async proposeAbiUpgrade(request: AbiUpgradeRequest, options: HostCheckOptions = {}): Promise<AbiUpgradeProposal> {
    return proposeAbiUpgrade(this.reader, request, options);
  }

  /**
   * Gives a domain that is off the machine and CPU of a proposal, under its UUID, and keeps everything else. The only
   * redefinition there is. libvirt puts the new document in the place of the old one at once or not at all, so that the
   * domain is never lost, whenever the process ends. What was written is read back; when it is other than proposed the old
   * one is put back. Resolves with the bundle of how it was, secrets included: import it, or propose the old
   * machine, to go back.
   *
   * Errors, before anything is changed: `PLAN_STALE` when the token is not the proposal's, or the domain changed since;
   * `DOMAIN_STATE` when it runs, or has a managed-save image, snapshots or checkpoints; `PLAN_REFUSED` when the host could
   * not run what is proposed; `APPLY_IN_PROGRESS`, `APPLY_INTERRUPTED`. `GUEST_ABI_CHANGED` when the old document had to be put back.
   */
  abiUpgrade(proposal: AbiUpgradeProposal, options: AbiUpgradeOptions): Promise<DomainBundle> {
    return this.alone(() => abiUpgrade(this.reader, proposal, options));
  }
}
