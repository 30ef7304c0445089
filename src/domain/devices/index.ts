import { LibvirtCanonicalError } from '../../errors.js';
import { meant } from '../../nearest.js';
import { type AudioSpec, audio } from './audio.js';
import { type ChannelSpec, channel } from './channel.js';
import { type ConsoleSpec, console } from './console.js';
import { type ControllerSpec, controller } from './controller.js';
import { type CryptoSpec, crypto } from './crypto.js';
import { type DiskSpec, disk } from './disk.js';
import { type FilesystemSpec, filesystem } from './filesystem.js';
import { type GraphicsSpec, graphics } from './graphics.js';
import { type HostdevSpec, hostdev } from './hostdev.js';
import { type HubSpec, hub } from './hub.js';
import { type InputSpec, input } from './input.js';
import { type InterfaceSpec, networkInterface } from './interface.js';
import { type IommuSpec, iommu } from './iommu.js';
import type { DeviceKind } from './kind.js';
import { type LeaseSpec, lease } from './lease.js';
import { type MemballoonSpec, memballoon } from './memballoon.js';
import { type MemoryDeviceSpec, memoryDevice } from './memory.js';
import { type PanicSpec, panic } from './panic.js';
import { type ParallelSpec, parallel } from './parallel.js';
import { type PstoreSpec, pstore } from './pstore.js';
import { type RedirdevSpec, redirdev } from './redirdev.js';
import { type RngSpec, rng } from './rng.js';
import { type SerialSpec, serial } from './serial.js';
import { type ShmemSpec, shmem } from './shmem.js';
import { type SmartcardSpec, smartcard } from './smartcard.js';
import { type SoundSpec, sound } from './sound.js';
import { type TpmSpec, tpm } from './tpm.js';
import { type VideoSpec, video } from './video.js';
import { type VsockSpec, vsock } from './vsock.js';
import { type WatchdogSpec, watchdog } from './watchdog.js';
import { xmlOnly } from './xml-only.js';

/** The kinds of device and the spec type of each, by element name. */
export interface DeviceSpecs {
  audio: AudioSpec;
  channel: ChannelSpec;
  console: ConsoleSpec;
  controller: ControllerSpec;
  crypto: CryptoSpec;
  disk: DiskSpec;
  filesystem: FilesystemSpec;
  graphics: GraphicsSpec;
  hostdev: HostdevSpec;
  hub: HubSpec;
  input: InputSpec;
  interface: InterfaceSpec;
  iommu: IommuSpec;
  lease: LeaseSpec;
  memballoon: MemballoonSpec;
  memory: MemoryDeviceSpec;
  panic: PanicSpec;
  parallel: ParallelSpec;
  pstore: PstoreSpec;
  redirdev: RedirdevSpec;
  rng: RngSpec;
  serial: SerialSpec;
  shmem: ShmemSpec;
  smartcard: SmartcardSpec;
  sound: SoundSpec;
  tpm: TpmSpec;
  video: VideoSpec;
  vsock: VsockSpec;
  watchdog: WatchdogSpec;
}

/** The element names of devices, as they stand below `<devices>`. */
export type KindName = keyof DeviceSpecs;

/** Elements below `<devices>` that are no device and so cannot be attached or detached. */
export const NOT_A_DEVICE = ['emulator', 'redirfilter'] as const;

/** Every kind of device: adding one is adding its file, and its line here. */
const KINDS: { readonly [K in KindName]: DeviceKind<DeviceSpecs[K]> } = {
  audio,
  channel,
  console,
  controller,
  crypto,
  disk,
  filesystem,
  graphics,
  hostdev,
  hub,
  input,
  interface: networkInterface,
  iommu,
  lease,
  memballoon,
  memory: memoryDevice,
  panic,
  parallel,
  pstore,
  redirdev,
  rng,
  serial,
  shmem,
  smartcard,
  sound,
  tpm,
  video,
  vsock,
  watchdog,
};

/** Kinds are kept by a type that any spec fits; requests are checked against the kind's own fields when they are read. */
const BY_ELEMENT: ReadonlyMap<string, DeviceKind> = new Map(
  Object.entries(KINDS).map(([element, kind]) => [element, kind as unknown as DeviceKind]),
);

/** Every kind of device that the library knows. */
export function deviceKinds(): readonly DeviceKind[] {
  return [...BY_ELEMENT.values()];
}

/** The kind with this element name; `DEVICE_KIND_UNKNOWN`, naming those there are, when there is none. */
export function kindOf(element: string, path?: string): DeviceKind {
  const kind = BY_ELEMENT.get(element);
  if (kind) return kind;
  throw new LibvirtCanonicalError('DEVICE_KIND_UNKNOWN', `there is no kind of device called "${element}"`, {
    ...(path === undefined ? {} : { path }),
    remedy: `${meant(element, BY_ELEMENT.keys())}Known: ${[...BY_ELEMENT.keys()].join(', ')}`,
  });
}

/** True for an element that the library knows as a device. */
export function isKnownKind({ element }: DeviceKind): boolean {
  return BY_ELEMENT.has(element);
}

/** The kind with this element name, or one that keeps an unknown element as it stands. */
export function kindOrUnknown(element: string): DeviceKind {
  return BY_ELEMENT.get(element) ?? (xmlOnly(element) as unknown as DeviceKind);
}

export type { AudioSpec } from './audio.js';
export type { ChannelSpec } from './channel.js';
export type { ConsoleSpec } from './console.js';
export type { ControllerSpec } from './controller.js';
export type { CryptoSpec } from './crypto.js';
export type { DiskSpec } from './disk.js';
export type { DiskSourceSpec } from './disk-source.js';
export {
  type Assignment,
  decodeSpec,
  encodeSpec,
  type Field,
  type FieldTable,
  userAliasOf,
  type VirtioDriverSpec,
} from './fields.js';
export type { FilesystemSpec } from './filesystem.js';
export type { GraphicsSpec } from './graphics.js';
export type { HostdevSpec } from './hostdev.js';
export type { HubSpec } from './hub.js';
export type { InputSpec } from './input.js';
export type { InterfaceSpec } from './interface.js';
export type { IommuSpec } from './iommu.js';
export {
  applies,
  type BootableSpec,
  type BusRequirement,
  type DeviceKind,
  type DeviceSpecBase,
  type LimitRow,
  type NormalizationRule,
  type SupportRow,
  type UpdateRow,
  type Where,
} from './kind.js';
export type { LeaseSpec } from './lease.js';
export { isLiveOnly, isRaisedAtStart } from './live-only.js';
export type { MemballoonSpec } from './memballoon.js';
export type { MemoryDeviceSpec } from './memory.js';
export type { PanicSpec } from './panic.js';
export type { ParallelSpec } from './parallel.js';
export type { PstoreSpec } from './pstore.js';
export type { RedirdevSpec } from './redirdev.js';
export type { RngSpec } from './rng.js';
export { DEVICE_NORMAL } from './rows.js';
export { isSecret, type SecretOwner, secretPaths } from './secret.js';
export type { SerialSpec } from './serial.js';
export type { ShmemSpec } from './shmem.js';
export type { SmartcardSpec } from './smartcard.js';
export type { SoundSpec } from './sound.js';
export type { TpmSpec } from './tpm.js';
export type { VideoSpec } from './video.js';
export type { VsockSpec } from './vsock.js';
export type { WatchdogSpec } from './watchdog.js';
