import {
  assertXmlText,
  bytesInMetadata,
  bytesTooMany,
  child,
  children,
  type Element,
  type Node,
  parseElement,
  serialize,
} from '../../xml/index.js';
import type { DomainDocument } from '../document.js';
import { byName, object, removable, TEXT, XML } from '../json-schema.js';
import type { Change, MutatorCall, ObservedDomain, Operation } from '../operation.js';
import { isOwnNamespace, OWN_METADATA } from '../own-metadata/own-metadata.js';
import { formatValue, specInvalid } from '../values.js';
import { asObject } from './params.js';
import type { Setting } from './setting.js';
import { planSides } from './sides.js';

/** virDomainMetadataType. */
const TYPE = { description: 0, title: 1, element: 2 } as const;

/** Elements of one's own in `<metadata>`, by namespace URI; `null` removes the one that is there. */
export type MetadataRequest = Readonly<Record<string, { readonly prefix: string; readonly xml: string } | null>>;

function textSetting(name: 'title' | 'description'): Setting<string | null> {
  return {
    name,
    schema: { type: ['string', 'null'] },
    sideEffects: [name],
    paths: [name],
    read: (document) => asKept(document.value(name)),
    plan(value, { canonical, live }, path) {
      if (value !== null && typeof value !== 'string')
        throw specInvalid(path, `${formatValue(value)} is not a text`, 'Give a string, or null to remove it');
      if (value !== null) assertXmlText(value, path);
      assertFitsWire(value ?? '', (document) => document.value(name), { canonical, live }, path);
      if (name === 'title' && value?.includes('\n'))
        throw specInvalid(path, 'a title is one line', 'Put longer text into description');
      const operations = planSides({
        name,
        canonical: { [name]: canonical.value(name) },
        live: live && { [name]: live.value(name) },
        wanted: { [name]: value || undefined },
        takesEffect: 'now',
        call: (change, _, flags) => call(TYPE[name], change[name], null, null, flags),
      });
      return { operations, refusals: [] };
    },
  };
}

/** A text as the next reader of the document sees it: libvirt writes a carriage return as it is, which XML reads as a line end. */
function asKept(text: string | undefined): string | undefined {
  return text?.replace(/\r\n?/g, '\n');
}

/** `<title>`, one line: virDomainSetMetadata. */
export const title = textSetting('title');

/** `<description>`: virDomainSetMetadata. */
export const description = textSetting('description');

/** For an element that stands in a default namespace: libvirt's call wants a prefix. */
const NO_PREFIX = 'app';

/** One element per namespace in `<metadata>`: virDomainSetMetadata. Others' elements are left alone, and this library's own. */
export const metadata: Setting<MetadataRequest> = {
  name: 'metadata',
  schema: byName(removable(object({ prefix: TEXT, xml: XML }, ['prefix', 'xml']))),
  sideEffects: ['metadata'],
  paths: ['metadata'],
  read(document) {
    const element = child(document.root, 'metadata');
    const others = (element ? children(element) : []).filter(({ namespaceURI: uri }) => uri && !isOwnNamespace(uri));
    if (others.length === 0) return undefined;
    return Object.fromEntries(
      others.map(({ namespaceURI, prefix }) => [
        namespaceURI as string,
        { prefix: prefix || NO_PREFIX, xml: metadataText(document, namespaceURI as string) as string },
      ]),
    );
  },
  plan(value, context, path) {
    const operations = Object.entries(asObject(value, path)).flatMap(([uri, element]) =>
      planElement(uri, element, context, `${path}[${JSON.stringify(uri)}]`),
    );
    return { operations, refusals: [] };
  },
};

function planElement(uri: string, element: unknown, context: ObservedDomain, where: string): Operation[] {
  if (uri === '') throw specInvalid(where, 'the namespace URI is empty');
  assertNotOwnNamespace(uri, where);
  const wanted = element === null ? undefined : checked(element, uri, where);
  assertFitsWire(wanted ?? '', (document) => read(document, uri), context, where);
  return elementOperations(uri, wanted, context);
}

/** The operations that write an element of this library's own, well-formed and without its prefix; undefined removes it. */
export function ownElementOperations(
  name: keyof typeof OWN_METADATA,
  xml: string | undefined,
  context: ObservedDomain,
): Operation[] {
  const { prefix, uri } = OWN_METADATA[name];
  return elementOperations(uri, xml && `${prefix} ${xml}`, context).map((each) => ({
    ...each,
    subject: name,
    inverse: each.inverse.map((step) => ({ ...step, subject: name })),
  }));
}

/** `wanted` is prefix and element in one text. */
function elementOperations(uri: string, asked: string | undefined, { canonical, live }: ObservedDomain): Operation[] {
  // The prefix is only another word for the namespace: one that is there stays.
  const same = [read(canonical, uri), live && read(live, uri)].find(
    (each) => each && split(each)[1] === split(asked)[1],
  );
  const wanted = same ?? asked;
  const operations = planSides({
    name: 'metadata',
    canonical: { [uri]: read(canonical, uri) },
    live: live && { [uri]: read(live, uri) },
    wanted: { [uri]: wanted },
    label: () => `metadata ${uri}`,
    takesEffect: 'now',
    call: (change, _, flags) => {
      const [prefix, xml] = split(change[uri]);
      return call(TYPE.element, xml, prefix, uri, flags);
    },
  });
  return operations.map((operation) => ({
    ...operation,
    changes: withoutContents(operation.changes),
    inverse: operation.inverse.map((step) => ({ ...step, changes: withoutContents(step.changes) })),
  }));
}

