import { DEFINITION_PARTS, type DefinitionParts } from './definition/index.js';
import { type DeviceKind, deviceKinds, type Field } from './devices/index.js';
import { amountOrBoth, byName, type JsonSchema, object, SIZE, TEXT, UUID, wholeNumber, XML } from './json-schema.js';
import { OS_NAMES } from './os-names.js';
import { SETTINGS } from './settings/index.js';
import type { Setting } from './settings/setting.js';
import type { DomainSpec } from './spec.js';

/** The fields of a table as JSON Schema, each with the place it has in libvirt's element. */
function tableSchemas(fields: Readonly<Record<string, Field<unknown>>>): Record<string, JsonSchema> {
  const schemas = Object.entries(fields).map(([name, field]) => {
    const { description, ...schema } = field.schema;
    const place = field.paths.length === 0 ? '' : `libvirt: ${field.paths.slice(0, 3).join(', ')}`;
    const about = [description, place].filter(Boolean).join('. ');
    return [name, { title: name, ...schema, ...(about === '' ? {} : { description: about }) }];
  });
  return Object.fromEntries(schemas);
}

/** A kind of device as JSON Schema. */
export function kindSchema({ element, fields, required = [] }: DeviceKind): JsonSchema {
  const properties = tableSchemas(fields as Record<string, Field<unknown>>);
  return { title: element, description: `libvirt: <${element}>`, ...object(properties, required) };
}

/** Every kind of device, by its element. */
export function deviceSchemas(): Record<string, JsonSchema> {
  return Object.fromEntries(deviceKinds().map((kind) => [kind.element, kindSchema(kind)]));
}

const reference = (element: string): JsonSchema => ({ $ref: `#/$defs/${element}` });

/** A device in a request: one key, its kind, or XML. */
export function deviceRequestSchema(): JsonSchema {
  const kinds = deviceKinds().map(({ element }) => [element, reference(element)]);
  return { anyOf: [XML, { ...object(Object.fromEntries(kinds)), minProperties: 1, maxProperties: 1 }] };
}

/** Every setting, by its name in `set`. */
export function settingsSchema(): JsonSchema {
  const settings = Object.entries<Setting<never>>(SETTINGS as unknown as Record<string, Setting<never>>);
  return object(Object.fromEntries(settings.map(([name, { schema }]) => [name, { title: name, ...schema }])));
}

/** Records of volumes, by disk. */
export const STORAGE: JsonSchema = byName({ type: ['object', 'null'] });

type Head = Exclude<keyof DomainSpec, 'disks' | 'interfaces' | keyof DefinitionParts>;
/** What of a spec is neither a part of the definition nor a list of devices of one kind: a field that is added to the spec and not here does not compile. */
const HEAD: { readonly [Name in Head]-?: JsonSchema } = {
  os: {
    anyOf: [{ enum: OS_NAMES }, { ...TEXT, description: 'An identifier of the libosinfo database of the host' }],
    description: 'What the guest is: a preset, or what libosinfo knows of it',
  },
  name: { type: 'string', pattern: '^[^/\\n]+$', description: 'Unique on the host' },
  uuid: UUID,
  title: { type: 'string' },
  description: { type: 'string' },
  memory: amountOrBoth(SIZE, ['current', 'maximum']),
  vcpus: amountOrBoth(wholeNumber(1, 4096), ['current', 'maximum']),
  type: { enum: ['kvm', 'qemu'], description: 'Default kvm; qemu is emulation' },
  arch: TEXT,
  machine: { ...TEXT, description: 'Default q35' },
  hotplug: object({
    pciePorts: { ...wholeNumber(0, 200), description: 'Free ports beyond those that the devices take; default 8' },
    memory: object({ upTo: SIZE, slots: wholeNumber(1, 256) }, ['upTo']),
  }),
  emulator: { ...TEXT, description: "Path of the QEMU to run; default the host's own. libvirt: devices/emulator" },
  kernel: object({ path: TEXT, initrd: TEXT, cmdline: TEXT, dtb: TEXT, shim: TEXT }, ['path']),
  storage: STORAGE,
  devices: { type: 'array', items: deviceRequestSchema() },
};

/** The parts of the definition, from their table. */
const PARTS = tableSchemas(DEFINITION_PARTS as unknown as Readonly<Record<string, Field<unknown>>>);

/** A whole domain as a caller describes it. */
export function domainSpecSchema(): JsonSchema {
  const lists = deviceKinds().flatMap(({ element, plural }) =>
    plural === undefined ? [] : [[plural, { type: 'array', items: reference(element) }]],
  );
  return object({ ...HEAD, ...PARTS, ...Object.fromEntries(lists) }, ['name', 'memory']);
}
