import { LibvirtCanonicalError } from '../errors.js';
import { assertXmlText, buildElement, leaves, parseElement, serialize, setAt } from '../xml/index.js';
import { type Assignment, type DeviceSpecs, deviceKinds, encodeSpec, kindOf } from './devices/index.js';
import { DomainDocument, readDevice } from './document.js';
import type { StorageRequest } from './own-metadata/storage-record.js';
import { vcpuCount } from './settings/vcpus.js';
import { describe, invalid, memoryKibOf, type Size, uuidOf } from './values.js';

/** A device in a request: its kind and spec, `{ disk: { … } }`, or its XML. */
export type DeviceRequest =
  | { [K in keyof DeviceSpecs]: { readonly [P in K]: DeviceSpecs[K] } }[keyof DeviceSpecs]
  | string;

/** A domain as a caller describes it. What is left out is libvirt's to choose, once. */
export interface DomainSpec {
  /** Unique on the host. */
  readonly name: string;
  /** Without one a random one is made: the define call always carries it. */
  readonly uuid?: string;
  readonly title?: string;
  readonly description?: string;
  /**
   * Memory at boot, or that and the maximum the balloon may grow to. One amount is both: a guest starts with all of the
   * maximum and gives the rest back once its balloon driver runs, so headroom costs the host memory at each boot.
   */
  readonly memory: Size | { readonly current: Size; readonly maximum: Size };
  /**
   * vCPUs at boot, or those and the maximum for hot-plug. Default 1. One number is what the guest boots with, and on q35 the
   * maximum is four times that (255 at most): vCPUs that are not plugged cost next to nothing.
   */
  readonly vcpus?: number | { readonly current: number; readonly maximum: number };
  /** Virtualisation. Default `kvm`; `qemu` is emulation (TCG). */
  readonly type?: 'kvm' | 'qemu';
  readonly arch?: string;
  /** Machine type. Default `q35`; libvirt pins it to the version it has, such as `pc-q35-7.2`. */
  readonly machine?: string;
  /**
   * CPU: `host-model` (default with KVM) is expanded at define and pinned as a custom model, since libvirt would resolve
   * it again at each start; `{ mode: 'host-model', pin: 'never' }` leaves it to libvirt by name. A string other than the
   * modes is a CPU model's name.
   */
  readonly cpu?: string | { readonly mode: 'host-model' | 'host-passthrough' | 'maximum'; readonly pin?: 'never' };
  /** Room for hot-plug, which cannot be had later. */
  readonly hotplug?: {
    /** Free PCIe ports beyond those that the devices given here take. Default 8. Who gives PCI controllers lays out all of them. */
    readonly pciePorts?: number;
    /**
     * Memory devices (dimm, virtio-mem): how much memory there may be with them, and how many. Default: none, since it gives
     * the domain a NUMA cell, after which no call changes `memory.maximum`. Default of `slots`: 8.
     */
    readonly memory?: { readonly upTo: Size; readonly slots?: number };
  };
  /** Boot a kernel directly. */
  readonly kernel?: { readonly path: string; readonly initrd?: string; readonly cmdline?: string };
  readonly disks?: ReadonlyArray<DeviceSpecs['disk']>;
  readonly interfaces?: ReadonlyArray<DeviceSpecs['interface']>;
  /** How the volumes of disks are connected: records of your own by id or target. See {@link StorageRecord}. */
  readonly storage?: StorageRequest;
  /** Devices of any kind: `{ rng: { … } }`, or XML. */
  readonly devices?: readonly DeviceRequest[];
}

const KNOWN = [
  'name',
  'uuid',
  'title',
  'description',
  'memory',
  'vcpus',
  'type',
  'arch',
  'machine',
  'cpu',
  'hotplug',
  'kernel',
  'storage',
  'devices',
];
/** Ports that q35 needs for devices libvirt adds by itself: the USB controller and the memory balloon. */
const IMPLICIT_EXPRESS = 2;
const DEFAULT_FREE_PORTS = 8;
const DEFAULT_MEMORY_SLOTS = 8;
/** A guest of more vCPUs needs an IOMMU that can interrupt them. */
const MOST_PLAIN_VCPUS = 255;

/** The XML of a device request, with its kind checked; `path` is its place in the request. */
export function deviceXml(request: DeviceRequest, path: string): string {
  return requestedDevice(request, path).xml;
}

