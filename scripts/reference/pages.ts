import {
  type DeviceKind,
  deviceKinds,
  deviceXml,
  type JsonSchema,
  type KindName,
  SETTINGS,
} from '../../src/domain/index.js';
import { parseElement, under } from '../../src/xml/index.js';
import { EXAMPLES } from './device-examples.js';
import { type SpecComments, specComments } from './spec-comments.js';
import { takenBy } from './taken-by.js';

/** Where the pages stand. */
export const FOLDER = 'docs/reference';

/** More conditions than these are not told in words. */
const MOST_CONDITIONS = 3;

const HEAD = `<!-- Written by \`npm run reference\` out of the tables in src/domain. -->\n`;

/** The pages by file name. */
export function referencePages(): ReadonlyMap<string, string> {
  const comments = specComments();
  const kinds = [...deviceKinds()].sort((a, b) => a.element.localeCompare(b.element));
  return new Map([
    ['README.md', indexPage(kinds, comments)],
    ['settings.md', settingsPage()],
    ...kinds.map((kind): [string, string] => [`${kind.element}.md`, kindPage(kind, commentsOf(kind, comments))]),
  ]);
}

/** What a spec is typed by: `DiskSpec` of `disk`; of a memory device `MemoryDeviceSpec`. */
function commentsOf({ element }: DeviceKind, comments: ReadonlyMap<string, SpecComments>): SpecComments {
  const name = `${element.charAt(0).toUpperCase()}${element.slice(1)}`;
  const found = comments.get(`${name}Spec`) ?? comments.get(`${name}DeviceSpec`);
  if (!found) throw new Error(`no interface types the spec of ${element}`);
  return found;
}

function indexPage(kinds: readonly DeviceKind[], comments: ReadonlyMap<string, SpecComments>): string {
  const rows = kinds.map((kind) => {
    const { about } = commentsOf(kind, comments);
    return [`[${kind.element}](${kind.element}.md)`, about.replace(/\s*libvirt: `<[^>]*>`\.(?= |$)/, '') || '–'];
  });
  return [
    HEAD,
    '# Reference of specs',
    '',
    'Every field of every kind of device, and every setting: what it takes, where it stands in libvirt’s XML, and whether a running guest',
    'takes a change of it. The same for editors: `lvc schema domain`, `lvc schema change`.',
    '',
    '[Settings](settings.md): what is set outside of the devices.',
    '',
    table(['kind', 'what it is'], rows),
  ].join('\n');
}

function kindPage(kind: DeviceKind, { about, fields }: SpecComments): string {
  const request = EXAMPLES[kind.element as KindName];
  const rows = Object.entries(kind.fields).flatMap(([name, field]) =>
    fieldRows(kind, name, field as AnyField, fields.get(name), kind.required?.includes(name) ?? false),
  );
  const exclusive = (kind.exclusive ?? []).map((group) => `At most one of ${group.map(code).join(', ')}.`);
  return [
    HEAD,
    `# ${kind.element}`,
    '',
    about,
    '',
    `Plug in a running guest: ${supportOf(kind, 'attach')}. Unplug from it: ${supportOf(kind, 'detach')}. While the domain is off: ${offOf(kind)}.`,
    ...(kind.since === undefined ? [] : ['', `Since libvirt ${kind.since}.`]),
    '',
    '```ts no-check',
    `await domain.plan({ attach: [${inline(request)}] });`,
    '```',
    '',
    '```xml',
    indented(deviceXml(request as never, 'example')),
    '```',
    '',
    '## Fields',
    '',
    'A field of a group is written `group.field` here, as on the command line; a value without an entry under _in XML_ is part of the one above',
    'and set whole with it. _Live_ is whether the running guest takes another value.',
    ...(exclusive.length > 0 ? ['', ...exclusive] : []),
    '',
    table(['field', 'takes', 'in XML', 'live', 'what'], rows),
  ].join('\n');
}

type AnyField = {
  readonly paths: readonly string[];
  readonly schema: JsonSchema;
  readonly members?: Readonly<Record<string, AnyField>>;
};

function fieldRows(
  kind: DeviceKind,
  name: string,
  field: AnyField,
  said: string | undefined,
  required: boolean,
): string[][] {
  const own = [
    code(name) + (required ? ' (required)' : ''),
    field.members ? 'a group' : takenBy(field.schema),
    field.members ? '' : field.paths.map(code).join(', '),
    field.members ? '' : liveOf(kind, field.paths),
    said ?? '',
  ];
  const members = Object.entries(field.members ?? {}).flatMap(([key, member]) =>
    fieldRows(kind, `${name}.${key}`, member, undefined, false),
  );
  const parts = field.members ? [] : partsOf(field.schema, name);
  return [own, ...members, ...parts];
}

