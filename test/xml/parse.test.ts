import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LibvirtCanonicalError } from '../../src/errors.js';
import { parseElement, parseXml, serialize } from '../../src/xml/index.js';
import { MAX_XML_BYTES, MAX_XML_DEPTH, MAX_XML_PARTS } from '../../src/xml/parse.js';
import { failureNow } from '../support/deadline.js';
import { fixture, fixtureNames } from '../support/fixtures.js';
import { assertSameTokens, tokens } from '../support/tokens.js';

test('parse and serialise keep every token of real documents', () => {
  assert.ok(fixtureNames.length >= 10, 'there are documents to try');
  for (const name of fixtureNames) {
    const xml = fixture(name);
    assert.ok(tokens(xml).length > 100, `${name} has tokens`);
    assertSameTokens(serialize(parseXml(xml)), xml, name);
  }
});

test('parse and serialise keep comments, CDATA, foreign prefixes, white space and attribute order', () => {
  const xml = `<?xml version="1.0"?>
<!-- head --><domain z="1" a='2' xmlns:q="urn:q">\n\t<name>  two  words </name><q:x q:y='&lt;&amp;"'/>
<b><![CDATA[<not & markup>]]></b><!-- &amp; - inside --><?keep this?><c>a &gt; b &quot;c&quot; &#x263a;</c>
</domain><!-- tail -->`;
  assertSameTokens(serialize(parseXml(xml)), xml);
  assert.not.equal(tokens(xml), tokens(xml.replace('two  words', 'two words')), 'the witness sees white space');
  assert.not.equal(tokens(xml), tokens(xml.replace(`z="1" a='2'`, `a='2' z="1"`)), 'the witness sees attribute order');
});

test('a DOCTYPE or an entity is forbidden, wherever it stands, with line and column', () => {
  for (const [xml, where] of [
    ['<!DOCTYPE domain><domain/>', 'line 1, column 1'],
    ['<?xml version="1.0"?>\n<!-- x -->\n  <!DOCTYPE d SYSTEM "file:///etc/passwd"><d/>', 'line 3, column 3'],
    ['<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><d>&b;</d>', 'line 1, column 1'],
    ['<d>\n<!ENTITY a "b"></d>', 'line 2, column 1'],
    ['<d><!doctype x></d>', 'line 1, column 4'],
    ['<d>\n<name>&nbsp;</name></d>', 'line 2, column 7'],
    ['<d>\n<name a="x&undefined;"/></d>', 'line 2, column 11'],
    ['<d>&größe;</d>', 'line 1, column 4'],
  ] as const) {
    const error = failureNow(() => parseXml(xml), 'XML_FORBIDDEN');
    assert.ok(error.message.includes(where), `${where} in: ${error.message}`);
    assert.ok(error.remedy);
  }
});

test('what only looks like a DOCTYPE is text', () => {
  const xml = '<d a="<!DOCTYPE x>"><!-- <!DOCTYPE x> --><![CDATA[<!DOCTYPE x>]]></d>'.replace('"<', '"&lt;');
  assertSameTokens(serialize(parseXml(xml)), xml);
});

test('malformed XML is refused with line and column, nothing is repaired', () => {
  for (const [xml, line] of [
    ['<domain>\n<name>x</nam></domain>', 2],
    ['<domain>\n\n<name>x', 3],
    ['<domain>\n<disk a="1" a="2"/></domain>', 2],
    ['<domain>\n<disk a=1/></domain>', 2],
    ['<domain>\n<disk a/></domain>', 2],
    ['<domain>\n<name>a & b</name></domain>', 2],
    ['<domain>\n<name a="a & b"/></domain>', 2],
    ['<domain>\n<name a="a<b"/></domain>', 2],
    ['<domain/>\n<domain/>', 2],
    ['<domain/>\ntrailing', 1],
    ['<domain>\n<q:name/></domain>', 2],
    ['<domain>\n<!-- a -- b --></domain>', 2],
    ['<domain>\n]]></domain>', 2],
    ['<domain>\n<1/></domain>', 2],
    ['<domain>\n<name>\u0001</name></domain>', 2],
    ['<domain>\n<name>&#1;</name></domain>', 2],
    ['<domain>\n<name>&#xD800;</name></domain>', 2],
    ['<domain>\n<name>&#x110000;</name></domain>', 2],
    ['<domain>\n<name>\ud800</name></domain>', 2],
    ['<domain>\n<name>\uffff</name></domain>', 2],
  ] as const) {
    const error = failureNow(() => parseXml(xml), 'XML_MALFORMED');
    const [, found] = /line (\d+), column \d+/.exec(error.message) ?? [];
    assert.is(Number(found), line, `${JSON.stringify(xml)}: ${error.message}`);
    assert.ok(error.remedy);
    assert.not.ok(error.message.includes('\n'), 'one line');
  }
});

