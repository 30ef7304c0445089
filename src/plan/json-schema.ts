import {
  deviceKinds,
  deviceRequestSchema,
  deviceSchemas,
  domainSpecSchema,
  type JsonSchema,
  kindSchema,
  object,
  removable,
  STORAGE_SCHEMA,
  settingsSchema,
} from '../domain/index.js';
import type { ChangeRequest } from './request.js';

const TEXT: JsonSchema = { type: 'string', minLength: 1 };

/** Names one device: an alias, or a kind and a name. */
function selector(): JsonSchema {
  const kinds = Object.fromEntries(['alias', ...deviceKinds().map(({ element }) => element)].map((key) => [key, TEXT]));
  return { ...object(kinds), minProperties: 1, maxProperties: 1 };
}

/** One device, and new values for its fields; null removes one. */
function update(): JsonSchema {
  return {
    oneOf: deviceKinds().map((kind) => {
      const { properties = {} } = kindSchema(kind);
      const set = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, removable(schema)]));
      return object({ [kind.element]: TEXT, set: object(set) }, [kind.element, 'set']);
    }),
  };
}

/** What a change request holds: a field that is added there and not here does not compile. */
function changeSchema(): JsonSchema {
  const fields: { readonly [Name in keyof ChangeRequest]-?: JsonSchema } = {
    attach: { type: 'array', items: deviceRequestSchema() },
    detach: { type: 'array', items: selector() },
    update: { type: 'array', items: update() },
    set: settingsSchema(),
    storage: STORAGE_SCHEMA,
    scope: { enum: ['persistent', 'both', 'live', 'config'] },
    replace: { enum: ['refuse', 'allow'] },
    ifNotLive: { enum: ['refuse', 'next-boot'] },
    detachOrder: { enum: ['live-first', 'config-first'] },
  };
  return object(fields);
}

/**
 * The JSON Schema (draft 2020-12) of domain specs, or of change requests, made of the tables that requests are checked by.
 * It tells fields, words, units and bounds, so that an editor completes and checks YAML and JSON. What depends on
 * the domain, or on several fields together, only a plan tells.
 *
 * @example
 * await writeFile('domain.schema.json', JSON.stringify(jsonSchema('domain'), null, 2));
 */
export function jsonSchema(of: 'domain' | 'change'): JsonSchema {
  const schema = of === 'domain' ? domainSpecSchema() : changeSchema();
  const title = of === 'domain' ? 'A domain of libvirt-canonical' : 'A change request of libvirt-canonical';
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title, ...schema, $defs: deviceSchemas() };
}
