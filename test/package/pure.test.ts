/** The half that makes no call runs without Node: bundled for browsers, alone in a context that has nothing but the language and the web's texts. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import * as commonjs from '@rollup/plugin-commonjs';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import { build } from 'esbuild';
import fc from 'fast-check';
import { type Plugin, rollup } from 'rollup';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as node from '../../src/platform/node.js';
import * as portable from '../../src/platform/portable.js';
import * as pure from '../../src/pure.js';
import { fixture } from '../support/fixtures.js';

const ENTRY = resolve('dist/pure.js');
const NAME = 'pure';

async function byEsbuild(): Promise<string> {
  const { outputFiles, metafile } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    platform: 'browser',
    format: 'iife',
    globalName: NAME,
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  assert.equal(
    Object.keys(metafile.inputs).filter((path) => /platform\/node\.js|dist\/(apply|connection|manager)\//.test(path)),
    [],
    'nothing that calls, and nothing of Node',
  );
  return outputFiles[0]?.text ?? '';
}

async function byRollup(): Promise<string> {
  const warnings: string[] = [];
  const bundle = await rollup({
    input: ENTRY,
    plugins: [nodeResolve({ browser: true }), (commonjs.default as unknown as () => Plugin)()],
    onwarn: ({ code, message }) => {
      if (code !== 'CIRCULAR_DEPENDENCY' && code !== 'THIS_IS_UNDEFINED') warnings.push(message);
    },
  });
  const { output } = await bundle.generate({ format: 'iife', name: NAME });
  await bundle.close();
  assert.equal(warnings, [], 'rollup finds all that is imported');
  return output[0].code;
}

/** What a browser has of all that the entry may use; no process, no Buffer, no require. */
function aBrowser(code: string): typeof pure {
  const context = createContext({ URL, TextEncoder, TextDecoder, atob, btoa });
  runInContext(`${code}\nglobalThis.${NAME} = ${NAME};`, context);
  return (context as unknown as Record<string, typeof pure>)[NAME] as typeof pure;
}

const REQUEST = {
  attach: [{ disk: { id: 'more', target: 'vdx', file: '/img/x', format: 'raw' } }],
  set: { title: 'x' },
};

for (const [bundler, bundled] of Object.entries({ esbuild: byEsbuild, rollup: byRollup }))
  test(`pure, bundled by ${bundler}: the same plans, pictures and guest ABIs as in Node, without Node`, async () => {
    const there = aBrowser(await bundled());
    for (const name of ['web', 'diverged', 'i440fx', 'off']) {
      const canonical = fixture(`${name}.xml`);
      const json = (value: unknown) => JSON.stringify(value);
      const domain = { canonical, libvirtVersion: '9.0.0', qemuVersion: '7.2.0' };
      const request = JSON.parse(json(REQUEST));
      assert.is(json(there.planChanges(domain, request)), json(pure.planChanges(domain, request)), name);
      assert.is(String(there.planTowards(domain, canonical)), String(pure.planTowards(domain, canonical)));
      assert.is(json(there.guestAbi(canonical)), json(pure.guestAbi(canonical)));
      assert.is(there.topologySvg(there.topology(canonical)), pure.topologySvg(pure.topology(canonical)));
      assert.is(
        json(there.pending({ canonical, live: canonical })),
        json(pure.pending({ canonical, live: canonical })),
      );
    }
    assert.throws(
      () => there.planChanges({ canonical: '<domain' } as never, {}),
      (error: { code: string }) => error.code === 'XML_MALFORMED',
    );
    assert.throws(
      () => there.planChanges({ canonicl: '' } as never, {}),
      (error: Error) => /Did you mean canonical/.test(error.message),
    );
    assert.is(json(there.jsonSchema('change')), json(pure.jsonSchema('change')));
  });
const json = (value: unknown) => JSON.stringify(value);

test('what the pure rooms take of the platform is the same in Node and elsewhere, whatever the text', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.string()), (text) => {
      assert.is(portable.sha256(text, 'hex'), node.sha256(text, 'hex'));
      assert.is(portable.sha256(text, 'base64url'), node.sha256(text, 'base64url'));
      assert.is(portable.byteLength(text), node.byteLength(text));
      const whole = Buffer.from(text).toString();
      assert.is(node.inflated(portable.deflated(text), 10_000), whole);
      assert.is(portable.inflated(node.deflated(text), 10_000), whole);
    }),
  );
  const long = node.deflated('x'.repeat(100_000));
  for (const { inflated } of [node, portable]) {
    assert.is(inflated(long, 100_000).length, 100_000);
    assert.throws(() => inflated(long, 99_999));
    assert.throws(() => inflated('no zlib', 100));
  }
});

test('the entry of the package is what is bundled', () => {
  const { exports, imports } = JSON.parse(readFileSync('package.json', 'utf8'));
  assert.is(resolve(exports['./pure'].default), ENTRY);
  assert.equal(Object.keys(imports['#platform']), ['node', 'default']);
});

test.run();
