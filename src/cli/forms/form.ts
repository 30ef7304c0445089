import type { JsonSchema } from '../../index.js';

/** The form of a field that may be missing. */
export interface Maybe {
  readonly maybe: JsonSchema;
}

/** A form for each field of a value: one that is added there and not here does not compile, nor one that may be missing. */
export type Fields<T> = { readonly [Name in keyof T]-?: undefined extends T[Name] ? Maybe : JsonSchema };

export const TEXT: JsonSchema = { type: 'string' };
export const BOOLEAN: JsonSchema = { type: 'boolean' };
export const NUMBER: JsonSchema = { type: 'number' };
export const COUNT: JsonSchema = { type: 'integer', minimum: 0 };
export const ANYTHING: JsonSchema = {};
export const UUID: JsonSchema = {
  type: 'string',
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
};
/** A moment. */
export const TIME: JsonSchema = {
  type: 'string',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$',
  description: 'ISO 8601, UTC',
};
/** A whole number that can be beyond what JSON holds exactly. */
export const BIG: JsonSchema = {
  type: ['integer', 'string'],
  pattern: '^-?\\d+$',
  description: 'A text when it is beyond 2^53',
};
export const BYTES: JsonSchema = { ...BIG, description: 'Bytes; a text when it is beyond 2^53' };

export const maybe = (form: JsonSchema): Maybe => ({ maybe: form });
export const words = (...all: readonly string[]): JsonSchema => ({ enum: all });
export const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
export const byName = (form: JsonSchema): JsonSchema => ({ type: 'object', additionalProperties: form });
export const either = (...anyOf: readonly JsonSchema[]): JsonSchema => ({ anyOf });
export const part = (name: string): JsonSchema => ({ $ref: `#/$defs/${name}` });

/** An object with these fields. Others may come with a later release. */
export function form<T>(fields: Fields<T>): JsonSchema {
  const all = Object.entries(fields as Readonly<Record<string, JsonSchema | Maybe>>);
  return {
    type: 'object',
    properties: Object.fromEntries(all.map(([name, each]) => [name, 'maybe' in each ? each.maybe : each])),
    required: all.flatMap(([name, each]) => ('maybe' in each ? [] : [name])),
  };
}