function requestedDevice(request: DeviceRequest, path: string): RequestedDevice {
  if (typeof request === 'string') {
    const element = parseElement(request);
    for (const [leaf, value] of kindOf(element.nodeName, path).derive?.(leaves(element)) ?? [])
      setAt(element, leaf, value);
    return { xml: serialize(element), path, unsaid: new Set() };
  }
  const entries = Object.entries(request ?? {});
  const [element, spec] = entries[0] ?? [];
  if (entries.length !== 1 || element === undefined) {
    throw invalid(
      path,
      'a device is XML or an object with one key, its kind',
      "For example { disk: { target: 'vdb', file: '/img/data.qcow2' } }",
    );
  }
  return buildDevice(element, spec as object, `${path}.${element}`, path);
}

/** A device that a spec asks for. */
export interface RequestedDevice {
  readonly xml: string;
  /** Its place in the spec. */
  readonly path: string;
  /** Paths of the element that the caller did not write: a device to be made gets them, one that is there keeps its own. */
  readonly unsaid: ReadonlySet<string>;
}

/** Builds a device of one kind from its spec, checking every field. */
function buildDevice(element: string, spec: object, where: string, path = where): RequestedDevice {
  const kind = kindOf(element, where);
  const given = encodeSpec(kind.fields, spec as Record<string, unknown>, where);
  for (const field of kind.required ?? []) {
    if ((spec as Record<string, unknown>)[field] === undefined)
      throw invalid(`${where}.${field}`, 'is missing', `Every ${element} needs it`);
  }
  for (const group of kind.exclusive ?? []) {
    const named = group.filter((field) => (spec as Record<string, unknown>)[field] !== undefined);
    if (named.length > 1)
      throw invalid(where, `${named.join(' and ')} exclude each other`, `Give one of ${group.join(', ')}`);
  }
  const paths = new Set(given.map(([path]) => path));
  const all: Assignment[] = [...(kind.defaults ?? []).filter(([path]) => !paths.has(path)), ...given];
  const complete = new Map([...all, ...(kind.derive?.(new Map(all)) ?? [])]);
  kind.check?.(complete, where);
  const unsaid = new Set([...complete.keys()].filter((leaf) => !paths.has(leaf)));
  return { xml: buildElement(element, complete), path, unsaid };
}

/** The domain XML of a spec. `uuid` is the one to define with when the spec has none. Errors as for its fields. */
export function domainXml(spec: DomainSpec, uuid: string): string {
  const leaves = checkedHead(spec, uuid);
  const devices = requestedDevices(spec).map(({ xml }) => xml);
  const head = buildElement('domain', leaves);
  // A function: in a text `$&` and the like, which a path may hold, would stand for parts of the head.
  return head.replace(
    /<\/domain>$/,
    () => `<devices>${[...devices, ...controllers(spec, devices)].join('')}</devices></domain>`,
  );
}

/** What a spec says outside its devices, every field checked; `SPEC_INVALID` and `SPEC_UNKNOWN_FIELD` name its path. */
export function checkedHead(spec: DomainSpec, uuid: string): Assignment[] {
  const plurals = deviceKinds().flatMap(({ plural }) => (plural === undefined ? [] : [plural]));
  refuseUnknown(spec, [...KNOWN, ...plurals], '');
  freePorts(spec);
  return headLeaves(spec, uuid);
}

/** The devices that a spec asks for as XML, each with its place in the spec. */
export function requestedDevices(spec: DomainSpec): RequestedDevice[] {
  const listed = deviceKinds().flatMap(({ element, plural }) => {
    if (plural === undefined) return [];
    return listOf((spec as unknown as Record<string, unknown>)[plural], plural).map((each, index) => {
      return buildDevice(element, each as object, `${plural}[${index}]`);
    });
  });
  const others = listOf(spec.devices, 'devices').map((request, index) =>
    requestedDevice(request as DeviceRequest, `devices[${index}]`),
  );
  return [...listed, ...others];
}

