import { autostart } from './autostart.js';
import { autostartOnce } from './autostart-once.js';
import { balloonStatsPeriod } from './balloon-stats-period.js';
import { type BandwidthRequest, bandwidth } from './bandwidth.js';
import { type BlkiotuneRequest, blkiotune } from './blkiotune.js';
import { type CputuneRequest, cputune } from './cputune.js';
import { emulatorPin } from './emulator-pin.js';
import { type IothreadPinRequest, iothreadPin } from './iothread-pin.js';
import { type IothreadsRequest, iothreads } from './iothreads.js';
import { type IotuneRequest, iotune } from './iotune.js';
import { type LifecycleRequest, lifecycle } from './lifecycle.js';
import { type MemoryRequest, memory } from './memory.js';
import { type MemtuneRequest, memtune } from './memtune.js';
import { description, type MetadataRequest, metadata, title } from './metadata.js';
import { type NumatuneRequest, numatune } from './numatune.js';
import { type PerfRequest, perf } from './perf.js';
import { name } from './rename.js';
import type { Setting } from './setting.js';
import { type ThrottleGroupsRequest, throttleGroups } from './throttle-groups.js';
import { type VcpuPinRequest, vcpuPin } from './vcpu-pin.js';
import { type VcpuStateRequest, vcpuState } from './vcpu-state.js';
import { type VcpusRequest, vcpus } from './vcpus.js';

/** What `set` of a change request may hold. What is not named stays as it is. */
export interface SettingsRequest {
  /** Memory of the guest, within the maximum at once. */
  readonly memory?: MemoryRequest | undefined;
  /** How often the guest's balloon driver reports, in seconds; 0 for never. */
  readonly balloonStatsPeriod?: number | undefined;
  /** Virtual CPUs, within the maximum at once. */
  readonly vcpus?: VcpusRequest | undefined;
  /** Particular virtual CPUs online or offline. */
  readonly vcpuState?: VcpuStateRequest | undefined;
  /** Shares and bandwidth of the host's CPUs. Not in session mode. */
  readonly cputune?: CputuneRequest | undefined;
  /** CPUs of the host for each virtual CPU, such as `{ 0: '0-3' }`. */
  readonly vcpuPin?: VcpuPinRequest | undefined;
  /** CPUs of the host for QEMU's own threads, such as `'0-1'`. */
  readonly emulatorPin?: string | undefined;
  /** IOThreads, there or not, and their parameters. */
  readonly iothreads?: IothreadsRequest | undefined;
  /** CPUs of the host for each IOThread that is there. */
  readonly iothreadPin?: IothreadPinRequest | undefined;
  /** NUMA nodes of the host that the memory comes from. */
  readonly numatune?: NumatuneRequest | undefined;
  /** Limits of host memory. Not in session mode. */
  readonly memtune?: MemtuneRequest | undefined;
  /** Weight and limits of disk I/O on the host. Not in session mode. */
  readonly blkiotune?: BlkiotuneRequest | undefined;
  /** Limits of disks, by target, id or alias. */
  readonly iotune?: IotuneRequest | undefined;
  /** Named limits for disks to share. libvirt 11.2. */
  readonly throttleGroups?: ThrottleGroupsRequest | undefined;
  /** Rates of interfaces, by MAC, id or alias. */
  readonly bandwidth?: BandwidthRequest | undefined;
  /** Performance events that are counted. */
  readonly perf?: PerfRequest | undefined;
  /** What becomes of the domain when the guest powers off, reboots or crashes. */
  readonly lifecycle?: LifecycleRequest | undefined;
  /** One line for people; null removes it. */
  readonly title?: string | null | undefined;
  /** Free text; null removes it. */
  readonly description?: string | null | undefined;
  /** Elements of one's own in `<metadata>`, by namespace URI. */
  readonly metadata?: MetadataRequest | undefined;
  /** Start with the host. */
  readonly autostart?: boolean | undefined;
  /** Start with the host once. libvirt 11.2. */
  readonly autostartOnce?: boolean | undefined;
  /** Another name, for a domain that is shut off. */
  readonly name?: string | undefined;
}

/** Every setting, by the name it has in a request. The order is the order of their operations. */
export const SETTINGS: { readonly [K in keyof Required<SettingsRequest>]: Setting<NonNullable<SettingsRequest[K]>> } = {
  memory,
  balloonStatsPeriod,
  vcpus,
  vcpuState,
  cputune,
  vcpuPin,
  emulatorPin,
  iothreads,
  iothreadPin,
  numatune,
  memtune,
  blkiotune,
  iotune,
  throttleGroups,
  bandwidth,
  perf,
  lifecycle,
  title: title as Setting<string>,
  description: description as Setting<string>,
  metadata,
  autostart,
  autostartOnce,
  name,
};

export type { BandwidthRates, BandwidthRequest } from './bandwidth.js';
export type { BlkioDeviceLimits, BlkiotuneRequest } from './blkiotune.js';
export type { CputuneRequest } from './cputune.js';
export type { IothreadPinRequest } from './iothread-pin.js';
export { type IothreadParams, type IothreadsRequest, iothreadIds } from './iothreads.js';
export type { IotuneRequest } from './iotune.js';
export type { LifecycleRequest } from './lifecycle.js';
export { isMemoryOf, type MemoryRequest, memoryAmounts } from './memory.js';
export type { MemtuneRequest } from './memtune.js';
export { type MetadataRequest, metadataText, ownElementOperations } from './metadata.js';
export type { NumatuneRequest } from './numatune.js';
export type { PerfRequest } from './perf.js';
export type { ThrottleLimits } from './throttle.js';
export type { ThrottleGroupsRequest } from './throttle-groups.js';
export type { VcpuPinRequest } from './vcpu-pin.js';
export { type VcpuStateRequest, vcpuIsOnline } from './vcpu-state.js';
export { type VcpusRequest, vcpuAmounts } from './vcpus.js';
