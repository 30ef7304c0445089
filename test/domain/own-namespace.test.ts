/** This library's own namespaces are written by nobody else: by no request, desired state, definition or bundle. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument, keepCallersMetadata, OWN_METADATA } from '../../src/domain/index.js';
import { planChanges, planTowards } from '../../src/plan/index.js';
import { failureNow } from '../support/deadline.js';
import { contextOf, fixture } from '../support/fixtures.js';

const { intent, storage, rescue, journal, seal } = OWN_METADATA;
const OWN = [
  intent.uri,
  storage.uri,
  rescue.uri,
  seal.uri,
  journal.uri,
  `${journal.uri}:abc`,
  'urn:libvirt-canonical:x:2',
];
const set = (uri: string, xml: string) =>
  planChanges({ set: { metadata: { [uri]: { prefix: 't', xml } } } }, contextOf('off'));

test('set.metadata refuses every one of them, by its key and by a namespace that the element brings along', () => {
  for (const uri of OWN) {
    assert.match(failureNow(() => set(uri, '<a/>'), 'SPEC_INVALID').message, 'a namespace of your own');
    failureNow(() => planChanges({ set: { metadata: { [uri]: null } } }, contextOf('off')), 'SPEC_INVALID');
    // libvirt leaves an element in the namespace that it brings (virXMLInjectNamespace).
    failureNow(() => set('urn:mine', `<seal xmlns='${uri}' libvirt='9.0.0'>x</seal>`), 'SPEC_INVALID');
  }
  failureNow(() => set('urn:mine', "<a xmlns='urn:another'/>"), 'SPEC_INVALID');
  assert.is(set('urn:mine', "<a xmlns='urn:mine'><b/></a>").operations.length, 1);
  assert.is(set('urn:mine', '<lvcd:a xmlns:lvcd="urn:mine"/>'.replace('lvcd:', '')).operations.length, 1);
});

const elements = (uuid: string) =>
  OWN.map((uri, n) => `<o${n}:a xmlns:o${n}='${uri}' domain='${uuid}'><x>${n}</x></o${n}:a>`).join('');

test('planTowards leaves all of them out of a desired state, and asks for what applications keep', () => {
  const context = contextOf('off');
  const xml = fixture('off.xml').replace(
    /(<metadata>)|<memory/,
    (all, metadata) =>
      `<metadata>${elements(context.canonical.uuid)}<m:a xmlns:m='urn:mine'/>${metadata ? '' : '</metadata>'}${metadata ? '' : all}`,
  );
  const uris = planTowards(xml, context).operations.flatMap(({ call }) =>
    call.procedure === 'DOMAIN_SET_METADATA' && call.args.uri !== null ? [call.args.uri] : [],
  );
  assert.equal(
    uris.filter((uri) => uri !== intent.uri),
    ['urn:mine'],
  );
});

test('keepCallersMetadata: of a definition only the intent and storage records stay, of that domain', () => {
  const [own, other] = ['6f8a2c4e-0000-4000-8000-000000000001', '6f8a2c4e-0000-4000-8000-000000000002'];
  const kept = (named: string) => {
    const { root } = new DomainDocument(
      `<domain><metadata>${elements(named)}<m:a xmlns:m='urn:mine'/><lvcd:b xmlns:lvcd='urn:b'/></metadata></domain>`,
    );
    keepCallersMetadata(root, own);
    return [...`${new DomainDocument(root.toString())}`.matchAll(/xmlns:\w+=["']([^"']+)/g)].map(([, uri]) => uri);
  };
  assert.equal(kept(own), [intent.uri, storage.uri, 'urn:mine', 'urn:b']);
  assert.equal(kept(other), ['urn:mine', 'urn:b']);
  assert.equal(kept(''), [intent.uri, storage.uri, 'urn:mine', 'urn:b'], 'as releases wrote them that named no domain');
});

test('a text or an element with which nobody could read the domain any more is refused', () => {
  const words = '漢'.repeat(700_000);
  assert.is(failureNow(() => set('urn:mine', `<a>${words}</a>`), 'SPEC_INVALID').path, 'set.metadata["urn:mine"]');
  failureNow(() => planChanges({ set: { description: words } }, contextOf('off')), 'SPEC_INVALID');
  assert.is(set('urn:mine', `<a>${words.slice(0, 300_000)}</a>`).operations.length, 1);
});

test.run();
