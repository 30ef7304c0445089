import { type Leaves, leaves, parseElement, serialize } from '../xml/index.js';
import { DEFINITION_PARTS } from './definition/index.js';
import { decodeSpec, type Field } from './devices/index.js';
import { type Device, DomainDocument, readDevice } from './document.js';
import { domainLeaves } from './guest-abi/guest-abi.js';
import { normalize, sameAt } from './normal.js';
import { DOMAIN_NORMAL, keyedLeaves } from './normal-domain.js';
import { memoryAmounts } from './settings/memory.js';
import { vcpuAmounts } from './settings/vcpus.js';
import type { DeviceRequest, DomainSpec } from './spec.js';
import { requestedDevices } from './spec-devices.js';
import { domainXml } from './spec-xml.js';
import { bytesOfXml } from './values.js';

/** Something of a document that no spec can say. */
export interface Unsaid {
  /** `domain`, or the identity of the device. */
  readonly subject: string;
  /** Path below `<domain>` or below the device. */
  readonly path: string;
  readonly value: string;
}

/** A document as a spec. */
export interface ReadSpec {
  readonly spec: DomainSpec;
  /** What the spec does not say; empty when its XML says all that the document does. */
  readonly unsaid: readonly Unsaid[];
}

/** Reads a domain document as a spec. A device that its kind's fields cannot express stands in it as XML. */
export function readSpec(xml: string): ReadSpec {
  const document = new DomainDocument(xml);
  const spec = withoutInvalidParts({ ...headOf(document), ...partsOf(document) }, document);
  const devices = document.devices.map(deviceOf);
  const complete: DomainSpec = { ...spec, devices };
  return {
    spec: complete,
    unsaid: [...unsaidOfHead(document, complete), ...unsaidOfDevices(document.devices, devices)],
  };
}

const VIRTUALISATION = ['kvm', 'qemu'] as const;

function headOf(document: DomainDocument): DomainSpec {
  const text = (path: string) => document.value(path);
  const memory = memoryAmounts(document);
  const vcpus = vcpuAmounts(document);
  const path = text('os/kernel');
  const kernel = { initrd: text('os/initrd'), cmdline: text('os/cmdline'), dtb: text('os/dtb'), shim: text('os/shim') };
  const slots = text('maxMemory/@slots');
  const most = document.value('maxMemory');
  const type = VIRTUALISATION.find((each) => each === text('@type'));
  return defined({
    name: document.name,
    uuid: document.uuid || undefined,
    title: text('title'),
    description: text('description'),
    memory: { current: memory.current * 1024, maximum: memory.maximum * 1024 },
    vcpus,
    type,
    arch: text('os/type/@arch'),
    machine: text('os/type/@machine'),
    emulator: text('devices/emulator'),
    kernel: path === undefined ? undefined : defined({ path, ...kernel }),
    hotplug: defined({
      pciePorts: 0,
      memory:
        most === undefined
          ? undefined
          : defined({ upTo: amount(document, 'maxMemory'), slots: slots === undefined ? undefined : Number(slots) }),
    }),
  } as unknown as Record<string, unknown>) as unknown as DomainSpec;
}

function amount(document: DomainDocument, path: string): bigint {
  const [value, unit] = [document.value(path) ?? '0', document.value(`${path}/@unit`)];
  return bytesOfXml(value, unit, 'KiB');
}

function partsOf(document: DomainDocument): Partial<DomainSpec> {
  const all = new Map([...domainLeaves(document), ...deviceParts(document)]);
  return decodeSpec(DEFINITION_PARTS, all);
}

/** The parts of a definition that stand among the devices. */
function deviceParts({ root }: DomainDocument): Leaves {
  return new Map([...leaves(root)].filter(([path]) => path.startsWith('devices/redirfilter/')));
}

/** A spec without the parts that a document has and no spec may have; what they say is found missing later. */
function withoutInvalidParts(spec: DomainSpec, document: DomainDocument): DomainSpec {
  const kept: Record<string, unknown> = { ...spec };
  for (const [key, field] of Object.entries(DEFINITION_PARTS as unknown as Record<string, Field<unknown>>)) {
    if (kept[key] !== undefined && refused(() => field.encode(kept[key], key))) delete kept[key];
  }
  // A topology or cells that do not go with memory and vCPUs are refused together with these.
  if (refused(() => domainXml(kept as unknown as DomainSpec, document.uuid))) delete kept.cpu;
  for (const key of ['title', 'description', 'hotplug', 'kernel', 'emulator'])
    if (refused(() => domainXml({ name: 'x', memory: '1 MiB', [key]: kept[key] } as unknown as DomainSpec)))
      delete kept[key];
  return kept as unknown as DomainSpec;
}

function refused(attempt: () => unknown): boolean {
  try {
    attempt();
    return false;
  } catch {
    return true;
  }
}

function deviceOf({ kind, element, leaves: all }: Device): DeviceRequest {
  const request = { [kind.element]: decodeSpec(kind.fields, all) } as unknown as DeviceRequest;
  return refused(() => requestedDevices({ devices: [request] } as unknown as DomainSpec))
    ? serialize(element)
    : request;
}

function unsaidOfHead(document: DomainDocument, spec: DomainSpec): Unsaid[] {
  const all = (from: DomainDocument) => new Map([...domainLeaves(from), ...deviceParts(from)]);
  const there = keyedLeaves(all(document));
  const said = keyedLeaves(all(new DomainDocument(domainXml({ ...spec, devices: [] }))));
  return missing(there, said).map((each) => ({ subject: 'domain', ...each }));
}

function unsaidOfDevices(devices: readonly Device[], requests: readonly DeviceRequest[]): Unsaid[] {
  const built = requestedDevices({ devices: requests } as unknown as DomainSpec);
  return devices.flatMap((device, index) => {
    const said = readDevice(parseElement(built[index]?.xml ?? ''));
    const keyed = (from: Leaves) => new Map([...from].map(([path, value]) => [path, { path, value }]));
    const rows = device.kind.normal ?? [];
    return missing(keyed(device.leaves), keyed(said.leaves), rows).map((each) => ({
      subject: device.identity,
      ...each,
    }));
  });
}

type Keyed = ReturnType<typeof keyedLeaves>;

/** What one says and the other does not, or otherwise. */
function missing(there: Keyed, said: Keyed, rows = DOMAIN_NORMAL): Array<{ path: string; value: string }> {
  const values = (keyed: Keyed) => new Map([...keyed].map(([key, { value }]) => [key, value]));
  const [stands, says] = [values(there), values(said)];
  const asked = normalize(stands, says, rows);
  return [...there].flatMap(([key, each]) =>
    !asked.has(key) || sameAt(key, asked, says) ? [] : [{ path: each.path, value: each.value }],
  );
}

function defined(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
