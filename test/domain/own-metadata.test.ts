import { test } from 'uvu';
import { equal } from 'uvu/assert';
import {
  DomainDocument,
  isOwnNamespace,
  OWN_METADATA,
  ownElement,
  withoutBookkeeping,
} from '../../src/domain/index.js';

const { intent, journal, seal } = OWN_METADATA;
const intentXml = `\n    <lvc:intent xmlns:lvc="${intent.uri}"/>`;
const journalXml = `\n    <lvcj:journal xmlns:lvcj="${journal.uri}" by="a&lt;b">text\n      <lvcj:step/>\n    </lvcj:journal>`;
const sealXml = `\n    <lvcd:seal xmlns:lvcd="${seal.uri}" digest="1"/>`;
const domain = (metadata: string) => `<domain type='qemu'>\n  <name>a</name>${metadata}\n  <os/>\n</domain>`;
const holding = (...elements: string[]) => domain(`\n  <metadata>${elements.join('')}\n  </metadata>`);

test('what apply keeps for itself does not count, whatever stands around it', () => {
  equal(withoutBookkeeping(holding(journalXml, intentXml, sealXml)), holding(intentXml));
  equal(withoutBookkeeping(holding(sealXml, journalXml)), domain(''));
});

test('a document without it is left as it is; metadata that is empty is none', () => {
  for (const xml of [domain(''), holding(intentXml)]) equal(withoutBookkeeping(xml), xml);
  for (const xml of [holding(), domain('\n  <metadata/>')]) equal(withoutBookkeeping(xml), domain(''));
});

test('what only looks like it stays: in CDATA sections, comments and attributes, and others’ elements under a prefix of ours', () => {
  const theirs = [
    `\n    <app:a xmlns:app="urn:app"><![CDATA[\n    <lvcd:seal xmlns:lvcd="${seal.uri}"/>]]></app:a>`,
    `\n    <app:b xmlns:app="urn:app:b"><!--\n    <lvcj:entry xmlns:lvcj="${journal.uri}:1"/> --></app:b>`,
    `\n    <lvcd:seal xmlns:lvcd="urn:else">\n      <lvcd:seal>kept</lvcd:seal>\n    </lvcd:seal>`,
    `\n    <lvcj:entry xmlns:lvcj="urn:else:2" text="> &lt;/lvcj:entry>"/>`,
    `\n    <app:c xmlns:app="urn:app:c">\n      <lvcd:seal xmlns:lvcd="${seal.uri}"/>\n    </app:c>`,
  ];
  const entry = `\n    <x:entry xmlns:x="${journal.uri}:abc">text</x:entry>`;
  for (const each of theirs) {
    equal(withoutBookkeeping(holding(each)), holding(each));
    equal(withoutBookkeeping(holding(sealXml, each, entry, intentXml, journalXml)), holding(each, intentXml));
  }
  equal(withoutBookkeeping(holding(...theirs.flatMap((each) => [entry, each]))), holding(...theirs));
});

test('a CDATA section full of what only looks like it is read in no time', () => {
  const section = `<![CDATA[${'\n<lvcj:entry a="1">'.repeat(200_000)}]]>`;
  const started = performance.now();
  equal(withoutBookkeeping(holding(section, sealXml)), holding(section));
  equal(performance.now() - started < 5_000, true);
});

test('what libvirt leaves of metadata in a description is text', () => {
  const xml = `<domain type='qemu'>\n  <description><![CDATA[\n  <metadata/>]]></description>\n  <os/>\n</domain>`;
  equal(withoutBookkeeping(xml), xml);
});

test('isOwnNamespace: every release’s, in capitals too, and nobody else’s', () => {
  for (const { uri } of Object.values(OWN_METADATA)) equal(isOwnNamespace(uri), true, uri);
  for (const uri of [`${journal.uri}:abc`, 'urn:libvirt-canonical:new:9', 'URN:Libvirt-Canonical:seal:1'])
    equal(isOwnNamespace(uri), true, uri);
  for (const uri of ['', 'urn:libvirt-canonical', 'urn:libvirt-canonical2:seal:1', 'x:urn:libvirt-canonical:seal:1'])
    equal(isOwnNamespace(uri), false, uri);
});

test('ownElement: one of another domain is none', () => {
  const uuid = '6f8a2c4e-0000-4000-8000-000000000001';
  const of = (named: string) =>
    new DomainDocument(
      `<domain><uuid>${uuid}</uuid><metadata><i:intent xmlns:i='${intent.uri}' ${named}/></metadata></domain>`,
    );
  for (const named of ['', `domain='${uuid}'`, `domain='${uuid.toUpperCase().replaceAll('-', '')}'`])
    equal(ownElement(of(named), 'intent')?.localName, 'intent', named);
  equal(ownElement(of(`domain='${uuid.replace('6', '7')}'`), 'intent'), undefined);
});

test('an element of ours is told by its namespace, not by its prefix', () => {
  const document = new DomainDocument(holding(intentXml, `\n    <lvcj:journal xmlns:lvcj="urn:other"/>`));
  equal(ownElement(document, 'intent')?.localName, 'intent');
  equal(ownElement(document, 'journal'), undefined);
});

test.run();
