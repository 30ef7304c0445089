import { nearest } from '../nearest.js';
import { cpuSpec, HYPERV_RECOMMENDED, HYPERV_WITHOUT_KVM, TIMER_SETS } from './definition/index.js';
import type { DeviceSpecs } from './devices/index.js';
import { OS_NAMES, type OsName } from './os-names.js';
import type { DomainSpec } from './spec.js';

import { formatValue, specInvalid } from './values.js';

/** Something that was put into a definition beyond what the caller said. */
export interface Addition {
  /** Place in the spec (`clock.timers`), or in the document (`os/nvram`). */
  readonly path: string;
  /** What was put there, as text for people. */
  readonly value: string;
  /** Who put it there. `libvirt` is what libvirt adds by itself at define. */
  readonly by: 'preset' | 'library' | 'libvirt';
  readonly why: string;
}

/** One line of the table of presets. */
export interface PresetRow {
  /** Which presets have it. */
  readonly os: readonly OsName[];
  /** Only with, or only without, hardware virtualisation. */
  readonly only?: 'kvm' | 'qemu';
  /**
   * Where in the spec: a field or a field of a part, `disks[]` and `interfaces[]` for one of each device that leaves it out,
   * or `devices` for a device of a kind that the spec has none of.
   */
  readonly path: string;
  /** The value, or how it follows from the spec. */
  readonly value: unknown | ((spec: DomainSpec) => unknown);
  readonly why: string;
}

const WINDOWS = ['windows-11', 'windows-server'] as const;
const MODERN = [...WINDOWS, 'linux'] as const;
const ALL = OS_NAMES;
/** The port that QEMU's guest agent listens on. */
const AGENT_PORT = 'org.qemu.guest_agent.0';

/** A device that a preset adds, by kind and spec. */
const device = (spec: { readonly [K in keyof DeviceSpecs]?: DeviceSpecs[K] }) => spec;

/** What each preset gives, with who recommends it. Every row is overridden by the field it is about. */
export const PRESETS: readonly PresetRow[] = [
  {
    os: WINDOWS,
    path: 'firmware',
    value: { efi: { secureBoot: true, enrolledKeys: true } },
    why: 'Windows 11 does not install without UEFI; KubeVirt gives secure boot to 11, Server 2022 and 2025',
  },
  { os: WINDOWS, path: 'clock.offset', value: 'localtime', why: 'Windows reads the clock as local time' },
  {
    os: WINDOWS,
    path: 'clock.timers',
    value: TIMER_SETS.windows,
    why: 'virt-install, oVirt, Nova and KubeVirt agree on it',
  },
  { os: ['linux'], path: 'clock.offset', value: 'utc', why: 'Linux reads the clock as UTC' },
  { os: ['linux'], path: 'clock.timers', value: TIMER_SETS.linux, why: 'virt-install, oVirt and Nova agree on it' },
  {
    os: WINDOWS,
    only: 'kvm',
    path: 'features.hyperv',
    value: HYPERV_RECOMMENDED,
    why: 'without stimer an idle Windows keeps a CPU of the host busy; KubeVirt and QEMU recommend the set',
  },
  {
    os: WINDOWS,
    only: 'qemu',
    path: 'features.hyperv',
    value: HYPERV_WITHOUT_KVM,
    why: 'QEMU 7.2 does not start the rest of the set without KVM',
  },
  { os: MODERN, path: 'features.vmport', value: false, why: 'it is the port of another hypervisor; virt-install' },
  {
    os: ALL,
    path: 'pm',
    value: { suspendToMem: false, suspendToDisk: false },
    why: 'some guests suspend on the power button and hang; virt-install and oVirt',
  },
  { os: ['windows-server'], path: 'genid', value: true, why: 'domain controllers know a clone by it' },
  {
    os: ['windows-11'],
    path: 'vcpus',
    value: 2,
    why: 'Windows 11 asks for two',
  },
  {
    os: ['windows-11'],
    path: 'cpu.topology',
    value: ({ vcpus = 2 }: DomainSpec) => {
      const cores = typeof vcpus === 'number' ? vcpus : vcpus.maximum;
      return { sockets: 1, cores, threads: 1 };
    },
    why: 'a Windows for clients uses two sockets at most, so the vCPUs are cores of one',
  },
  {
    os: WINDOWS,
    path: 'devices',
    value: device({ tpm: { model: 'tpm-crb', emulator: { version: '2.0', persistentState: true } } }),
    why: 'Windows 11 and BitLocker need TPM 2.0, whose state must outlive undefine by mistake; a TPM cannot be added later',
  },
  {
    os: WINDOWS,
    path: 'disks[].bus',
    value: 'sata',
    why: 'the setup of Windows has no virtio driver; give a target such as vda for virtio',
  },
  { os: WINDOWS, path: 'interfaces[].model', value: 'e1000e', why: 'Windows has its driver; give virtio with drivers' },
  { os: ['generic'], path: 'disks[].bus', value: 'sata', why: 'every operating system has a driver' },
  { os: ['generic'], path: 'interfaces[].model', value: 'e1000e', why: 'every operating system has a driver' },
  {
    os: WINDOWS,
    path: 'devices',
    value: device({ video: { model: 'bochs' } }),
    why: 'libvirt would choose cirrus beside graphics; virt-install gives bochs to UEFI guests',
  },
  {
    os: ['linux'],
    path: 'devices',
    value: device({ video: { model: 'virtio' } }),
    why: 'libvirt would choose cirrus beside graphics; virt-install',
  },
  {
    os: ['generic'],
    path: 'devices',
    value: device({ video: { model: 'vga' } }),
    why: 'libvirt would choose cirrus beside graphics',
  },
  {
    os: ALL,
    path: 'devices',
    value: device({ input: { type: 'tablet', bus: 'usb' } }),
    why: 'the pointer is where the mouse is; virt-install',
  },
  {
    os: ['linux'],
    path: 'devices',
    value: device({ rng: { model: 'virtio', random: '/dev/urandom' } }),
    why: 'a guest at its first boot has no entropy; virt-install',
  },
  {
    os: MODERN,
    path: 'devices',
    value: device({ channel: { unix: {}, name: AGENT_PORT } }),
    why: 'the guest agent needs it, and libvirt 9.0 cannot hot-plug its controller',
  },
];

