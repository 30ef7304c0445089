import { assertXmlText } from '../xml/index.js';
import { type CpuSpec, cpuSpec, DEFINITION_PARTS, type DefinitionParts } from './definition/index.js';
import type { Assignment, Field } from './devices/index.js';
import { machineOf } from './places/machines.js';
import { numbersOf } from './settings/cpuset.js';
import { vcpuCount } from './settings/vcpus.js';
import type { DomainSpec } from './spec.js';
import { isQ35 } from './spec-ports.js';
import { assertKnownFields } from './unknown-field.js';
import { formatBytes, formatValue, memoryKibOf, notOneOf, specInvalid, uuidOf } from './values.js';

const DEFAULT_MEMORY_SLOTS = 8;
/** A guest of more vCPUs needs an IOMMU that can interrupt them. */
const MOST_PLAIN_VCPUS = 255;
const KERNEL = ['path', 'initrd', 'cmdline', 'dtb', 'shim'] as const;

/** The leaves of `<domain>` outside its devices; `uuid` is written when the spec has none. */
export function headLeaves(spec: DomainSpec, uuid: string | undefined): Assignment[] {
  checkTexts(spec);
  const type = spec.type ?? 'kvm';
  if (type !== 'kvm' && type !== 'qemu') throw notOneOf('type', type, ['kvm', 'qemu']);
  const memory = memoryOf(spec);
  const vcpus = vcpusOf(spec);
  checkCells(spec, memory.maximum, vcpus.maximum);
  return [
    ['@type', type],
    ['name', spec.name],
    ...given('uuid', spec.uuid === undefined ? uuid : uuidOf(spec.uuid, 'uuid')),
    ...given('title', spec.title),
    ...given('description', spec.description),
    ...memorySlots(spec, memory.maximum),
    ['memory/@unit', 'KiB'],
    ['memory', String(memory.maximum)],
    ['currentMemory/@unit', 'KiB'],
    ['currentMemory', String(memory.current)],
    ['vcpu/@placement', spec.vcpuPlacement?.placement ?? 'static'],
    ['vcpu/@current', String(vcpus.current)],
    ['vcpu', String(vcpus.maximum)],
    ['os/type/@arch', spec.arch ?? 'x86_64'],
    ['os/type/@machine', spec.machine ?? 'q35'],
    ['os/type', 'hvm'],
    ...kernelLeaves(spec),
    ...partLeaves(spec),
    ...(spec.hotplug?.memory === undefined || numaOf(spec) ? [] : numaCell(vcpus.maximum, memory.maximum)),
    ...given('devices/emulator', spec.emulator),
  ];
}

/** Refuses a name that is none, and texts that a document cannot hold. */
function checkTexts(spec: DomainSpec): void {
  if (typeof spec.name !== 'string' || spec.name === '' || /[/\n]/.test(spec.name)) {
    throw specInvalid(
      'name',
      `${formatValue(spec.name)} is not a domain name`,
      'Give a non-empty string without a slash or line break',
    );
  }
  for (const key of ['name', 'title', 'description', 'machine', 'arch', 'emulator'] as const) {
    const value = spec[key];
    if (value === undefined) continue;
    if (typeof value !== 'string') throw specInvalid(key, `${formatValue(value)} is not a text`);
    assertXmlText(value, key, key === 'machine' || key === 'arch' ? 'attribute' : 'element');
  }
}

/** Memory in KiB, at boot and at most. */
function memoryOf(spec: DomainSpec): { current: number; maximum: number } {
  const asked = currentAndMaximum(spec.memory, 'memory');
  const [current, maximum] = [memoryKibOf(asked.current, asked.path), memoryKibOf(asked.maximum, asked.path)];
  if (current > maximum) throw specInvalid('memory.current', 'is more than the maximum', 'Lower it or raise maximum');
  return { current, maximum };
}

/** vCPUs at boot and at most. */
function vcpusOf(spec: DomainSpec): { current: number; maximum: number } {
  const asked = currentAndMaximum(spec.vcpus === undefined ? 1 : spec.vcpus, 'vcpus');
  vcpuCount(asked.current, asked.path);
  vcpuCount(asked.maximum, asked.path);
  const maximum = vcpuMaximum(spec, asked);
  if (asked.current > maximum)
    throw specInvalid('vcpus.current', 'is more than the maximum', 'Lower it or raise maximum');
  return { current: asked.current, maximum };
}

