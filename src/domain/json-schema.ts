/** A JSON Schema (draft 2020-12), as far as this library writes any. */
export interface JsonSchema {
  readonly $schema?: string;
  readonly $id?: string;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly multipleOf?: number;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly propertyNames?: JsonSchema;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly required?: readonly string[];
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;
}

export const TEXT: JsonSchema = { type: 'string', minLength: 1 };
export const BOOLEAN: JsonSchema = { type: 'boolean' };
export const XML: JsonSchema = { type: 'string', pattern: '^\\s*<', description: 'XML' };
export const UUID: JsonSchema = {
  type: 'string',
  pattern: '^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$',
};
/** An amount of memory or storage. */
export const SIZE: JsonSchema = {
  type: ['string', 'integer'],
  minimum: 0,
  pattern: '^\\s*\\d{1,15}(\\.\\d{1,6})?\\s*([KMGT]i?)?B\\s*$',
  description: "Bytes, or a text such as '2 GiB'",
};
export const CPUSET: JsonSchema = {
  type: 'string',
  minLength: 1,
  description: "Numbers such as '0-3,8'; '^2' leaves one out",
};

/** The number of a vCPU or an IOThread, as a key. */
export const NUMBER: JsonSchema = { pattern: '^\\d{1,4}$' };

/** A whole number. */
export function wholeNumber(minimum: number, maximum = Number.MAX_SAFE_INTEGER): JsonSchema {
  return { type: 'integer', minimum, ...(maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }) };
}

/** An object of these fields and no others. */
export function object(properties: Readonly<Record<string, JsonSchema>>, required: readonly string[] = []): JsonSchema {
  return { type: 'object', properties, additionalProperties: false, ...(required.length > 0 ? { required } : {}) };
}

/** An object whose keys are the caller's: names of devices, numbers of threads. */
export function byName(value: JsonSchema, names?: JsonSchema): JsonSchema {
  return { type: 'object', additionalProperties: value, ...(names ? { propertyNames: names } : {}) };
}

/** An amount by itself, or as current and maximum. */
export function amountOrBoth(amount: JsonSchema, required: readonly string[] = []): JsonSchema {
  return { anyOf: [amount, object({ current: amount, maximum: amount }, required)] };
}

/** The same, or null, which removes it; of a group each of its fields too. */
export function removable(schema: JsonSchema): JsonSchema {
  const { required: _, ...rest } = schema;
  const { properties } = schema;
  const inner = properties
    ? {
        ...rest,
        properties: Object.fromEntries(Object.entries(properties).map(([key, each]) => [key, removable(each)])),
      }
    : schema;
  return { anyOf: [inner, { type: 'null' }] };
}
