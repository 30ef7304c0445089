import type { Assignment, Field, FieldTable } from '../devices/fields.js';
import type { PerfRequest } from '../settings/perf.js';
import { specInvalid } from '../values.js';
import { type BootSpec, boot } from './boot.js';
import { type ClockSpec, clock } from './clock.js';
import { type CpuSpec, cpu, saidCpu } from './cpu.js';
import { type CputuneSpec, cputune } from './cputune.js';
import { type EventsSpec, events } from './events.js';
import { type FeaturesSpec, features } from './features.js';
import { type FirmwareSpec, firmware } from './firmware.js';
import { genid } from './genid.js';
import { type DefaultIothreadSpec, defaultiothread, type IothreadsSpec, iothreads } from './iothreads.js';
import { type KeywrapSpec, keywrap } from './keywrap.js';
import { type LaunchSecuritySpec, launchSecurity } from './launch-security.js';
import { type MemoryBackingSpec, memoryBacking } from './memory-backing.js';
import { type NumatuneSpec, numatune } from './numatune.js';
import { perf } from './perf.js';
import { type PmSpec, pm } from './pm.js';
import { type QemuSpec, qemu } from './qemu.js';
import { type RedirfilterRule, redirfilter } from './redirfilter.js';
import { type ResourceSpec, resource } from './resource.js';
import { type SeclabelSpec, seclabel } from './seclabel.js';
import { type SysinfoSpec, sysinfo } from './sysinfo.js';
import { type VcpuPlacementSpec, vcpuPlacement } from './vcpu-placement.js';

/** The parts of a definition outside devices, memory and vCPUs, by their key in a spec. Most can never be changed. */
export interface DefinitionParts {
  /** Default `bios` on x86. */
  readonly firmware?: FirmwareSpec | undefined;
  readonly boot?: BootSpec | undefined;
  /**
   * A mode, the name of a model, or all of it. Default with KVM `host-model`, which is expanded at define and pinned as a
   * custom model, since libvirt would expand it again at each start.
   */
  readonly cpu?: string | CpuSpec | undefined;
  readonly vcpuPlacement?: VcpuPlacementSpec | undefined;
  readonly clock?: ClockSpec | undefined;
  readonly features?: FeaturesSpec | undefined;
  readonly memoryBacking?: MemoryBackingSpec | undefined;
  readonly numatune?: NumatuneSpec | undefined;
  readonly iothreads?: IothreadsSpec | undefined;
  readonly defaultiothread?: DefaultIothreadSpec | undefined;
  readonly cputune?: CputuneSpec | undefined;
  readonly resource?: ResourceSpec | undefined;
  readonly launchSecurity?: LaunchSecuritySpec | undefined;
  readonly sysinfo?: SysinfoSpec | undefined;
  readonly seclabel?: 'none' | SeclabelSpec | readonly SeclabelSpec[] | undefined;
  /** Generation UUID: one of your own, or `true` for a random one. */
  readonly genid?: true | string | undefined;
  readonly pm?: PmSpec | undefined;
  readonly perf?: PerfRequest | undefined;
  readonly keywrap?: KeywrapSpec | undefined;
  readonly events?: EventsSpec | undefined;
  readonly redirfilter?: readonly RedirfilterRule[] | undefined;
  /** What is passed to QEMU past libvirt. */
  readonly qemu?: QemuSpec | undefined;
  /** Always refused: user namespaces are for containers. */
  readonly idmap?: never | undefined;
}

/** Every part: adding one is adding its file, and its line here. */
export const DEFINITION_PARTS: FieldTable<DefinitionParts> = {
  firmware,
  boot,
  cpu,
  vcpuPlacement,
  clock,
  features,
  memoryBacking,
  numatune,
  iothreads,
  defaultiothread,
  cputune,
  resource,
  launchSecurity,
  sysinfo,
  seclabel,
  genid,
  pm,
  perf,
  keywrap,
  events,
  redirfilter,
  qemu,
  idmap: refusedPart('maps users into a container; QEMU guests have none'),
};

/**
 * What a caller says by the parts of a spec, without what `define` writes beside it, so that it can be compared with a domain.
 * The firmware is not in it: see {@link firmwareDifferences}.
 */
export function saidParts(spec: DefinitionParts): Assignment[] {
  return Object.entries(DEFINITION_PARTS as unknown as Record<string, Field<unknown>>).flatMap(([key, field]) => {
    const value = spec[key as keyof DefinitionParts];
    if (value === undefined || key === 'firmware') return [];
    return key === 'cpu' ? saidCpu(spec.cpu as string | CpuSpec, key) : field.encode(value, key);
  });
}

/** A part that is known, and never for this kind of domain. */
function refusedPart(reason: string): Field<never> {
  return {
    paths: [],
    schema: { not: {}, description: `Always refused: ${reason}` },
    encode: (_, where) => {
      throw specInvalid(where, reason, 'Leave it out');
    },
    decode: () => undefined,
  };
}

export type { BootSpec } from './boot.js';
export { type ClockSpec, TIMER_SETS, type TimerSpec } from './clock.js';
export { type CpuFeaturePolicy, type CpuHost, type CpuSpec, cpuSpec } from './cpu.js';
export type { CputuneSpec, SchedulerSpec } from './cputune.js';
export type { EventsSpec } from './events.js';
export type { FeaturesSpec } from './features.js';
export {
  type EfiSpec,
  type FirmwareDifference,
  type FirmwareSpec,
  firmwareDifferences,
  type LoaderSpec,
} from './firmware.js';
export { HYPERV_RECOMMENDED, HYPERV_WITHOUT_KVM, type HypervSpec } from './hyperv.js';
export type { DefaultIothreadSpec, IothreadsSpec } from './iothreads.js';
export type { KeywrapSpec } from './keywrap.js';
export type { LaunchSecuritySpec, SevSnpSpec, SevSpec, TdxSpec } from './launch-security.js';
export type { MemoryBackingSpec } from './memory-backing.js';
export { NOT_IN_SPEC, type NotInSpecRow } from './not-in-spec.js';
export type { NumaCellSpec, NumaInterconnectsSpec, NumaPathSpec } from './numa.js';
export type { NumatuneSpec } from './numatune.js';
export type { PmSpec } from './pm.js';
export type { QemuSpec } from './qemu.js';
export type { RedirfilterRule } from './redirfilter.js';
export type { ResourceSpec } from './resource.js';
export type { SeclabelSpec } from './seclabel.js';
export type { SysinfoSpec } from './sysinfo.js';
export type { VcpuPlacementSpec } from './vcpu-placement.js';
