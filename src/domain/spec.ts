import type { DefinitionParts } from './definition/index.js';
import type { DeviceSpecs } from './devices/index.js';
import type { OsName } from './os-names.js';
import type { StorageRequest } from './own-metadata/storage-record.js';
import type { Size } from './values.js';

/** A device in a request: its kind and spec, `{ disk: { … } }`, or its XML. */
export type DeviceRequest =
  | { [K in keyof DeviceSpecs]: { readonly [P in K]: DeviceSpecs[K] } }[keyof DeviceSpecs]
  | string;

/** A domain as a caller describes it. What is left out is libvirt's to choose, once. */
export interface DomainSpec extends DefinitionParts {
  /**
   * What the guest is: firmware, clock, Hyper-V features, TPM and models that it works well with. Each is overridden by its
   * own field; `planDefine` shows them line by line. Besides the words an identifier of the machine's libosinfo database,
   * such as `win11` or `http://debian.org/debian/12`, for `define` and `planDefine`.
   */
  readonly os?: OsName | (string & {}) | undefined;
  /** Unique on the host. */
  readonly name: string;
  /** Without one a random one is made: the define call always carries it. */
  readonly uuid?: string | undefined;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  /**
   * Memory at boot, or that and the maximum the balloon may grow to. One amount is both: a guest starts with all of the
   * maximum and gives the rest back once its balloon driver runs, so headroom costs the host memory at each boot.
   */
  readonly memory: Size | { readonly current: Size; readonly maximum: Size };
  /**
   * vCPUs at boot, or those and the maximum for hot-plug. Default 1. One number is what the guest boots with, and on q35 the
   * maximum is four times that (255 at most): vCPUs that are not plugged cost next to nothing.
   */
  readonly vcpus?: number | { readonly current: number; readonly maximum: number } | undefined;
  /** Virtualisation. Default `kvm`; `qemu` is emulation (TCG). */
  readonly type?: 'kvm' | 'qemu' | undefined;
  readonly arch?: string | undefined;
  /** Machine type. Default `q35`; libvirt pins it to the version it has, such as `pc-q35-7.2`. */
  readonly machine?: string | undefined;
  /** Room for hot-plug, which cannot be had later. */
  readonly hotplug?:
    | {
        /** Free PCIe ports beyond those that the devices given here take. Default 8. Who gives PCI controllers lays out all of them. */
        readonly pciePorts?: number | undefined;
        /**
         * Memory devices (dimm, virtio-mem): how much memory there may be with them, and how many. Default: none, since it gives
         * the domain a NUMA cell, after which no call changes `memory.maximum`. Default of `slots`: 8.
         */
        readonly memory?: { readonly upTo: Size; readonly slots?: number | undefined } | undefined;
      }
    | undefined;
  /** Path of the QEMU to run. Default: the host's own for `arch`. */
  readonly emulator?: string | undefined;
  /** Boot a kernel directly. `shim` since libvirt 11.2.0. */
  readonly kernel?:
    | {
        readonly path: string;
        readonly initrd?: string | undefined;
        readonly cmdline?: string | undefined;
        /** Device tree. */
        readonly dtb?: string | undefined;
        readonly shim?: string | undefined;
      }
    | undefined;
  readonly disks?: ReadonlyArray<DeviceSpecs['disk']> | undefined;
  readonly interfaces?: ReadonlyArray<DeviceSpecs['interface']> | undefined;
  /** How the volumes of disks are connected: records of your own by id or target. See {@link StorageRecord}. */
  readonly storage?: StorageRequest | undefined;
  /** Devices of any kind: `{ rng: { … } }`, or XML. */
  readonly devices?: readonly DeviceRequest[] | undefined;
}