/** A kernel that is booted directly. */
function kernelLeaves({ kernel }: DomainSpec): Assignment[] {
  if (kernel === undefined) return [];
  assertKnownFields(kernel, KERNEL, 'kernel');
  return KERNEL.flatMap((key): Assignment[] => {
    const value = kernel[key];
    if (value === undefined && key !== 'path') return [];
    if (typeof value !== 'string' || value === '')
      throw specInvalid(`kernel.${key}`, `${formatValue(value)} is not a text`);
    assertXmlText(value, `kernel.${key}`);
    return [[key === 'path' ? 'os/kernel' : `os/${key}`, value]];
  });
}

/** Slots for memory devices. */
export function memorySlots({ hotplug }: Pick<DomainSpec, 'hotplug'>, memory: number): Assignment[] {
  const wanted = hotplug?.memory;
  if (wanted === undefined) return [];
  assertKnownFields(wanted, ['upTo', 'slots'], 'hotplug.memory');
  const most = memoryKibOf(wanted.upTo, 'hotplug.memory.upTo');
  const slots = wanted.slots ?? DEFAULT_MEMORY_SLOTS;
  if (most <= memory)
    throw specInvalid(
      'hotplug.memory.upTo',
      'is no more than memory',
      'Give the memory that all devices make together',
    );
  if (!Number.isSafeInteger(slots) || slots < 1 || slots > 256)
    throw specInvalid('hotplug.memory.slots', `${formatValue(slots)} is not a number of slots`, 'Give 1 to 256');
  return [
    ['maxMemory/@slots', String(slots)],
    ['maxMemory/@unit', 'KiB'],
    ['maxMemory', String(most)],
  ];
}

/** The one NUMA cell that memory devices belong to (qemuDomainDefValidateMemoryHotplug). */
export function numaCell(vcpus: number, memory: number): Assignment[] {
  return [
    ['cpu/numa/cell/@id', '0'],
    ['cpu/numa/cell/@cpus', vcpus === 1 ? '0' : `0-${vcpus - 1}`],
    ['cpu/numa/cell/@memory', String(memory)],
    ['cpu/numa/cell/@unit', 'KiB'],
  ];
}

/** An amount given by itself, or as current and maximum; `path` is where one of them is to be looked for. */
function currentAndMaximum<T>(value: T | { current: T; maximum: T }, path: string) {
  if (typeof value !== 'object' || value === null) return { current: value as T, maximum: value as T, path };
  assertKnownFields(value, ['current', 'maximum'], path);
  return { ...(value as { current: T; maximum: T }), path };
}

function given(path: string, value: string | undefined): Assignment[] {
  return value === undefined ? [] : [[path, value]];
}

