import type { JsonSchema } from '../index.js';
import { UsageError } from './exit.js';
import { type At, isList, isText } from './typed.js';

type Fields = Record<string, unknown>;

/**
 * A device on the command line: `disk=data,target=vdb,file=/img/data.qcow2`. The first word is the kind, with the id of the
 * device after `=`; the rest are fields, those of a group after a dot. A comma within a value is written `\,`. YAML such as
 * `{disk: {target: vdb}}` and XML are taken as they are.
 */
export async function deviceWords(text: string): Promise<object | string> {
  if (text.startsWith('<')) return text;
  if (text.startsWith('{')) return (await yamlOf(text)) as object;
  const [[kind, id], ...fields] = pairs(text);
  if (kind === undefined)
    throw new UsageError('--attach needs a device, such as disk=data,target=vdb,file=/img/data.qcow2');
  const spec: Fields = id === undefined || id === '' ? {} : { id };
  const schema = await changeSchema();
  for (const [name, value] of fields)
    await assign(spec, name, value ?? 'true', { root: schema, schema: schema.$defs?.[kind] });
  return { [kind]: spec };
}

/** Fields of a device without a kind before them: `file=/img/rescue.qcow2,format=qcow2`. */
export async function fieldWords(kind: string, text: string): Promise<object> {
  const device = (await deviceWords(text.startsWith('{') ? `{${kind}: ${text}}` : `${kind},${text}`)) as Fields;
  return device[kind] as object;
}

/** A device that is there: `disk=data`, `interface=52:54:00:aa:bb:cc`, `alias=ua-old`. */
export function selectorWords(text: string): Record<string, string> {
  const [[kind, name], ...more] = pairs(text);
  if (kind === undefined || name === undefined || name === '' || more.length > 0)
    throw new UsageError(`--detach takes one device, such as disk=data or alias=ua-data, not ${text}`);
  return { [kind]: name };
}

/** New values for a device that is there: `interface=lan,link=down`. A field without a value is removed. */
export async function updateWords(text: string): Promise<object> {
  if (text.startsWith('{')) return (await yamlOf(text)) as object;
  const [[kind, name], ...fields] = pairs(text);
  if (kind === undefined || name === undefined || name === '' || fields.length === 0)
    throw new UsageError(`--update takes a device and what changes, such as interface=lan,link=down, not ${text}`);
  const set: Fields = {};
  const schema = await changeSchema();
  for (const [field, value] of fields)
    await assign(set, field, value ?? '', { root: schema, schema: schema.$defs?.[kind] });
  return { [kind]: name, set };
}

/** Settings: `vcpus=4`, `vcpus.maximum=8`, `cputune={shares: 512}`. A setting without a value is removed. */
export async function settingWords(texts: readonly string[]): Promise<Fields> {
  const set: Fields = {};
  const schema = await changeSchema();
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`--set takes a setting and its value, such as vcpus=4, not ${text}`);
    await assign(set, text.slice(0, at), text.slice(at + 1), { root: schema, schema: schema.properties?.set });
  }
  return set;
}

async function changeSchema(): Promise<JsonSchema> {
  return (await import('../index.js')).jsonSchema('change');
}

/** Splits at commas, and each part at its first `=`. */
function pairs(text: string): [[string | undefined, string | undefined], ...[string, string | undefined][]] {
  const parts = text.split(/(?<!\\),/).map((part) => part.replaceAll('\\,', ','));
  const split = parts.map((part): [string, string | undefined] => {
    const at = part.indexOf('=');
    return at < 0 ? [part, undefined] : [part.slice(0, at), part.slice(at + 1)];
  });
  const [first = [undefined, undefined], ...rest] = split;
  return [first[0] === '' ? [undefined, undefined] : first, ...rest];
}

/** Puts a value at a path such as `network.hosts.0.name`; a number is a place in a list. */
async function assign(into: Fields, path: string, text: string, where: At): Promise<void> {
  const steps = path.split('.');
  if (steps.some((step) => step === '' || step === '__proto__')) throw new UsageError(`"${path}" names no field`);
  let at = into;
  for (const [index, step] of steps.slice(0, -1).entries()) {
    const next: unknown = at[step] ?? (isList(where, steps.slice(0, index + 1)) ? [] : {});
    if (typeof next !== 'object' || next === null)
      throw new UsageError(`"${path}" names a field of one that has a value already`);
    at[step] = next;
    at = next as Fields;
  }
  at[steps.at(-1) as string] = text !== '' && isText(where, steps) ? text : await scalarOf(text);
}

/** A value that is not a text alone, as YAML has it, so that numbers, true and false, lists and groups can be given; `"4"` is a text. Nothing is null. */
async function scalarOf(text: string): Promise<unknown> {
  if (text === '') return null;
  if (!/^[-+.\d[{"'tfn]/i.test(text)) return text;
  return yamlOf(text);
}

/** A text as YAML has it. */
export async function yamlOf(text: string): Promise<unknown> {
  const { parse } = await import('yaml');
  try {
    const value: unknown = parse(text);
    // 0123 and 1:30 and the like are no numbers of ours.
    return typeof value === 'number' && String(value) !== text ? text : value;
  } catch (error) {
    throw new UsageError(`${text} cannot be read: ${(error as Error).message.split('\n')[0]}`);
  }
}