/** A spec with its preset applied, and each thing that was. Nothing is added without `os`, and nothing is replaced. */
export function applyPreset(spec: DomainSpec): { readonly spec: DomainSpec; readonly added: readonly Addition[] } {
  const { os } = spec;
  if (os === undefined) return { spec, added: [] };
  if (!OS_NAMES.includes(os as OsName)) throw unknownOs(os);
  const complete: Record<string, unknown> = { ...spec };
  const added: Addition[] = [];
  for (const row of PRESETS) {
    if (!row.os.includes(os as OsName) || (row.only !== undefined && row.only !== (spec.type ?? 'kvm'))) continue;
    const value = typeof row.value === 'function' ? row.value(complete as unknown as DomainSpec) : row.value;
    for (const path of putAt(complete, row.path, value))
      added.push({ path, value: JSON.stringify(value), by: 'preset', why: `${os}: ${row.why}` });
  }
  return { spec: complete as unknown as DomainSpec, added };
}

function unknownOs(os: unknown): Error {
  const near = typeof os === 'string' ? nearest(os, OS_NAMES) : undefined;
  return specInvalid(
    'os',
    `${formatValue(os)} is not a preset`,
    `${near === undefined ? '' : `Did you mean ${near}? `}Give one of ${OS_NAMES.join(', ')}, or to define and planDefine an identifier of osinfo-db`,
  );
}

/** Puts a value where the spec has none, and returns the places it went to. */
function putAt(spec: Record<string, unknown>, path: string, value: unknown): string[] {
  if (path === 'devices') return putDevice(spec, value as Record<string, unknown>);
  const [key = '', field] = path.split('.');
  if (key.endsWith('[]')) return putInto(spec, key.slice(0, -2), field as string, value);
  if (field === undefined) {
    if (spec[key] !== undefined) return [];
    spec[key] = value;
    return [path];
  }
  const given = spec[key] ?? {};
  const part = key === 'cpu' && typeof given === 'string' ? cpuSpec(given, key) : given;
  // A word for a whole part is the caller's choice for all of it.
  if (typeof part !== 'object' || (part as Record<string, unknown>)[field] !== undefined) return [];
  spec[key] = { ...part, [field]: value };
  return [path];
}

/** Puts a field into every device of a list that leaves it out. The target of a disk names its bus, unless it is `sd…`. */
function putInto(spec: Record<string, unknown>, list: string, field: string, value: unknown): string[] {
  const all = spec[list];
  if (!Array.isArray(all)) return [];
  const places: string[] = [];
  spec[list] = all.map((each: Record<string, unknown>, index) => {
    const other = field === 'bus' && !/^sd/.test(String(each?.target));
    if (typeof each !== 'object' || each === null || each[field] !== undefined || other) return each;
    places.push(`${list}[${index}].${field}`);
    return { ...each, [field]: value };
  });
  return places;
}

/** Adds a device of a kind that the spec has none of: a channel by its name, a video card only beside graphics. */
function putDevice(spec: Record<string, unknown>, added: Record<string, unknown>): string[] {
  const [kind = ''] = Object.keys(added);
  const devices: readonly unknown[] = Array.isArray(spec.devices) ? spec.devices : [];
  const has = (name: string) =>
    devices.some((each) => {
      const text = typeof each === 'string' ? each : JSON.stringify(each);
      return new RegExp(`^\\s*(<|\\{")${name}\\b`).test(text) && (name !== 'channel' || text.includes(AGENT_PORT));
    });
  if (has(kind) || (kind === 'video' && !has('graphics'))) return [];
  spec.devices = [...devices, added];
  return [`devices[${devices.length}].${kind}`];
}