/** The parts of a value that is set whole. */
function partsOf(schema: JsonSchema, name: string): string[][] {
  const { properties, items } = schema as { properties?: Record<string, JsonSchema>; items?: JsonSchema };
  if (items) return partsOf(items, `${name}[]`);
  return Object.entries(properties ?? {}).flatMap(([key, each]) => [
    [code(`${name}.${key}`), takenBy(each), '', '', ''],
    ...partsOf(each, `${name}.${key}`),
  ]);
}

/** Whether a LIVE update takes a change below these paths. */
function liveOf({ updates }: DeviceKind, paths: readonly string[]): string {
  const rows = updates.filter(({ path }) => paths.some((each) => under(each, path) || under(path, each)));
  const takes = rows.filter(({ live }) => live === 'yes');
  if (takes.length === 0) return 'no';
  if (takes.some(({ where, path }) => where === undefined && paths.every((each) => under(each, path)))) return 'yes';
  const conditions = new Set(takes.flatMap(({ where }) => (where ? [conditionText(where)] : [])));
  return conditions.size === 0 ? 'in part' : [...conditions].join(', or ');
}

function conditionText(where: Readonly<Record<string, readonly string[]>>): string {
  // Which source a disk has is told by eight paths.
  if (Object.keys(where).length > MOST_CONDITIONS)
    return 'for some of them (see the [support matrix](../support-matrix.md))';
  return `where ${Object.entries(where)
    .map(([path, values]) => `${code(path)} is ${values.map((each) => each || 'not there').join(' or ')}`)
    .join(' and ')}`;
}

function supportOf(kind: DeviceKind, action: 'attach' | 'detach'): string {
  const rows = kind.support.filter((row) => row.action === action && row.scope === 'live');
  const can = rows.filter(({ supported }) => supported);
  if (can.length === 0) return `no${rows[0]?.reason === undefined ? '' : ` (${rows[0].reason})`}`;
  const cannot = rows.filter(({ supported, where }) => !supported && where);
  const only = can.every(({ where }) => where)
    ? ` ${can.flatMap(({ where }) => (where ? conditionText(where) : [])).join(', or ')}`
    : '';
  const but = cannot.map(({ where, reason }) => `${where ? conditionText(where) : ''}${reason ? ` (${reason})` : ''}`);
  return `yes${only}${but.length === 0 ? '' : `, but not ${but.join('; nor ')}`}`;
}

function offOf({ support, updateConfig }: DeviceKind): string {
  const words = (['attach', 'detach'] as const).filter((action) =>
    support.some((row) => row.action === action && row.scope === 'config' && row.supported),
  );
  return [...words, ...(updateConfig ? ['update'] : [])].join(', ') || 'nothing';
}

function settingsPage(): string {
  const rows = Object.entries(SETTINGS).flatMap(([name, { schema }]) => [
    [code(name), takenBy(schema), String((schema as { description?: string }).description ?? '')],
    ...membersOf(schema, name).map(([path, each]) => [
      code(path),
      takenBy(each),
      String((each as { description?: string }).description ?? ''),
    ]),
  ]);
  return [
    HEAD,
    '# Settings',
    '',
    'What `set` of a change request takes. What each does now, at the next boot, or never, and how it is taken back: [settings](../settings.md).',
    '',
    table(['setting', 'takes', 'what'], rows),
  ].join('\n');
}

/** The fields of an object that a setting may be, one below the other. */
function membersOf(schema: JsonSchema, path: string): Array<[string, JsonSchema]> {
  const { properties, anyOf } = schema as { properties?: Record<string, JsonSchema>; anyOf?: readonly JsonSchema[] };
  const own = Object.entries(properties ?? {}).flatMap(
    ([key, each]): Array<[string, JsonSchema]> => [[`${path}.${key}`, each], ...membersOf(each, `${path}.${key}`)],
  );
  return [...own, ...(anyOf ?? []).flatMap((each) => membersOf(each, path))];
}

const code = (text: string): string => `\`${text}\``;
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}

/** A value as TypeScript on one line. */
function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value);
  return entries.length === 0 ? '{}' : `{ ${entries.map(([key, each]) => `${key}: ${inline(each)}`).join(', ')} }`;
}

/** XML of one element with a line for each child. */
function indented(xml: string): string {
  const root = parseElement(xml);
  if (!root.firstChild) return xml;
  return xml
    .replaceAll(/></g, '>\n<')
    .split('\n')
    .reduce<{ lines: string[]; depth: number }>(
      ({ lines, depth }, line) => {
        const closes = line.startsWith('</');
        const at = closes ? depth - 1 : depth;
        const opens = !closes && !line.endsWith('/>') && !line.includes('</');
        return { lines: [...lines, `${'  '.repeat(at)}${line}`], depth: opens ? at + 1 : at };
      },
      { lines: [], depth: 0 },
    )
    .lines.join('\n');
}
