import { readdirSync, readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  DEFINITION_PARTS,
  DomainDocument,
  decodeSpec,
  deviceKinds,
  deviceXml,
  domainXml,
  readSpec,
  SETTINGS,
} from '../../src/domain/index.js';
import { type DeviceRequest, type DomainSpec, type JsonSchema, jsonSchema } from '../../src/index.js';
import { EXAMPLES } from './definition/examples.js';

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false });
const domain = ajv.compile(jsonSchema('domain'));
const change = ajv.compile(jsonSchema('change'));

const accepts = (validate: ValidateFunction, value: unknown, what: string) =>
  assert.ok(validate(value), `${what}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(value)}`);

/** A value as JSON can say it. */
const inJson = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? Number(each) : each)));

/** What an example gets at run time, where a path would not do. */
const MADE_UP: Readonly<Record<string, string>> = { type: 'qemu', name: 'web1' };

/** Stands for a value that an example gets at run time: a text, whatever is called or read of it. */
function unknown(name: string): unknown {
  return new Proxy(() => {}, {
    get: (_, key) =>
      key === Symbol.toPrimitive || key === 'toJSON'
        ? () => MADE_UP[name] ?? '/images/disk.qcow2'
        : typeof key === 'symbol'
          ? undefined
          : unknown(key),
    apply: () => unknown(name),
    ownKeys: () => [],
    getOwnPropertyDescriptor: () => undefined,
  });
}

/** The object literal that begins at a place of a source. */
function literalAt(source: string, start: number): string {
  let depth = 0;
  let end = start;
  do {
    if (source[end] === '{') depth++;
    if (source[end] === '}') depth--;
    end++;
  } while (depth > 0);
  return source.slice(start, end).replaceAll(/\bawait /g, '');
}

/** The value of a literal; an object that the source gives a name is that, and what it gets at run time is made up. */
function made(source: string, literal: string): unknown {
  const get = (_: object, key: string | symbol): unknown => {
    const named = new RegExp(`\\bconst ${String(key)}(?::[^=]+)? = (?=\\{)`).exec(source);
    return named ? made(source, literalAt(source, named.index + named[0].length)) : unknown(String(key));
  };
  return runInContext(`(${literal})`, createContext(new Proxy({}, { has: () => true, get })));
}

/** The objects that a source hands to a method. A page may leave out what it is not about, with a `…`; a selector from elsewhere is not known. */
function literals(source: string, method: string): unknown[] {
  return [...source.matchAll(new RegExp(`\\b${method}\\((?=\\{)`, 'g'))]
    .map(({ index, 0: head }) => literalAt(source, index + head.length))
    .filter((literal) => !literal.includes('…') && !/detach: \[\w+\]/.test(literal))
    .map((literal) => JSON.parse(JSON.stringify(made(source, literal))));
}

const sources = [
  'README.md',
  ...readdirSync('examples').map((name) => `examples/${name}`),
  ...readdirSync('docs').map((name) => `docs/${name}`),
]
  .filter((name) => /\.(ts|md)$/.test(name))
  .map((name) => [name, readFileSync(name, 'utf8')] as const);

test('jsonSchema: accepts every spec and every change request of the examples and the docs', () => {
  const specs = sources.flatMap(([name, text]) => literals(text, 'define').map((value) => [name, value] as const));
  const requests = sources.flatMap(([name, text]) => literals(text, '\\.plan').map((value) => [name, value] as const));
  assert.ok(specs.length >= 10 && requests.length >= 20, `${specs.length} specs, ${requests.length} requests`);
  for (const [name, spec] of specs) accepts(domain, spec, name);
  for (const [name, request] of requests) accepts(change, request, name);
});

test('jsonSchema: accepts what devices() says of every device of the fixtures', () => {
  let count = 0;
  for (const name of readdirSync('test/fixtures').filter((each) => each.endsWith('.xml')))
    for (const { kind, leaves, identity } of new DomainDocument(readFileSync(`test/fixtures/${name}`, 'utf8'))
      .devices) {
      if (!deviceKinds().includes(kind)) continue;
      accepts(change, { attach: [{ [kind.element]: decodeSpec(kind.fields, leaves) }] }, `${name}: ${identity}`);
      count++;
    }
  assert.ok(count > 50, `${count} devices`);
});

test('jsonSchema: accepts every field of every part of a definition, as it is asked and as it is read', () => {
  for (const { part, with: more } of EXAMPLES) {
    const spec = { name: 'p', memory: '128 MiB', type: 'qemu', ...more, ...part } as DomainSpec;
    accepts(domain, inJson(spec), 'as asked');
    accepts(domain, inJson(readSpec(domainXml(spec)).spec), 'as read');
  }
});

