/**
 * The operations of a compute driver such as Nova's `virt.libvirt.driver`, over libvirt's own document. No method here makes
 * a document of a domain that exists: each asks for a change of it, or for another power state.
 */
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ChangeRequest,
  type DomainBundle,
  type DomainManager,
  LibvirtCanonicalError,
  type ManagedDomain,
  type MigrationFinding,
  type MigrationOptions,
  type RescueOptions,
} from 'libvirt-canonical';
import type { Flavor, Instance, Port, Volume } from './instance.js';

const diskOf = ({ id, path }: Volume) =>
  ({ id, target: `vd${id.at(-1)}`, file: path, format: 'raw', serial: id }) as const;
const nicOf = ({ id, mac }: Port) => ({ id, user: true, mac }) as const;

export class ComputeDriver {
  /** `instances` is the folder of root disks and configuration drives. */
  constructor(
    readonly manager: DomainManager,
    readonly instances: string,
  ) {}

  #domain(uuid: string): Promise<ManagedDomain> {
    return this.manager.get(uuid);
  }

  async #change(uuid: string, request: ChangeRequest): Promise<void> {
    const domain = await this.#domain(uuid);
    await domain.apply(await domain.plan(request));
  }

  // Life

  /** Nova: `spawn`. The only place in which a document is written. */
  async spawn(instance: Instance, ports: readonly Port[]): Promise<ManagedDomain> {
    const { uuid, name, flavor, room, image: base, machine } = instance;
    const root = await this.manager.createImage({ directory: this.instances, name: `${name}.qcow2`, base });
    const config = await this.manager.createSeed({
      path: join(this.instances, `${name}.config.iso`),
      seed: { metaData: `instance-id: ${uuid}\n`, userData: '#cloud-config\n' },
    });
    const domain = await this.manager.define({
      ...machine,
      name,
      uuid,
      vcpus: { current: flavor.vcpus, maximum: room.vcpus },
      memory: { current: flavor.memory, maximum: room.memory },
      disks: [
        { id: 'root', target: 'vda', file: root.path, format: 'qcow2', serial: 'root', boot: 1 },
        { id: 'config', device: 'cdrom', target: 'sda', bus: 'sata', file: config, format: 'raw' },
      ],
      interfaces: ports.map(nicOf),
    });
    await domain.start({ verify: 'guest-abi' });
    return domain;
  }

  /** Nova: `destroy` and `cleanup`. */
  async destroy({ uuid, name }: Instance): Promise<void> {
    const domain = await this.#domain(uuid);
    await domain.destroy();
    await domain.undefine({ managedSave: true });
    for (const file of [`${name}.qcow2`, `${name}.config.iso`]) await unlink(join(this.instances, file));
  }

  /** Nova: `power_off`, which asks first and then pulls the plug. */
  async powerOff(uuid: string): Promise<void> {
    await (await this.#domain(uuid)).shutdown({ onTimeout: 'destroy' });
  }

  /** Nova: `power_on`, which there is a hard reboot. */
  async powerOn(uuid: string): Promise<void> {
    await (await this.#domain(uuid)).start({ verify: 'guest-abi' });
  }

  /** Nova: `_soft_reboot`, and `_hard_reboot` when the guest does not obey. */
  async reboot(uuid: string, type: 'SOFT' | 'HARD'): Promise<void> {
    const domain = await this.#domain(uuid);
    if (type === 'HARD') await domain.reboot({ mode: 'hard', verify: 'guest-abi' });
    else await domain.reboot({ mode: 'cold', onTimeout: 'destroy', verify: 'guest-abi' });
  }

  /** Nova: `pause`, `unpause`. */
  async pause(uuid: string): Promise<void> {
    await (await this.#domain(uuid)).suspend();
  }

  async unpause(uuid: string): Promise<void> {
    await (await this.#domain(uuid)).resume();
  }

  /** Nova: `suspend`, `resume`: the memory goes to disk and comes back. */
  async suspend(uuid: string): Promise<void> {
    await (await this.#domain(uuid)).save();
  }

  async resume(uuid: string): Promise<void> {
    await (await this.#domain(uuid)).restore({ verify: 'guest-abi' });
  }

  /** Nova: `resume_state_on_host_boot`, for the instances that ran: those that libvirt has not started itself. */
  async resumeStateOnHostBoot(uuids: readonly string[]): Promise<void> {
    for (const uuid of uuids) if ((await (await this.#domain(uuid)).state()) === 'shutoff') await this.powerOn(uuid);
  }

  // Devices

  /** Nova: `attach_volume`. */
  attachVolume(uuid: string, volume: Volume): Promise<void> {
    const storage = { [volume.id]: volume.connection };
    return this.#change(uuid, { attach: [{ disk: diskOf(volume) }], storage });
  }

  /** Nova: `detach_volume`. Resolves when the guest has let go of it, with the record of how it was connected. */
  async detachVolume(uuid: string, id: string): Promise<unknown> {
    const domain = await this.#domain(uuid);
    const disks = await domain.storage();
    await this.#change(uuid, { detach: [{ disk: id }] });
    return disks.find(({ identity }) => identity === `disk ${id}`)?.connection;
  }

  /** Nova: `swap_volume`: the guest goes on writing, and the disk stays where it is. */
  async swapVolume(uuid: string, id: string, path: string): Promise<void> {
    await (await this.#domain(uuid)).moveDisk(id, path);
  }

  /** Nova: `extend_volume`. */
  async extendVolume(uuid: string, id: string, size: `${number} MiB`): Promise<void> {
    await (await this.#domain(uuid)).resizeDisk(id, { capacity: size });
  }

  /** Nova: `attach_interface`, `detach_interface`. */
  attachInterface(uuid: string, port: Port): Promise<void> {
    return this.#change(uuid, { attach: [{ interface: nicOf(port) }] });
  }

  detachInterface(uuid: string, id: string): Promise<void> {
    return this.#change(uuid, { detach: [{ interface: id }] });
  }

  // Size, rescue, images

  /**
   * Nova: `migrate_disk_and_power_off` with `finish_migration`, and `finish_revert_migration` with the flavor that was. What
   * the guest can have now it has now; the rest waits for its next boot.
   */
  async resize(uuid: string, { vcpus, memory }: Flavor): Promise<'now' | 'next-boot'> {
    const resized = await (await this.#domain(uuid)).resize({ vcpus, memory });
    return [resized.vcpus, resized.memory].some(({ takesEffect }) => takesEffect === 'next-boot') ? 'next-boot' : 'now';
  }

  /** Nova: `rescue`, `unrescue`. */
  async rescue(uuid: string, options: RescueOptions): Promise<void> {
    await (await this.#domain(uuid)).rescue(options);
  }

  async unrescue(uuid: string): Promise<void> {
    await (await this.#domain(uuid)).unrescue();
  }

  /** Nova: `snapshot`: the root disk of the running guest as an image of its own. */
  async snapshot(uuid: string, file: string): Promise<void> {
    await (await this.#domain(uuid)).copyDisk('root', file, { format: 'qcow2' });
  }

  // Other hosts

  /** Nova: `check_can_live_migrate_destination` and `_source`: one look at both hosts, which changes nothing. */
  async checkCanLiveMigrate(
    uuid: string,
    there: ComputeDriver,
    options: MigrationOptions,
  ): Promise<MigrationFinding[]> {
    const { findings } = await (await this.#domain(uuid)).planMigration(there.manager, options);
    return findings.filter(({ severity }) => severity === 'blocks');
  }

  /**
   * Nova: `pre_live_migration`, `live_migration`, `post_live_migration` and its end at the destination, or
   * `rollback_live_migration`: the source is let go when the guest is proved on the other side, and not otherwise.
   */
  async liveMigration(uuid: string, there: ComputeDriver, options: MigrationOptions): Promise<void> {
    await (await this.#domain(uuid)).migrate(there.manager, options).done;
  }

  /** What an evacuation needs, kept while the host can still be asked: after each operation. */
  async record(uuid: string): Promise<string> {
    return JSON.stringify(await (await this.#domain(uuid)).export());
  }

  /**
   * Nova: `rebuild` with `evacuate`, on the host that takes over. `lost` is asked first; `fenced` is somebody's word that it is
   * off, since a host that is silent is no host that is off.
   */
  async evacuate(
    record: string,
    lost: string,
    { fenced, paths }: { readonly fenced: boolean; readonly paths: Readonly<Record<string, string>> },
  ): Promise<ManagedDomain> {
    const unknownHosts = fenced ? 'accept' : 'refuse';
    const bundle = JSON.parse(record) as DomainBundle;
    const domain = await this.manager.import(bundle, { hosts: [lost], unknownHosts, paths });
    await domain.start({ verify: 'guest-abi' });
    return domain;
  }
}

/** The code of the error that something ends in, as a cloud logs it. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'none';
  } catch (error) {
    if (error instanceof LibvirtCanonicalError) return error.code;
    throw error;
  }
}
