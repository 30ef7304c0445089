import { buildElement, leaves, parseElement, serialize, setAt } from '../xml/index.js';
import { type Assignment, deviceKinds, encodeSpec, kindOf } from './devices/index.js';
import type { DeviceRequest, DomainSpec } from './spec.js';
import { formatValue, specInvalid } from './values.js';

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
    throw specInvalid(
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
      throw specInvalid(`${where}.${field}`, 'is missing', `Every ${element} needs it`);
  }
  for (const group of kind.exclusive ?? []) {
    const named = group.filter((field) => (spec as Record<string, unknown>)[field] !== undefined);
    if (named.length > 1)
      throw specInvalid(where, `${named.join(' and ')} exclude each other`, `Give one of ${group.join(', ')}`);
  }
  const paths = new Set(given.map(([path]) => path));
  const all: Assignment[] = [...(kind.defaults ?? []).filter(([path]) => !paths.has(path)), ...given];
  const complete = new Map([...all, ...(kind.derive?.(new Map(all)) ?? [])]);
  kind.check?.(complete, where);
  const unsaid = new Set([...complete.keys()].filter((leaf) => !paths.has(leaf)));
  return { xml: buildElement(element, complete), path, unsaid };
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

function listOf(value: unknown, path: string): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw specInvalid(path, `${formatValue(value)} is not a list`);
  return value;
}
