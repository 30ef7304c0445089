import { buildElement } from '../xml/index.js';
import { DEFINITION_PARTS } from './definition/index.js';
import { type Assignment, deviceKinds } from './devices/index.js';
import { DomainDocument } from './document.js';
import { type Addition, applyPreset } from './presets.js';
import type { DomainSpec } from './spec.js';
import { requestedDevices } from './spec-devices.js';
import { headLeaves } from './spec-head.js';
import { onOwnBus } from './spec-mmio.js';
import { controllers, freePorts } from './spec-ports.js';
import { assertKnownFields } from './unknown-field.js';

const HEAD = [
  'name',
  'uuid',
  'title',
  'description',
  'memory',
  'vcpus',
  'type',
  'arch',
  'machine',
  'os',
  'hotplug',
  'emulator',
  'kernel',
  'storage',
  'devices',
];

/**
 * The domain XML of a spec, as `define` begins with it: with the preset that `os` names and the ports for hot-plug, without
 * what only a host knows. `uuid` is written when the spec has none.
 *
 * @throws LibvirtCanonicalError `SPEC_INVALID`, `SPEC_UNKNOWN_FIELD`, `DEVICE_KIND_UNKNOWN`: by the path in the spec
 */
export function domainXml(spec: DomainSpec, uuid?: string): string {
  return assemble(spec, uuid).xml;
}

/** The XML of a spec, and what was added to it by its preset. */
export function assemble(
  spec: DomainSpec,
  uuid?: string,
): { readonly xml: string; readonly added: readonly Addition[] } {
  assertKnownFields(spec, specFields(), '');
  const { spec: complete, added } = applyPreset(spec);
  const leaves = checkedHead(complete, uuid);
  const devices = requestedDevices(complete).map(({ xml }) => xml);
  const all = onOwnBus(complete, [...devices, ...controllers(complete, devices)]).join('');
  const head = buildElement('domain', leaves);
  // Functions: in a text `$&` and the like, which a path may hold, would stand for parts of the head.
  const xml = head.includes('</devices></domain>')
    ? head.replace(/<\/devices><\/domain>$/, () => `${all}</devices></domain>`)
    : head.replace(/<\/domain>$/, () => `<devices>${all}</devices></domain>`);
  return { xml, added };
}

/** What a spec says outside its devices, every field checked; `SPEC_INVALID` and `SPEC_UNKNOWN_FIELD` name its path. */
export function checkedHead(spec: DomainSpec, uuid: string | undefined): Assignment[] {
  assertKnownFields(spec, specFields(), '');
  freePorts(spec);
  return headLeaves(spec, uuid);
}

/** Every key that a spec may have. */
export function specFields(): string[] {
  const plurals = deviceKinds().flatMap(({ plural }) => (plural === undefined ? [] : [plural]));
  return [...HEAD, ...Object.keys(DEFINITION_PARTS), ...plurals];
}

/** The document that a definition would be, as given: a string of XML or a spec. */
export function definitionOf(definition: string | DomainSpec, uuid: string): DomainDocument {
  return new DomainDocument(typeof definition === 'string' ? definition : domainXml(definition, uuid));
}
