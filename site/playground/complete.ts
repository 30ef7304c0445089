import type { JsonSchema } from '../../src/pure.js';

/** What can stand at a place of a JSON text: names of fields, or words of a value, and how much before the place they replace. */
export interface Completion {
  readonly words: readonly string[];
  readonly replaces: number;
}

/** Where a place is: the keys that lead there, whether a key or a value stands there, and what of it is typed already. */
interface Place {
  readonly path: readonly string[];
  readonly expects: 'key' | 'value';
  readonly typed: string;
  /** Keys that the object has already. */
  readonly taken: readonly string[];
}

/** What a JSON Schema allows where the text is written on. */
export function complete(schema: JsonSchema, text: string): Completion {
  const place = placeIn(text);
  if (!place) return { words: [], replaces: 0 };
  const { path, expects, typed, taken } = place;
  const here = path.reduce<JsonSchema[]>((from, key) => from.flatMap((each) => below(schema, each, key)), [schema]);
  const all = here.flatMap((each) => alternatives(schema, each));
  const words =
    expects === 'key'
      ? all.flatMap(({ properties }) => Object.keys(properties ?? {})).filter((key) => !taken.includes(key))
      : all.flatMap((each) => (each.enum ?? (each.const === undefined ? [] : [each.const])).map(String));
  return { words: [...new Set(words)].filter((word) => word.startsWith(typed)), replaces: typed.length };
}

/** A schema and all that it may be instead. */
function alternatives(root: JsonSchema, schema: JsonSchema): JsonSchema[] {
  const { $ref, anyOf = [], oneOf = [] } = schema;
  const named = $ref === undefined ? undefined : root.$defs?.[$ref.replace('#/$defs/', '')];
  return [schema, ...[...(named ? [named] : []), ...anyOf, ...oneOf].flatMap((each) => alternatives(root, each))];
}

/** What a key leads to; `[]` is an item of a list. */
function below(root: JsonSchema, schema: JsonSchema, key: string): JsonSchema[] {
  return alternatives(root, schema).flatMap(({ properties, items, additionalProperties }) => {
    if (key === '[]') return items ? [items] : [];
    const own = properties?.[key];
    if (own) return [own];
    return typeof additionalProperties === 'object' ? [additionalProperties] : [];
  });
}

/** Reads JSON up to where it ends, in the middle of anything; undefined before it begins and after it is whole. */
function placeIn(text: string): Place | undefined {
  const open: { kind: '{' | '['; keys: string[] }[] = [];
  let key: string | undefined;
  let typed = '';
  for (const { token, closed } of tokens(text)) {
    const top = open.at(-1);
    typed = '';
    if (token === '{' || token === '[') open.push({ kind: token, keys: [] });
    else if (token === '}' || token === ']') open.pop();
    else if (token === ',') key = undefined;
    else if (token !== ':' && !closed) typed = token.replace(/^"/, '');
    else if (token !== ':' && top?.kind === '{' && key === undefined) {
      key = token.slice(1, -1);
      top.keys.push(key);
      continue;
    }
    if (token === '{' || token === '[' || token === '}' || token === ']') key = undefined;
  }
  const path = open.map(({ kind, keys }) => (kind === '[' ? '[]' : (keys.at(-1) ?? ''))).slice(0, -1);
  const top = open.at(-1);
  if (!top) return undefined;
  const inValue = top.kind === '[' || key !== undefined;
  const last = top.kind === '[' ? ['[]'] : inValue ? [key ?? ''] : [];
  return { path: [...path, ...last], expects: inValue ? 'value' : 'key', typed, taken: top.keys };
}

function* tokens(text: string): Iterable<{ token: string; closed: boolean }> {
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"?|[{}[\]:,]|[^\s{}[\]:,"]+/g)) {
    const isText = token.startsWith('"');
    yield { token, closed: !isText || (token.length > 1 && token.endsWith('"')) };
  }
}
