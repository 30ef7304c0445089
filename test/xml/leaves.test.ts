import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  assertXmlText,
  buildElement,
  detachedCopy,
  leafChanges,
  leaves,
  parseElement,
  serialize,
  setAt,
  under,
  valueAt,
} from '../../src/xml/index.js';
import { failureNow } from '../support/deadline.js';
import { tokens } from '../support/tokens.js';

const name = fc.constantFrom('source', 'target', 'driver', 'host', 'boot', 'a.b', 'x-y', '_z');
/** Any text that XML can carry, with a liking for what could be taken for markup. */
const value = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc
      .array(
        fc.constantFrom(
          '<',
          '>',
          '&',
          "'",
          '"',
          ']]>',
          '&amp;',
          '&#60;',
          '<!--',
          '-->',
          '<![CDATA[',
          '\n',
          '\t',
          '\r',
          ' ',
          'ä',
          '😀',
          'x',
        ),
        { maxLength: 6 },
      )
      .map((parts) => parts.join('')),
  )
  .filter(carried);

function carried(text: string): boolean {
  try {
    assertXmlText(text, 'here');
    return true;
  } catch {
    return false;
  }
}

interface Node {
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly children: ReadonlyArray<readonly [string, Node]>;
}
const { node } = fc.letrec<{ node: Node }>((tie) => ({
  node: fc.record({
    attributes: fc.dictionary(name, value, { maxKeys: 3, noNullPrototype: true }),
    text: value,
    children: fc.oneof({ maxDepth: 3 }, fc.constant([]), fc.array(fc.tuple(name, tie('node')), { maxLength: 4 })),
  }),
}));

/** The leaves that a tree of ours should have: the definition written a second time, in another way. */
function expected({ attributes, text, children }: Node, path = ''): Array<[string, string]> {
  const at = (step: string) => (path === '' ? step : `${path}/${step}`);
  const counts: Record<string, number> = {};
  const own: Array<[string, string]> = Object.entries(attributes).map(([key, each]) => [at(`@${key}`), each]);
  const below = children.flatMap(([key, each]) => {
    counts[key] = (counts[key] ?? 0) + 1;
    return expected(each, at(counts[key] === 1 ? key : `${key}[${counts[key]}]`));
  });
  const leaf = children.length === 0 && path !== '' && (text.trim() !== '' || own.length === 0);
  return [...own, ...below, ...(leaf ? [[path, text] as [string, string]] : [])];
}