test('jsonSchema: accepts what readSpec() says of every domain of the fixtures', () => {
  const names = readdirSync('test/fixtures').filter((each) => each.endsWith('.xml'));
  const documents = names.map((name) => [name, readFileSync(`test/fixtures/${name}`, 'utf8')] as const);
  const domains = documents.filter(([, xml]) => new DomainDocument(xml).root.nodeName === 'domain');
  assert.ok(domains.length > 5, `${domains.length} domains`);
  for (const [name, xml] of domains) accepts(domain, inJson(readSpec(xml).spec), name);
});

test('jsonSchema: of every part refuses null, a fraction, an unknown field and a list of lists', () => {
  const { properties = {} } = jsonSchema('domain');
  for (const part of Object.keys(DEFINITION_PARTS)) {
    assert.ok(properties[part], part);
    for (const value of [null, 3.5, { nosuchfield: 1 }, [[]]])
      assert.not(domain({ name: 'p', memory: '1 GiB', [part]: value }), `${part}: ${JSON.stringify(value)}`);
  }
  for (const wrong of [
    { firmware: { efi: {}, loader: '/x' } },
    { firmware: { loader: 'relative.fd' } },
    { cpu: { features: { vmx: 'on' } } },
    { cpu: { topology: { sockets: 2, cores: 2 } } },
    { cpu: { numa: [{ cpus: '0' }] } },
    { clock: { offset: { timezone: 'Europe/Berlin', variable: 1 } } },
    { clock: { timers: { hpt: { present: false } } } },
    { features: { hyperv: { spinlocks: 5 } } },
    { features: { kvm: { dirtyRing: 1000 } } },
    { memoryBacking: { hugepages: [{}] } },
    { iothreads: { 0: {} } },
    { launchSecurity: { sev: {} } },
    { launchSecurity: { sev: { policy: 1 }, tdx: {} } },
    { sysinfo: { bios: { date: '2026-01-31' } } },
    { sysinfo: { fwCfg: { 'opt/ovmf/X': '1' } } },
    { qemu: { override: { 'virtio-disk0': { x: 1 } } } },
    { idmap: {} },
  ])
    assert.not(domain({ name: 'p', memory: '1 GiB', ...wrong }), JSON.stringify(wrong));
});

test('jsonSchema: has every kind, field, word and setting of the tables, and takes no others', () => {
  const { $defs = {}, properties = {} } = jsonSchema('change');
  assert.equal(
    Object.keys($defs),
    deviceKinds().map(({ element }) => element),
  );
  for (const { element, fields, required = [] } of deviceKinds()) {
    assert.equal(Object.keys($defs[element]?.properties ?? {}), Object.keys(fields), element);
    assert.equal($defs[element]?.required ?? [], required, element);
  }
  assert.equal(Object.keys(properties.set?.properties ?? {}), Object.keys(SETTINGS));
  for (const wrong of [
    { attach: [{ disk: { target: 'vdb', file: '/a', cache: 'none' } }] },
    { attach: [{ disk: { file: '/a' } }] },
    { attach: [{ dosk: {} }] },
    { update: [{ disk: 'data', set: { bus: 'virtoi' } }] },
    { set: { vcpus: 0 } },
    { set: { memory: '3 giga' } },
    { detach: [{ disk: 'a', interface: 'b' }] },
    { scope: 'everywhere' },
  ])
    assert.not(change(wrong), JSON.stringify(wrong));
  assert.not(domain({ name: 'a' }), 'no memory');
});

test('jsonSchema: a word that it takes is one that the library takes, and one that it refuses is refused', () => {
  let words = 0;
  for (const { element, fields } of deviceKinds())
    for (const [name, { schema }] of Object.entries<{ schema: JsonSchema }>(fields as never)) {
      if (!schema.enum) continue;
      const encode = (value: unknown) =>
        (fields as Record<string, { encode(value: unknown, at: string): unknown }>)[name]?.encode(value, name);
      for (const word of schema.enum)
        assert.not.throws(() => encode(word), undefined as never, `${element}.${name} ${word}`);
      assert.throws(() => encode('no-such-word'));
      words += schema.enum.length;
    }
  assert.ok(words > 150, `${words} words`);
});

test('jsonSchema: null removes a field of an update, also within a group', () => {
  accepts(change, { update: [{ disk: 'data', set: { serial: null, driver: { cache: null }, iotune: null } }] }, 'null');
  accepts(change, { set: { title: null, cputune: { quota: null }, iotune: { data: null } } }, 'null');
  const plain: DeviceRequest = { disk: { target: 'vdb', file: '/a' } };
  assert.ok(deviceXml(plain, 'attach[0]'));
  accepts(change, { attach: [plain, '<rng/>'] }, 'XML');
});

test.run();