function headLeaves(spec: DomainSpec, uuid: string): Assignment[] {
  if (typeof spec.name !== 'string' || spec.name === '' || /[/\n]/.test(spec.name)) {
    throw invalid(
      'name',
      `${describe(spec.name)} is not a domain name`,
      'Give a non-empty string without a slash or line break',
    );
  }
  for (const key of ['name', 'title', 'description', 'machine', 'arch'] as const) {
    const value = spec[key];
    if (value !== undefined && typeof value !== 'string') throw invalid(key, `${describe(value)} is not a text`);
    if (value !== undefined) assertXmlText(value, key, key === 'machine' || key === 'arch' ? 'attribute' : 'element');
  }
  const type = spec.type ?? 'kvm';
  if (type !== 'kvm' && type !== 'qemu') throw invalid('type', `${describe(type)} is not one of kvm, qemu`);
  const memory = currentAndMaximum(spec.memory, 'memory');
  const current = memoryKibOf(memory.current, memory.path);
  const maximum = memoryKibOf(memory.maximum, memory.path);
  if (current > maximum) throw invalid('memory.current', 'is more than the maximum', 'Lower it or raise maximum');
  const asked = currentAndMaximum(spec.vcpus === undefined ? 1 : spec.vcpus, 'vcpus');
  vcpuCount(asked.current, asked.path);
  vcpuCount(asked.maximum, asked.path);
  const generous = typeof spec.vcpus !== 'object' && isQ35(spec);
  const roomFor = Math.max(asked.current, Math.min(4 * asked.current, MOST_PLAIN_VCPUS));
  const vcpus = generous ? { ...asked, maximum: roomFor } : asked;
  if (vcpus.current > vcpus.maximum)
    throw invalid('vcpus.current', 'is more than the maximum', 'Lower it or raise maximum');
  const { kernel } = spec;
  if (kernel !== undefined) refuseUnknown(kernel, ['path', 'initrd', 'cmdline'], 'kernel');
  for (const key of ['path', 'initrd', 'cmdline'] as const) {
    const value = kernel?.[key];
    if (kernel === undefined || (value === undefined && key !== 'path')) continue;
    if (typeof value !== 'string' || value === '') throw invalid(`kernel.${key}`, `${describe(value)} is not a text`);
    assertXmlText(value, `kernel.${key}`);
  }
  return [
    ['@type', type],
    ['name', spec.name],
    ['uuid', spec.uuid === undefined ? uuid : uuidOf(spec.uuid, 'uuid')],
    ...given('title', spec.title),
    ...given('description', spec.description),
    ...memorySlots(spec, maximum),
    ['memory/@unit', 'KiB'],
    ['memory', String(maximum)],
    ['currentMemory/@unit', 'KiB'],
    ['currentMemory', String(current)],
    ['vcpu/@placement', 'static'],
    ['vcpu/@current', String(vcpus.current)],
    ['vcpu', String(vcpus.maximum)],
    ['os/type/@arch', spec.arch ?? 'x86_64'],
    ['os/type/@machine', spec.machine ?? 'q35'],
    ['os/type', 'hvm'],
    ...given('os/kernel', kernel?.path),
    ...given('os/initrd', kernel?.initrd),
    ...given('os/cmdline', kernel?.cmdline),
    ['features/acpi', ''],
    ['features/apic', ''],
    ...cpuLeaves(spec),
    ...(spec.hotplug?.memory === undefined ? [] : numaCell(vcpus.maximum, maximum)),
  ];
}

/** Slots for memory devices. */
function memorySlots({ hotplug }: DomainSpec, memory: number): Assignment[] {
  const wanted = hotplug?.memory;
  if (wanted === undefined) return [];
  refuseUnknown(wanted, ['upTo', 'slots'], 'hotplug.memory');
  const most = memoryKibOf(wanted.upTo, 'hotplug.memory.upTo');
  const slots = wanted.slots ?? DEFAULT_MEMORY_SLOTS;
  if (most <= memory)
    throw invalid('hotplug.memory.upTo', 'is no more than memory', 'Give the memory that all devices make together');
  if (!Number.isSafeInteger(slots) || slots < 1 || slots > 256)
    throw invalid('hotplug.memory.slots', `${describe(slots)} is not a number of slots`, 'Give 1 to 256');
  return [
    ['maxMemory/@slots', String(slots)],
    ['maxMemory/@unit', 'KiB'],
    ['maxMemory', String(most)],
  ];
}