test('build, parse, leaves: what goes in comes out, and no value ever becomes markup', () => {
  fc.assert(
    fc.property(node, (tree) => {
      const given = expected(tree);
      const xml = buildElement('root', given);
      assert.equal([...leaves(parseElement(xml))].sort(), [...new Map(given)].sort(), xml);
      const names = new Set(
        tokens(xml)
          .filter(([kind]) => kind === 'open')
          .map(([, tag]) => tag),
      );
      const asked = new Set([
        'root',
        ...given.flatMap(([path]) =>
          path
            .split('/')
            .filter((step) => !step.startsWith('@'))
            .map((step) => step.replace(/\[.*/, '')),
        ),
      ]);
      assert.equal([...names].sort(), [...asked].sort(), 'only the elements asked for');
      assert.not.ok(tokens(xml).some(([kind]) => kind === 'comment' || kind === 'cdata' || kind === 'instruction'));
    }),
    { numRuns: 500 },
  );
});

test('set, then read: the value stands there, and everything else stays', () => {
  const path = fc
    .tuple(
      fc.array(
        fc.tuple(name, fc.constantFrom('', '[2]')).map(([step, nth]) => `${step}${nth}`),
        { maxLength: 3 },
      ),
      fc.option(name),
    )
    .map(([steps, attribute]) => [...steps, ...(attribute === null ? [] : [`@${attribute}`])].join('/'))
    .filter((each) => each !== '');
  fc.assert(
    fc.property(node, path, value, (tree, where, wanted) => {
      const element = parseElement(buildElement('root', expected(tree)));
      // A repeated child can only be made after those before it.
      for (const [index, step] of where.split('/').entries()) {
        const before = where.split('/').slice(0, index);
        if (step.includes('[2]')) {
          const first = [...before, step.replace('[2]', '')].join('/');
          if (valueAt(element, first) === undefined) setAt(element, first, 'first');
        }
      }
      const was = leaves(element);
      setAt(element, where, wanted);
      assert.is(valueAt(element, where), wanted);
      const reread = parseElement(serialize(element));
      assert.is(valueAt(reread, where), wanted, 'after serialising and parsing');
      for (const [other, stands] of was) {
        const related = other === where || other.startsWith(`${where}/`) || where.startsWith(`${other}/`);
        if (!related) assert.is(leaves(reread).get(other), stands, other);
      }
    }),
    { numRuns: 500 },
  );
});

test('removing takes the value and what it leaves empty, never the root, never a neighbour', () => {
  const disk = () =>
    parseElement("<disk><source file='a' dev='b'><x/></source><iotune><read>1</read></iotune><readonly/></disk>");
  const without = (path: string) => {
    const element = disk();
    setAt(element, path, undefined);
    return serialize(element);
  };
  assert.is(without('iotune/read'), '<disk><source file="a" dev="b"><x/></source><readonly/></disk>');
  assert.is(
    without('source/@file'),
    '<disk><source dev="b"><x/></source><iotune><read>1</read></iotune><readonly/></disk>',
  );
  assert.is(without('source'), '<disk><iotune><read>1</read></iotune><readonly/></disk>');
  assert.is(without('nothing/@here'), serialize(disk()));
  assert.is(without('source/@absent'), serialize(disk()));
  const bare = parseElement("<disk type='file'/>");
  setAt(bare, '@type', undefined);
  assert.is(serialize(bare), '<disk/>');
});

test('set and remove is a way back', () => {
  fc.assert(
    fc.property(node, name, value, (tree, step, wanted) => {
      const element = parseElement(buildElement('root', expected(tree)));
      const before = [...leaves(element)];
      setAt(element, `fresh/${step}/@v`, wanted);
      setAt(element, `fresh/${step}/@v`, undefined);
      assert.equal([...leaves(element)], before);
    }),
  );
});

test('leaves leave out comments and layout, and number repeated children', () => {
  const element = parseElement(`<disk a="1">
    <!-- no leaf --><host name="x"/><host name="y"/><serial>  S 1 </serial><empty/><t><![CDATA[<&>]]></t>
  </disk>`);
  assert.equal(
    [...leaves(element)],
    [
      ['@a', '1'],
      ['host/@name', 'x'],
      ['host[2]/@name', 'y'],
      ['serial', '  S 1 '],
      ['empty', ''],
      ['t', '<&>'],
    ],
  );
});

test('leaf changes say what is on one side only and what differs, and nothing else', () => {
  const a = new Map([
    ['same', '1'],
    ['other', '1'],
    ['gone', '1'],
  ]);
  const b = new Map([
    ['new', '1'],
    ['other', '2'],
    ['same', '1'],
  ]);
  assert.equal(leafChanges(a, b), [
    { path: 'other', from: '1', to: '2' },
    { path: 'gone', from: '1', to: undefined },
    { path: 'new', from: undefined, to: '1' },
  ]);
  fc.assert(
    fc.property(node, (tree) => assert.equal(leafChanges(new Map(expected(tree)), new Map(expected(tree))), [])),
  );
});

test('a path is under a pattern by whole steps', () => {
  for (const [path, pattern, is] of [
    ['source/@file', 'source', true],
    ['source', 'source', true],
    ['source[2]/host[3]/@name', 'source/host', true],
    ['sourcex', 'source', false],
    ['source/@file', 'source/@fil', false],
    ['source', 'source/@file', false],
  ] as const)
    assert.is(under(path, pattern), is, `${path} under ${pattern}`);
});

test('a copy is a copy', () => {
  const element = parseElement("<disk><source file='a'/></disk>");
  const copy = detachedCopy(element);
  setAt(copy, 'source/@file', 'b');
  setAt(copy, 'made/@here', 'c');
  assert.is(serialize(element), '<disk><source file="a"/></disk>');
  assert.is(serialize(copy), '<disk><source file="b"/><made here="c"/></disk>');
});

test('text that XML cannot carry is refused, naming the field', () => {
  for (const bad of ['\u0000', 'a\u0008b', '\u001b', '\ufffe', '\uffff', '\ud800', 'a\udc00', '\ud83dx']) {
    const error = failureNow(() => assertXmlText(bad, 'attach[0].disk.serial'), 'SPEC_INVALID');
    assert.is(error.path, 'attach[0].disk.serial');
  }
  for (const kept of ['\t', '\n']) {
    assertXmlText(kept, 'x');
    assert.is(failureNow(() => assertXmlText(kept, 'x', 'attribute'), 'SPEC_INVALID').path, 'x');
  }
  for (const place of ['element', 'attribute'] as const)
    assert.is(failureNow(() => assertXmlText('a\rb', 'x', place), 'SPEC_INVALID').path, 'x');
  for (const good of ['', 'ä', '😀', '\ud83d\ude00', '\ue000', '\ufffd']) assertXmlText(good, 'x');
});

test.run();
