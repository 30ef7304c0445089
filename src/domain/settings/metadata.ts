import { assertXmlText, children, type Element, parseElement, select, serialize } from '../../xml/index.js';
import {
  AFFECT,
  type DomainContext,
  type MutatorCall,
  type Setting,
  type SettingPlan,
  setOperation,
} from '../operation.js';
import { describe, invalid } from '../values.js';

/** virDomainMetadataType. */
const TYPE = { description: 0, title: 1, element: 2 } as const;

/** Elements of one's own in `<metadata>`, by namespace URI; `null` removes the one that is there. */
export type MetadataRequest = Readonly<Record<string, { readonly prefix: string; readonly xml: string } | null>>;

function call(
  type: number,
  metadata: string | null,
  scope: 'both' | 'config',
  key: string | null = null,
  uri: string | null = null,
): MutatorCall {
  return { procedure: 'DOMAIN_SET_METADATA', args: { type, metadata, key, uri, flags: AFFECT[scope] } };
}

/** A running domain has the text in both documents, and neither needs the guest: it is there at once. */
function scopeOf({ live }: DomainContext): 'both' | 'config' {
  return live ? 'both' : 'config';
}

function textSetting(name: 'title' | 'description'): Setting<string | null> {
  return {
    name,
    touches: [name],
    plan(value, context, path): SettingPlan {
      if (value !== null && typeof value !== 'string')
        throw invalid(path, `${describe(value)} is not a text`, 'Give a string, or null to remove it');
      if (value !== null) assertXmlText(value, path);
      if (name === 'title' && value?.includes('\n'))
        throw invalid(path, 'a title is one line', 'Put longer text into description');
      const wanted = value === '' ? null : value;
      const now = context.canonical.value(name) ?? null;
      const liveNow = context.live ? (context.live.value(name) ?? null) : now;
      if (wanted === now && wanted === liveNow) return { operations: [], refusals: [] };
      const scope = scopeOf(context);
      const change = [{ path: name, from: now ?? undefined, to: wanted ?? undefined }];
      return {
        operations: [
          setOperation(name, scope, change, call(TYPE[name], wanted, scope), call(TYPE[name], now, scope), {
            takesEffect: 'now',
          }),
        ],
        refusals: [],
      };
    },
  };
}

/** `<title>`, one line: virDomainSetMetadata. */
export const title = textSetting('title');

/** `<description>`: virDomainSetMetadata. */
export const description = textSetting('description');

/** One element per namespace in `<metadata>`: virDomainSetMetadata. Others' elements are left alone. */
export const metadata: Setting<MetadataRequest> = {
  name: 'metadata',
  touches: ['metadata'],
  plan(value, context, path) {
    if (typeof value !== 'object' || value === null)
      throw invalid(path, `${describe(value)} is not an object by namespace URI`);
    const scope = scopeOf(context);
    const operations = Object.entries(value).flatMap(([uri, element]) => {
      const where = `${path}[${JSON.stringify(uri)}]`;
      if (uri === '') throw invalid(where, 'the namespace URI is empty');
      const now = metadataOf(context.canonical.root, uri);
      const wanted = element === null ? undefined : checked(element, uri, where);
      if (wanted && now ? sameElement(wanted.xml, now.xml) : wanted === now) return [];
      const key = wanted?.prefix ?? now?.prefix ?? null;
      const change = [{ path: `metadata ${uri}`, from: now && 'set', to: wanted && 'set' }];
      const undo = now
        ? call(TYPE.element, now.xml, scope, now.prefix, uri)
        : call(TYPE.element, null, scope, null, uri);
      return [
        setOperation(
          'metadata',
          scope,
          change,
          call(TYPE.element, wanted?.xml ?? null, scope, wanted ? key : null, uri),
          undo,
          {
            takesEffect: 'now',
          },
        ),
      ];
    });
    return { operations, refusals: [] };
  },
};

/** The element of one namespace, as virDomainSetMetadata takes it: without the prefix and declaration that libvirt adds. */
function metadataOf(root: Parameters<typeof select>[0], uri: string): { prefix: string; xml: string } | undefined {
  const element = select(root, 'metadata/*').find((each) => each.namespaceURI === uri);
  if (!element) return undefined;
  const prefix = element.prefix ?? '';
  const bare = parseElement(serialize(element));
  return { prefix, xml: withoutPrefix(serialize(bare), prefix) };
}

/** Whether two elements say the same; libvirt indents what it is given. */
function sameElement(a: string, b: string): boolean {
  const [one, other] = [a, b].map((xml) => serialize(withoutLayout(parseElement(xml))));
  return one === other;
}

function withoutLayout(element: Element): Element {
  const inside = children(element);
  inside.forEach(withoutLayout);
  for (const node of inside.length > 0 ? [...element.childNodes] : [])
    if (node.nodeType === node.TEXT_NODE && node.nodeValue?.trim() === '') element.removeChild(node);
  return element;
}

/** libvirt sets the prefix on the root element only and keeps inner ones as they are. */
function withoutPrefix(xml: string, prefix: string): string {
  if (prefix === '') return xml;
  return xml
    .replace(new RegExp(`^<${prefix}:`), '<')
    .replace(new RegExp(`</${prefix}:([^>]+)>$`), '</$1>')
    .replace(new RegExp(` xmlns:${prefix}="[^"]*"`), '');
}

function checked(
  element: { prefix: string; xml: string },
  uri: string,
  where: string,
): { prefix: string; xml: string } {
  if (!/^[A-Za-z_][\w.-]*$/.test(element.prefix ?? ''))
    throw invalid(`${where}.prefix`, `${describe(element.prefix)} is not a namespace prefix`);
  const root = parseElement(element.xml);
  if (root.prefix)
    throw invalid(
      `${where}.xml`,
      'the root element has a prefix of its own',
      `Leave it off: libvirt adds ${element.prefix}: for ${uri}`,
    );
  return { prefix: element.prefix, xml: serialize(root) };
}
