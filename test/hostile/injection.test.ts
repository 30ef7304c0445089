import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument, type DomainSpec, deviceKinds, domainXml, type Field } from '../../src/domain/index.js';
import { LibvirtCanonicalError } from '../../src/errors.js';
import { buildElement, type Element, leaves, parseElement } from '../../src/xml/index.js';
import { HOSTILE, IMPOSSIBLE } from './strings.js';

type Fields = Readonly<Record<string, Field<unknown>>>;
/** Values of which some fit any field; the first that does serves where another field is the one to try. */
const HARMLESS: readonly unknown[] = [
  'x', 1, true, 1000, '1 MiB', '52:54:00:00:00:01', '00112233-4455-6677-8899-aabbccddeeff', '0000:00:01.0', '0-1', ['x'],
  [], 'x:1', '0x1234', '127.0.0.1', '/x', '2030-01-01T00:00:00', '1.0', 'fd00::1', 'unix:path=/x', '0x5000c50015ea71ac',
]; // biome-ignore format: a list of values

const encodes = (field: Field<unknown>, value: unknown): boolean => {
  try {
    return field.encode(value, 'at').length > 0;
  } catch (error) {
    if (error instanceof LibvirtCanonicalError) return false;
    throw error;
  }
};

/** A good value of a field; a group gets all members that have one, and where that is too much one of them. */
function harmless(field: Field<unknown>): unknown {
  const below = field.members ?? field.items;
  if (!below) return field.words?.[0] ?? HARMLESS.find((value) => encodes(field, value));
  const all = Object.fromEntries(
    Object.entries(below).flatMap(([key, each]) => {
      const value = harmless(each);
      return value === undefined ? [] : [[key, value]];
    }),
  );
  const singles = Object.entries(all).map(([key, value]) => ({ [key]: value }));
  return [all, ...singles, [all], ...singles.map((each) => [each])].find((value) => encodes(field, value));
}

/** Each place in a spec that may take a text, with how to write a text there and to read it again. */
interface Place {
  readonly path: string;
  write(value: unknown): unknown;
  read(value: unknown): unknown;
}

function* places(fields: Fields, path = ''): Iterable<Place> {
  for (const [key, field] of Object.entries(fields)) {
    const at = path === '' ? key : `${path}.${key}`;
    const below = field.members ?? field.items;
    if (!below) yield { path: at, write: (value) => ({ [key]: value }), read: (spec) => (spec as Fields)?.[key] };
    const usual = harmless(field);
    for (const inner of below ? places(below, at) : []) {
      const merged = (value: unknown) => ({
        ...((Array.isArray(usual) ? usual[0] : usual) as object),
        ...(inner.write(value) as object),
      });
      for (const whole of [(value: unknown) => inner.write(value), merged])
        yield {
          path: inner.path,
          write: (value) => ({ [key]: Array.isArray(usual) ? [whole(value)] : whole(value) }),
          read: (spec) => {
            const there = (spec as Record<string, unknown>)?.[key];
            return inner.read(Array.isArray(there) ? there[0] : there);
          },
        };
    }
  }
}

/** Names of elements and attributes, in order: what a text must not change. */
function shape(element: Element): string {
  const attributes = Array.from(element.attributes, ({ name }) => `@${name}`);
  const children = Array.from(element.childNodes).flatMap((node) =>
    node.nodeType === 1 ? [shape(node as Element)] : [],
  );
  return `${element.nodeName}(${[...attributes, ...children].join(' ')})`;
}

let fields = 0;
let held = 0;
for (const kind of deviceKinds()) {
  test(`${kind.element}: a text in any field stays in its field, or is refused`, () => {
    for (const { path, write, read } of places(kind.fields as Fields)) {
      fields++;
      let all = false;
      // All at once; one by one where that is refused, since a field may take one and not the other.
      for (const text of [...IMPOSSIBLE, HOSTILE.join(' '), ...HOSTILE]) {
        if (all) break;
        const spec = write(text) as Record<string, unknown>;
        const [key = ''] = Object.keys(spec);
        const field = (kind.fields as Fields)[key] as Field<unknown>;
        if (!encodes(field, spec[key])) continue;
        const what = `${kind.element} ${path} = ${JSON.stringify(text.slice(0, 60))}`;
        assert.not.ok(IMPOSSIBLE.includes(text), `${what} is refused`);
        all = text.length > 5000;
        if (all) held++;
        const assignments = field.encode(spec[key], path);
        const element = parseElement(buildElement(kind.element, new Map(assignments)));
        const found = leaves(element);
        for (const [leaf, value] of assignments) assert.is(found.get(leaf) ?? '', value, `${what}: ${leaf}`);
        assert.is(read({ [key]: field.decode(found) }), text, what);
        const plain = field.encode((write('x') as Record<string, unknown>)[key], path);
        assert.is(shape(element), shape(parseElement(buildElement(kind.element, new Map(plain)))), what);
      }
    }
  });
}