/** The leaves of every part, with what a part leaves out and a guest needs. */
function partLeaves(spec: DomainSpec): Assignment[] {
  const x86 = /^(x86_64|i686)$/.test(spec.arch ?? 'x86_64');
  const cpu = cpuOf(spec);
  const features = {
    // On Arm it is the firmware's (virDomainDefValidate: ACPI requires UEFI on this architecture).
    ...(x86 || (spec.arch === 'aarch64' && spec.firmware !== undefined) ? { acpi: true } : {}),
    ...(x86 ? { apic: true } : {}),
    ...(isSecure(spec) ? { smm: true } : {}),
  };
  const given = spec.features;
  const parts: DefinitionParts = {
    ...spec,
    ...(cpu === undefined ? {} : { cpu }),
    // What is not an object is left to be refused.
    features: given === undefined || isObject(given) ? { ...features, ...given } : given,
  };
  if (isSecure(spec) && parts.features?.smm === false)
    throw specInvalid('features.smm', 'is off, and secure boot needs it', 'Leave it out');
  return Object.entries(DEFINITION_PARTS as unknown as Record<string, Field<unknown>>).flatMap(([key, field]) => {
    const value = parts[key as keyof DefinitionParts];
    return value === undefined ? [] : field.encode(value, key);
  });
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True when the firmware does secure boot, for which libvirt and QEMU want system management mode. */
function isSecure({ firmware }: DomainSpec): boolean {
  if (typeof firmware !== 'object' || firmware === null) return false;
  return 'efi' in firmware ? firmware.efi?.secureBoot === true : firmware.secure === true;
}

/** The CPU as an object. With KVM one that names neither a mode nor a model is the host's model. */
function cpuOf({ cpu, type, machine = 'q35', arch }: DomainSpec): CpuSpec | undefined {
  if (cpu === undefined && type === 'qemu') {
    const model = machineOf({ machine, arch }).cpu;
    return model === undefined ? undefined : { mode: 'custom', model, match: 'exact', check: 'none' };
  }
  if (cpu === undefined) return { mode: 'host-model' };
  const spec = cpuSpec(cpu, 'cpu');
  const named = typeof spec !== 'object' || spec === null || spec.mode !== undefined || spec.model !== undefined;
  return named || type === 'qemu' ? spec : { mode: 'host-model', ...spec };
}

function numaOf({ cpu }: DomainSpec): CpuSpec['numa'] {
  return typeof cpu === 'object' ? cpu?.numa : undefined;
}

/** The maximum of vCPUs: as asked, as the topology makes it, as the NUMA cells name them, or with room for more. */
function vcpuMaximum(spec: DomainSpec, asked: { current: number; maximum: number }): number {
  const free = typeof spec.vcpus !== 'object';
  const topology = typeof spec.cpu === 'object' ? spec.cpu?.topology : undefined;
  if (topology) {
    const { sockets, dies = 1, clusters = 1, cores, threads } = topology;
    const product = sockets * dies * clusters * cores * threads;
    if (!free && product !== asked.maximum)
      throw specInvalid(
        'cpu.topology',
        `makes ${product} vCPUs, and vcpus.maximum is ${asked.maximum}`,
        'Make them the same',
      );
    return product;
  }
  const named = (numaOf(spec) ?? []).flatMap(({ cpus }, index) =>
    cpus === undefined ? [] : numbersOf(cpus, `cpu.numa[${index}].cpus`, 'a set of vCPUs'),
  );
  if (free && named.length > 0) return Math.max(...named) + 1;
  return free && isQ35(spec) ? roomyVcpus(asked.current) : asked.maximum;
}

/** The maximum for so many vCPUs at boot: four times as many, as long as no IOMMU is needed. */
export function roomyVcpus(current: number): number {
  return Math.max(current, Math.min(4 * current, MOST_PLAIN_VCPUS));
}

/** libvirt makes the memory the sum of the cells, and gives vCPUs that are in no cell to the first: both must be said as they become. */
function checkCells(spec: DomainSpec, memory: number, vcpus: number): void {
  const cells = numaOf(spec);
  if (!cells) return;
  const sum = cells.reduce((all, { memory: each }, index) => all + memoryKibOf(each, `cpu.numa[${index}].memory`), 0);
  if (sum !== memory)
    throw specInvalid(
      'cpu.numa',
      `the cells have ${formatBytes(BigInt(sum) * 1024n)}, and memory is ${formatBytes(BigInt(memory) * 1024n)}`,
      'libvirt makes memory the sum of the cells: make them the same',
    );
  const named = new Set<number>();
  for (const [index, { cpus }] of cells.entries()) {
    for (const vcpu of cpus === undefined ? [] : numbersOf(cpus, `cpu.numa[${index}].cpus`, 'a set of vCPUs')) {
      if (named.has(vcpu)) throw specInvalid(`cpu.numa[${index}].cpus`, `vCPU ${vcpu} is in another cell too`);
      if (vcpu >= vcpus)
        throw specInvalid(`cpu.numa[${index}].cpus`, `there is no vCPU ${vcpu}`, `The maximum is ${vcpus}`);
      named.add(vcpu);
    }
  }
  if (named.size !== vcpus)
    throw specInvalid('cpu.numa', `${vcpus - named.size} of ${vcpus} vCPUs are in no cell`, 'Give every vCPU a cell');
}