test('no document at all is malformed too', () => {
  for (const xml of ['', '   ', '<!-- only -->', 'text', '<?xml version="1.0"?>'])
    failureNow(() => parseElement(xml), 'XML_MALFORMED');
  failureNow(() => parseXml(undefined as never), 'XML_MALFORMED');
  failureNow(() => parseXml(7 as never), 'XML_MALFORMED');
});

test('nesting is limited, on both sides of the limit', () => {
  const nested = (depth: number) => `${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}`;
  assert.is(parseElement(nested(MAX_XML_DEPTH)).nodeName, 'a');
  assert.match(failureNow(() => parseXml(nested(MAX_XML_DEPTH + 1)), 'XML_LIMIT').message, /line 1, column 769/);
  assert.is(parseElement(`<a>${'<b x=">"/>'.repeat(1000)}</a>`).childNodes.length, 1000, 'width is not depth');
  failureNow(() => parseXml('<a>'.repeat(1_000_000)), 'XML_LIMIT');
});

test('length is limited in bytes, on both sides of the limit', () => {
  const sized = (bytes: number, fill: string) => `<a>${fill.repeat((bytes - 7) / Buffer.byteLength(fill))}</a>`;
  const most = sized(MAX_XML_BYTES - 1, 'ää');
  assert.is(Buffer.byteLength(most), MAX_XML_BYTES - 1);
  assert.is(parseElement(most).nodeName, 'a');
  failureNow(() => parseXml(`${most}  `), 'XML_LIMIT');
});

test('elements, attributes, comments and the like are limited in all, on both sides of the limit', () => {
  const most = `<a>${"<b c='1'>x</b>".repeat((MAX_XML_PARTS - 2) / 2)}<!-- --></a>`;
  assert.is(parseElement(most).nodeName, 'a');
  for (const more of ['<b/>', "<b c=''/>", '<!-- -->', '<![CDATA[x]]>', '<?x?>'])
    failureNow(() => parseXml(most.replace('</a>', `${more}</a>`)), 'XML_LIMIT');
  const attributes = (n: number) => `<a ${Array.from({ length: n }, (_, at) => `a${at}=""`).join(' ')}/>`;
  assert.is(parseElement(attributes(1000)).attributes.length, 1000);
  failureNow(() => parseXml(attributes(MAX_XML_PARTS)), 'XML_LIMIT');
});

test('the largest documents that are taken are read within seconds, whatever they are made of', () => {
  for (const unit of ['<b/>', '<!---->', '&#65;', '    ', ']]']) {
    const count = unit.startsWith('<') ? MAX_XML_PARTS - 1 : ((4 << 20) - 10) / unit.length;
    const started = performance.now();
    parseXml(`<a>${unit.repeat(count)}</a>`);
    assert.ok(performance.now() - started < 15_000, `${unit}: ${performance.now() - started} ms`);
  }
});

test('an error never holds the text around it', () => {
  for (const xml of [
    "<graphics passwd='hunter2'><x></graphics>",
    '<graphics passwd=hunter2/>',
    '<graphics passwd="1"hunter2"/>',
    '<graphics passwd="1" hunter2"/>',
    "<graphics passwd='1' hunter2/>",
    "<graphics passwd='1' hunter2='a' hunter2='b'/>",
    '<graphics passwd="hunter2<x"/>',
    '<graphics></hunter2>',
    '<graphics></graphics hunter2>',
    '<graphics/>hunter2',
    '<hunter2',
    '<hunter2:x/>',
    '<hunter2><y><z>',
    '<?hunter2',
    '<x<hunter2/>',
    '<x>&hunter2;</x>',
  ]) {
    let error: unknown;
    try {
      parseXml(xml);
    } catch (thrown) {
      error = thrown;
    }
    assert.instance(error, LibvirtCanonicalError, xml);
    assert.not.match((error as LibvirtCanonicalError).message, /hunter2/, xml);
  }
});

test('a replacement character is one like any other', () => {
  assert.is(parseElement('<title>\ufffd</title>').textContent, '\ufffd');
});

test.run();
