import type { JsonSchema } from '../../src/domain/index.js';
import { SIZE } from '../../src/domain/json-schema.js';

/** What a schema takes, in words: `'virtio'`, a size, a list of … */
export function takenBy(schema: JsonSchema): string {
  const { type, enum: words, const: only, anyOf, items, additionalProperties, properties } = schema as Shape;
  if (isSize(schema)) return "a size: `'2 GiB'`, or bytes";
  if (words) return words.map(literal).join(', ');
  if (only !== undefined) return literal(only);
  if (anyOf) return [...new Set(anyOf.map(takenBy))].join(', or ');
  if (type === 'array') return `a list of ${items ? takenBy(items) : 'values'}`;
  if (type === 'object') {
    if (properties) return `{ ${Object.keys(properties).join(', ')} }`;
    return typeof additionalProperties === 'object' ? `by name ${takenBy(additionalProperties)}` : 'an object';
  }
  const [first] = Array.isArray(type) ? type : [type];
  if (Array.isArray(type))
    return type.map((each) => takenBy({ ...(schema as object), type: each } as JsonSchema)).join(' or ');
  return scalar(schema as Shape, first);
}

/** A size is a text or bytes: one thing for whoever writes it. */
function isSize(schema: JsonSchema): boolean {
  const { type, pattern } = schema as Shape;
  return pattern === SIZE.pattern && Array.isArray(type) && type.includes('string');
}

interface Shape {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
}

function scalar({ minimum, maximum, pattern }: Shape, type: string | undefined): string {
  switch (type) {
    case 'boolean':
      return 'true or false';
    case 'integer':
    case 'number': {
      const kind = type === 'integer' ? 'a whole number' : 'a number';
      if (minimum === undefined && maximum === undefined) return kind;
      return maximum === undefined ? `${kind}, ${minimum} or more` : `${kind}, ${minimum ?? 'any'} to ${maximum}`;
    }
    case 'null':
      return 'null, which removes it';
    case 'string':
      return pattern === undefined ? 'text' : `text that fits \`${pattern}\``;
    default:
      return 'anything';
  }
}

const literal = (value: unknown): string => (typeof value === 'string' ? `\`'${value}'\`` : `\`${String(value)}\``);
