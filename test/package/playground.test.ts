/** The playground plans in a browser: with its own example, with documents of others, and with what is wrong said in the page. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buildPlayground } from '../../scripts/site/playground.js';
import { complete } from '../../site/playground/complete.js';
import { EXAMPLE } from '../../site/playground/example.js';
import { jsonSchema, planChanges } from '../../src/pure.js';
import { CHROMIUM_FLAGS, findChromium } from '../support/chromium.js';
import { fixture } from '../support/fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'lvc-play-'));
test.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

/** The page as Chromium leaves it, with these fields in its address. */
async function pageWith(
  fields: Readonly<Record<string, string>>,
): Promise<{ plan: string; picture: boolean; words: string[] }> {
  const hash = encodeURIComponent(JSON.stringify(fields));
  const { stdout } = await promisify(execFile)(
    findChromium(),
    [
      ...CHROMIUM_FLAGS,
      `--user-data-dir=${join(folder, 'profile')}`,
      '--dump-dom',
      `file://${folder}/index.html#${hash}`,
    ],
    { timeout: 120_000, env: { ...process.env, HOME: folder }, maxBuffer: 1 << 24 },
  );
  const plain = (text: string) =>
    text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&nbsp;', '\u00a0').replaceAll('&amp;', '&');
  return {
    plan: plain(/<pre id="plan"[^>]*>([\s\S]*?)<\/pre>/.exec(stdout)?.[1] ?? ''),
    picture: /<div id="picture"><svg /.test(stdout),
    words: [...stdout.matchAll(/<button type="button">([^<]*)<\/button>/g)].map(([, word = '']) => plain(word)),
  };
}

test('the playground: the plan of the example, of documents of others, a refusal, and what is wrong, in a real browser', async () => {
  await buildPlayground(folder);
  const { libvirt: libvirtVersion, canonical, live, request } = EXAMPLE;
  const example = await pageWith({});
  assert.is(example.plan, String(planChanges({ canonical, live, libvirtVersion }, JSON.parse(request))));
  assert.match(example.plan, 'A disk data  live+config');
  assert.ok(example.picture);
  for (const name of ['web', 'diverged', 'i440fx']) {
    const theirs = fixture(`${name}.xml`);
    const { plan, picture } = await pageWith({
      canonical: theirs,
      live: '',
      request: '{"set":{"title":"x"}}',
      libvirt: '9.0.0',
    });
    assert.is(plan, String(planChanges({ canonical: theirs, libvirtVersion: '9.0.0' }, { set: { title: 'x' } })), name);
    assert.ok(picture);
  }
  const refused = await pageWith({ request: '{"detach":[{"disk":"vda"}]}' });
  assert.match(refused.plan, /0 operations, 1 refusal\n {2}! disk vda .*last boot order/);
  const misspelt = await pageWith({ request: '{"set":{"vcpsu":2}}' });
  assert.match(misspelt.plan, 'Did you mean vcpus?');
  const cut = await pageWith({ canonical: '<domain', live: '' });
  assert.match(cut.plan, /XML/);
  const half = await pageWith({ request: '{"attach":[{"disk":{"bus":"' });
  assert.equal(half.words, ['virtio', 'scsi', 'sata', 'usb', 'ide', 'fdc']);
});

test('the page sends nothing: it may connect nowhere, and asks for nothing but its own script', () => {
  const page = readFileSync('site/playground/index.html', 'utf8');
  assert.match(page, "default-src 'none'");
  assert.not.match(page, /connect-src|https?:/);
});

test('completion: fields and words by the schema, wherever the text is written on', () => {
  const schema = jsonSchema('change');
  const words = (text: string) => complete(schema, text).words;
  assert.ok(['attach', 'detach', 'update', 'set', 'scope'].every((each) => words('{').includes(each)));
  assert.equal(words('{"sc'), ['scope']);
  assert.equal(words('{ "scope": "l'), ['live']);
  assert.ok(words('{"attach":[{"').includes('disk'));
  assert.ok(words('{"attach":[{"disk":{"target":"vdb","').includes('driver'));
  assert.not.ok(words('{"attach":[{"disk":{"target":"vdb","').includes('target'), 'it is there already');
  assert.equal(words('{"attach":[{"disk":{"driver":{"cache":"wr'), ['writethrough', 'writeback']);
  assert.ok(
    words('{"attach":[{"disk":{"driver":{"cache":"none"},"').includes('serial'),
    'after a group that is closed',
  );
  assert.equal(words('{"set":{"vcpus":{"m'), ['maximum']);
  assert.equal(
    words('{"set":{"title":"a { \\" [","vcp'),
    ['vcpus', 'vcpuState', 'vcpuPin'],
    'brackets in texts are none',
  );
  assert.equal(words('{"nonsense":{"'), []);
  assert.equal([words(''), words('{"set":{}}')], [[], []], 'before it begins, and when it is whole');
  assert.equal(complete(schema, '{"scope": "li'), { words: ['live'], replaces: 2 });
});

test.run();