/** What stands in metadata is its owner's and can be a secret: a plan says only that there is something. */
function withoutContents(changes: readonly Change[]): Change[] {
  return changes.map(({ path, from, to }) => ({ path, from: from && 'set', to: to && 'set' }));
}

function call(
  type: number,
  metadata: string | undefined,
  key: string | null,
  uri: string | null,
  flags: number,
): MutatorCall {
  return { procedure: 'DOMAIN_SET_METADATA', args: { type, metadata: metadata ?? null, key, uri, flags } };
}

/** Prefix and element of one namespace in one text, as virDomainSetMetadata takes them: without the declaration that libvirt adds. */
function read({ root }: DomainDocument, uri: string): string | undefined {
  const metadata = child(root, 'metadata');
  const element = metadata && children(metadata).find((each) => each.namespaceURI === uri);
  if (!element) return undefined;
  return `${element.prefix || NO_PREFIX} ${settled(element, element.prefix ?? '', uri)}`;
}

/** The element of one namespace as a call writes it; undefined when the document has none. */
export function metadataText(document: DomainDocument, uri: string): string | undefined {
  return split(read(document, uri))[1];
}

function split(text: string | undefined): [prefix: string | null, xml: string | undefined] {
  if (text === undefined) return [null, undefined];
  const at = text.indexOf(' ');
  return [text.slice(0, at), text.slice(at + 1)];
}

/**
 * An element as text, without the prefix that libvirt gives to every element that comes without a namespace
 * (virXMLInjectNamespace), without a declaration of `uri` as the default namespace, which the prefix stands for then, and
 * without the white space between elements, which it sets its own way.
 */
function settled(element: Element, prefix = '', uri = ''): string {
  const given = prefix !== '' && element.prefix === prefix;
  const name = given ? element.localName : element.nodeName;
  const attributes = Array.from(element.attributes).filter(
    (each) => each.name !== `xmlns:${prefix}` && !(uri !== '' && each.name === 'xmlns' && each.value === uri),
  );
  const nodes = Array.from(element.childNodes);
  const isText = (node: Node) => node.nodeType === node.TEXT_NODE;
  const isElement = (node: Node): node is Element => node.nodeType === node.ELEMENT_NODE;
  const spaced = nodes.some(isElement) && !nodes.some((node) => isText(node) && node.nodeValue?.trim());
  const content = nodes
    .filter((node) => !(spaced && isText(node)))
    .map((node) => (isElement(node) ? settled(node, prefix, uri) : serialize(node)));
  const head = [name, ...attributes.map((each) => serialize(each).trimStart())].join(' ');
  return nodes.length === 0 ? `<${head}/>` : `<${head}>${content.join('')}</${name}>`;
}

/** A document that is longer than libvirt's wire carries nobody can read any more, virsh included. */
function assertFitsWire(
  wanted: string,
  there: (document: DomainDocument) => string | undefined,
  { canonical, live }: Pick<ObservedDomain, 'canonical' | 'live'>,
  where: string,
): void {
  for (const document of live ? [canonical, live] : [canonical]) {
    const over = bytesTooMany(document.xml, bytesInMetadata(wanted) - (there(document) ?? '').length, 'request');
    if (wanted === '' || over === 0) continue;
    throw specInvalid(
      where,
      `with it the document of the domain is ${over} bytes too long`,
      'Keep it elsewhere, and its name here',
    );
  }
}

/** What this library keeps in its own namespaces it believes: nobody else's text gets there. */
function assertNotOwnNamespace(uri: string, where: string): void {
  if (isOwnNamespace(uri))
    throw specInvalid(where, `${uri} is a namespace of this library's own`, 'Use a namespace of your own');
}

function checked(value: unknown, uri: string, where: string): string {
  const { prefix, xml } = asObject(value, where, ['prefix', 'xml']);
  if (typeof prefix !== 'string' || !/^[A-Za-z_][\w.-]*$/.test(prefix))
    throw specInvalid(`${where}.prefix`, `${formatValue(prefix)} is not a namespace prefix`);
  if (typeof xml !== 'string')
    throw specInvalid(`${where}.xml`, `${formatValue(xml)} is not XML`, 'Give one element as text');
  const root = parseElement(xml);
  if (root.prefix)
    throw specInvalid(
      `${where}.xml`,
      'the root element has a prefix of its own',
      `Leave it off: libvirt adds ${prefix}: for ${uri}`,
    );
  // libvirt gives the namespace to what has none, and leaves what has another in that one (virXMLInjectNamespace).
  const { namespaceURI } = root;
  if (namespaceURI !== null) assertNotOwnNamespace(namespaceURI, `${where}.xml`);
  if (namespaceURI !== null && namespaceURI !== uri)
    throw specInvalid(
      `${where}.xml`,
      `the root element is in the namespace ${namespaceURI}`,
      `Leave it off, or give ${uri}`,
    );
  return `${prefix} ${settled(root)}`;
}
