import type { JsonSchema } from '../index.js';

/** Where a field is to be looked up: the whole schema, and the part of it that the path begins at. */
export interface At {
  readonly root: JsonSchema;
  readonly schema: JsonSchema | undefined;
}

/** Whether a value on the command line stays a text although it looks like a number or a truth value. */
export function isText(at: At, path: readonly string[]): boolean {
  const schemas = schemasAt(at, path);
  return schemas.length > 0 && schemas.every(takesTextAlone);
}

/** Whether a path names a list, so that the numbers below it are places in it. */
export function isList(at: At, path: readonly string[]): boolean {
  return schemasAt(at, path).some(({ type }) => type === 'array');
}

/** What the schema says of a path; nothing for one that it does not know. */
function schemasAt({ root, schema }: At, [step, ...rest]: readonly string[]): JsonSchema[] {
  const here = alternatives(root, schema);
  if (step === undefined) return here;
  return here.flatMap(({ properties = {}, items, additionalProperties: other }) => {
    const named = Object.hasOwn(properties, step) ? properties[step] : typeof other === 'object' ? other : items;
    return schemasAt({ root, schema: named }, rest);
  });
}

/** The schemas that a value may be held against, references and alternatives resolved. */
function alternatives(root: JsonSchema, schema: JsonSchema | undefined): JsonSchema[] {
  if (schema === undefined) return [];
  const { $ref, anyOf } = schema;
  if ($ref !== undefined) return alternatives(root, root.$defs?.[$ref.slice('#/$defs/'.length)]);
  return anyOf ? anyOf.flatMap((each) => alternatives(root, each)) : [schema];
}

/** A text, one of some words, or nothing. */
function takesTextAlone({ type, enum: words, const: word }: JsonSchema): boolean {
  if (words) return words.every((each) => typeof each === 'string');
  if (word !== undefined) return typeof word === 'string';
  const types = typeof type === 'string' ? [type] : (type ?? ['unknown']);
  return types.every((each) => each === 'string' || each === 'null');
}