test('a tab or a line feed in an attribute, which libvirt turns into spaces, is refused', () => {
  for (const white of ['\t', '\n'])
    for (const spec of [{ disks: [{ target: 'vda', file: `/a${white}b` }] }, { machine: `q35${white}` }])
      assert.throws(() => domainXml({ ...SPEC, ...spec }, UUID), /does not keep/);
});

test('the fields that take any text were among them', () => {
  assert.ok(fields > 400, `${fields} fields`);
  assert.ok(held > 100, `${held} fields that take all of them`);
});

const SPEC: DomainSpec = { name: 'n', memory: '1 MiB' };
const UUID = '00112233-4455-6677-8899-aabbccddeeff';
const HEAD: Readonly<Record<string, (text: string) => Partial<DomainSpec>>> = {
  name: (name) => ({ name }),
  title: (title) => ({ title }),
  description: (description) => ({ description }),
  'os/type/@arch': (arch) => ({ arch }),
  'os/type/@machine': (machine) => ({ machine }),
  'os/kernel': (path) => ({ kernel: { path } }),
  'os/initrd': (initrd) => ({ kernel: { path: '/k', initrd } }),
  'os/cmdline': (cmdline) => ({ kernel: { path: '/k', cmdline } }),
  'cpu/model': (cpu) => ({ cpu }),
  '@type': (type) => ({ type }) as never,
  uuid: (uuid) => ({ uuid }),
  'devices/disk/source/@file': (file) => ({ disks: [{ target: 'vda', file }] }),
  'devices/interface/source/@network': (network) => ({ interfaces: [{ network }] }),
};
for (const [path, specOf] of Object.entries(HEAD)) {
  test(`a definition: a text at ${path} stays there, or is refused`, () => {
    for (const text of [...HOSTILE, ...IMPOSSIBLE]) {
      let xml: string;
      try {
        xml = domainXml({ ...SPEC, ...specOf(text) }, UUID);
      } catch (error) {
        assert.instance(error, LibvirtCanonicalError, `${path}: ${text}`);
        continue;
      }
      assert.not.ok(IMPOSSIBLE.includes(text), `${path}: ${JSON.stringify(text)} is refused`);
      const document = new DomainDocument(xml);
      assert.is(document.value(path), text, path);
      // Of a machine that is no q35 the ports are left out: the others only are compared.
      if (path !== 'os/type/@machine')
        assert.is(
          shape(document.root),
          shape(parseElement(domainXml({ ...SPEC, ...specOf(GOOD[path] ?? 'x') }, UUID))),
          path,
        );
    }
  });
}
const GOOD: Readonly<Record<string, string>> = { uuid: UUID, '@type': 'kvm' };

test('names of JavaScript are names like any other, and refused where there is no such field', () => {
  for (const key of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) {
    const own = (value: unknown) => JSON.parse(`{${JSON.stringify(key)}:${JSON.stringify(value)}}`) as object;
    for (const spec of [
      { ...SPEC, devices: [own({ target: 'vda' })] },
      { ...SPEC, disks: [{ target: 'vda', file: '/x', ...own('x') }] },
      { ...SPEC, disks: [JSON.parse(`{"target":"vda","file":"/x",${JSON.stringify(key)}:{"polluted":1}}`)] },
      JSON.parse(`{"name":"n","memory":1048576,${JSON.stringify(key)}:{"polluted":1}}`),
    ]) {
      let code: string | undefined;
      try {
        domainXml(spec as DomainSpec, UUID);
      } catch (error) {
        assert.instance(error, LibvirtCanonicalError, `${key}: ${String(error)}`);
        code = (error as LibvirtCanonicalError).code;
      }
      assert.ok(code, `${key} is refused`);
    }
    const document = new DomainDocument(
      `<domain><name>n</name><metadata><${key} ${key}='1'><${key}/></${key}></metadata><devices><${key} ${key}='x'/><disk ${key}='x'><${key}>y</${key}><target dev='${key}'/></disk></devices></domain>`,
    );
    assert.is(document.devices[1]?.leaves.get(`@${key}`), 'x');
    assert.is(document.devices[1]?.leaves.get(key), 'y');
    assert.is(document.find('disk', key).length, 1);
    assert.is(document.devices[0]?.kind.element, key);
    assert.is(({} as { polluted?: unknown }).polluted, undefined);
  }
});

test.run();
