import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bytesInMetadata, bytesTooMany, child, children, childSpans, parseElement } from '../../src/xml/index.js';
import { fixture, fixtureNames } from '../support/fixtures.js';

test('childSpans: where the tree has elements, there they stand in the text, in every fixture', () => {
  let seen = 0;
  for (const file of fixtureNames) {
    const xml = fixture(file);
    for (const name of ['metadata', 'devices', 'os', 'memory']) {
      const element = child(parseElement(xml), name);
      const spans = childSpans(xml, name);
      assert.is(spans === undefined, element === undefined, `${name} of ${file}`);
      const names = (spans?.elements ?? []).map(({ from, to }) => {
        assert.is(xml[to - 1], '>');
        return /^<([^\s/>]+)/.exec(xml.slice(from, to))?.[1];
      });
      assert.equal(names, element ? children(element).map(({ nodeName }) => nodeName) : [], `${name} of ${file}`);
      seen += names.length;
    }
  }
  assert.ok(seen > 100, `${seen} elements`);
});

test('childSpans: an element of that name further down, in a comment, in CDATA or with a longer name is another', () => {
  for (const xml of [
    '<domain/>',
    '<domain><os><metadata><a/></metadata></os></domain>',
    '<domain><!-- <metadata/> --><a><![CDATA[<metadata>]]></a></domain>',
    '<domain><metadata2><a/></metadata2><x:metadata xmlns:x="u"/></domain>',
  ])
    assert.is(childSpans(xml, 'metadata'), undefined, xml);
  const xml = '<?xml version="1.0"?><domain a=">"><metadata\n b="/>"><a c="</a>"/><b><a/></b></metadata></domain>';
  const { whole, elements } = childSpans(xml.replace('</a>"', '&lt;/a>"'), 'metadata') ?? {};
  assert.is(elements?.length, 2);
  assert.is(whole?.from, xml.indexOf('<metadata'));
});

test('bytesInMetadata: no less than libxml2 writes, which escapes what is beyond ASCII', () => {
  assert.is(bytesInMetadata('abc'), 3);
  assert.is(bytesInMetadata('ä漢😀'), '&#xE4;&#x6F22;&#x1F600;'.length);
  assert.ok(bytesInMetadata('a > b\n') >= 'a &gt; b\n'.length);
  assert.is(bytesTooMany('<a/>', 1000, 'request'), 0);
  assert.ok(bytesTooMany('<a/>', 4 * 1024 * 1024, 'bookkeeping') > 0);
});

test.run();
