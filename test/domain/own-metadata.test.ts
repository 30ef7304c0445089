import { test } from 'uvu';
import { equal } from 'uvu/assert';
import { DomainDocument, OWN_METADATA, ownElement, withoutBookkeeping } from '../../src/domain/index.js';

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

test('a CDATA section full of what only looks like it is read in no time', () => {
  const hostile = holding(`<![CDATA[${'\n<lvcj:entry a="1">'.repeat(200_000)}]]>`, sealXml);
  const started = performance.now();
  equal(withoutBookkeeping(hostile), hostile);
  equal(performance.now() - started < 5_000, true);
});

test('an element of ours is told by its namespace, not by its prefix', () => {
  const document = new DomainDocument(holding(intentXml, `\n    <lvcj:journal xmlns:lvcj="urn:other"/>`));
  equal(ownElement(document, 'intent')?.localName, 'intent');
  equal(ownElement(document, 'journal'), undefined);
});

test.run();