/** The one NUMA cell that memory devices belong to (qemuDomainDefValidateMemoryHotplug). */
function numaCell(vcpus: number, memory: number): Assignment[] {
  return [
    ['cpu/numa/cell/@id', '0'],
    ['cpu/numa/cell/@cpus', vcpus === 1 ? '0' : `0-${vcpus - 1}`],
    ['cpu/numa/cell/@memory', String(memory)],
    ['cpu/numa/cell/@unit', 'KiB'],
  ];
}

function cpuLeaves({ cpu, type }: DomainSpec): Assignment[] {
  const asked = cpu ?? (type === 'qemu' ? undefined : 'host-model');
  if (asked === undefined) return [];
  if (typeof asked !== 'string') refuseUnknown(asked, ['mode', 'pin'], 'cpu');
  const mode = typeof asked === 'string' ? asked : asked.mode;
  if (['host-model', 'host-passthrough', 'maximum'].includes(mode)) return [['cpu/@mode', mode]];
  if (typeof asked !== 'string' || !/^[\w.-]+$/.test(asked))
    throw invalid('cpu', `${describe(mode)} is not a CPU`, "Give 'host-model' or a model's name");
  return [
    ['cpu/@mode', 'custom'],
    ['cpu/@match', 'exact'],
    ['cpu/model/@fallback', 'forbid'],
    ['cpu/model', asked],
  ];
}

/** The PCIe ports for the devices and for hot-plug, and the virtio-scsi controllers that scsi disks need. */
function controllers(spec: DomainSpec, devices: readonly string[]): string[] {
  const read = devices.map((xml) => readDevice(parseElement(xml)));
  const has = (type: string) =>
    read.some(({ kind, leaves }) => kind.element === 'controller' && leaves.get('@type') === type);
  const demands = read.map((device) => device.kind.bus(device.leaves));
  const needsScsi = demands.some((demand) => demand?.type === 'drive' && demand.controller === 'scsi') && !has('scsi');
  const scsi = needsScsi ? ["<controller type='scsi' index='0' model='virtio-scsi'/>"] : [];
  const free = freePorts(spec);
  if (!isQ35(spec) || has('pci')) return scsi;
  const taken =
    demands.filter((demand) => demand?.type === 'pci' && demand.slot === 'express').length +
    scsi.length +
    Number(demands.some((demand) => demand?.type === 'virtio-serial') && !has('virtio-serial')) +
    IMPLICIT_EXPRESS;
  const ports = Array.from({ length: taken + free }, () => "<controller type='pci' model='pcie-root-port'/>");
  return ["<controller type='pci' index='0' model='pcie-root'/>", ...ports, ...scsi];
}

function isQ35({ machine = 'q35' }: DomainSpec): boolean {
  return machine.includes('q35');
}

function freePorts({ hotplug }: DomainSpec): number {
  if (hotplug !== undefined) refuseUnknown(hotplug, ['pciePorts', 'memory'], 'hotplug');
  const free = hotplug?.pciePorts ?? DEFAULT_FREE_PORTS;
  if (!Number.isSafeInteger(free) || free < 0 || free > 200)
    throw invalid('hotplug.pciePorts', `${describe(free)} is not a number of ports`, 'Give 0 to 200');
  return free;
}

/** An amount given by itself, or as current and maximum; `path` is where one of them is to be looked for. */
function currentAndMaximum<T>(value: T | { current: T; maximum: T }, path: string) {
  if (typeof value !== 'object' || value === null) return { current: value as T, maximum: value as T, path };
  refuseUnknown(value, ['current', 'maximum'], path);
  return { ...(value as { current: T; maximum: T }), path };
}

function listOf(value: unknown, path: string): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid(path, `${describe(value)} is not a list`);
  return value;
}

function refuseUnknown(value: object, known: readonly string[], where: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(where || 'the definition', `${describe(value)} is not an object of fields`);
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const path = where ? `${where}.${key}` : key;
    throw new LibvirtCanonicalError('SPEC_UNKNOWN_FIELD', `${path}: there is no such field`, {
      path,
      remedy: `Known here: ${known.join(', ')}`,
    });
  }
}

function given(path: string, value: string | undefined): Assignment[] {
  return value === undefined ? [] : [[path, value]];
}

/** The document that a definition would be, as given: a string of XML or a spec. */
export function definitionOf(definition: string | DomainSpec, uuid: string): DomainDocument {
  return new DomainDocument(typeof definition === 'string' ? definition : domainXml(definition, uuid));
}
