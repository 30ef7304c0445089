/**
 * What README and docs/ say is true: their programs compile, README's example runs on a real libvirt, its table of
 * support is that of the code, and links inside the project lead somewhere.
 *
 *   node build/test/examples/docs.test.js --write    writes the table into README.md
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, DomainManager } from '../../src/index.js';
import { PrivateHost } from '../../src/testing/index.js';
import { runBuilt } from './run.js';
import { supportTable } from './support-table.js';

const project = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const README = join(project, 'README.md');
const DEADLINE = 60_000;
const SUPPORT = /(<!-- support -->\n\n?)([\s\S]*?)(\n?<!-- \/support -->)/;

/** Pages whose snippets are one program, each going on from the one before it. */
const ONE_PROGRAM = ['docs/getting-started.md'];
/** What snippets without imports take for granted. */
const PRELUDE = `import type { Connection, DomainManager, ManagedDomain } from 'libvirt-canonical';
import type { Guest, PrivateHost } from 'libvirt-canonical/testing';
declare const connection: Connection, manager: DomainManager, domain: ManagedDomain, host: PrivateHost, guest: Guest;
`;

function pages(): string[] {
  const below = readdirSync(join(project, 'docs'), { recursive: true, encoding: 'utf8' });
  return [README, ...below.filter((name) => name.endsWith('.md')).map((name) => join(project, 'docs', name))];
}

function snippetsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code);
}

/** A folder inside the project, so that its own name resolves from there; `tsc` is run on what is put into it. */
function workshop(): Disposable & { path: string; compile(...options: string[]): Promise<string> } {
  mkdirSync(join(project, 'build'), { recursive: true });
  const path = mkdtempSync(join(project, 'build/docs-'));
  const tsc = join(project, 'node_modules/typescript/bin/tsc');
  return {
    path,
    compile(...options) {
      const compilerOptions = { noUnusedLocals: false, sourceMap: false, rootDir: '.', outDir: '.' };
      const config = { extends: '../../tsconfig.json', compilerOptions, include: ['*.ts'], exclude: [] };
      writeFileSync(join(path, 'tsconfig.json'), JSON.stringify(config));
      return new Promise((done) => {
        const args = [tsc, '-p', path, '--pretty', 'false', ...options];
        execFile(process.execPath, args, { timeout: DEADLINE }, (error, stdout) =>
          done(error && !stdout ? error.message : stdout),
        );
      });
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

test('snippets of TypeScript compile', async () => {
  using place = workshop();
  let count = 0;
  for (const page of pages()) {
    const name = page.slice(project.length + 1);
    const all = snippetsOf(readFileSync(page, 'utf8'));
    for (const [index, code] of (ONE_PROGRAM.includes(name) ? [all.join('\n')] : all).entries()) {
      const whole = /^import /m.test(code);
      writeFileSync(
        join(place.path, `${name.replaceAll(/[/.]/g, '-')}-${index}.ts`),
        whole ? code : `${PRELUDE}${code}`,
      );
      count += 1;
    }
  }
  assert.ok(count >= 20, `only ${count} snippets found`);
  assert.is(await place.compile('--noEmit'), '');
});

test('a snippet that is wrong does not compile', async () => {
  using place = workshop();
  writeFileSync(join(place.path, 'wrong.ts'), `${PRELUDE}await domain.reboot({ mode: 'regenerate' });\n`);
  assert.match(await place.compile('--noEmit'), /wrong\.ts\(\d+,\d+\): error TS/);
});

test("README's example runs, on a private host instead of the system's", async () => {
  await using host = await PrivateHost.start();
  const [example = ''] = snippetsOf(readFileSync(README, 'utf8'));
  assert.ok(example.trimEnd().split('\n').length <= 30, 'it is to be short');
  const replacements: ReadonlyArray<readonly [string, string]> = [
    ['qemu:///system', host.uri],
    ['/var/lib/libvirt/images/root.qcow2', await host.createDisk('root.qcow2')],
    ['/var/lib/libvirt/images/data.qcow2', await host.createDisk('data.qcow2')],
    // A private host emulates, and has no network but QEMU's own.
    ["memory: '2 GiB'", "type: 'qemu', memory: '128 MiB'"],
    ["network: 'default'", 'user: true'],
  ];
  let code = example;
  for (const [from, to] of replacements) {
    assert.is(code.split(from).length, 2, `${from} is in it once`);
    code = code.replace(from, to);
  }
  using place = workshop();
  writeFileSync(join(place.path, 'example.ts'), code);
  assert.is(await place.compile(), '');
  const program = join(place.path, 'example.js').slice(join(project, 'build/').length);
  const { code: status, stdout, stderr } = await runBuilt(program, { deadline: DEADLINE });
  assert.is(status, 0, stderr);

  await using connection = await connect(host.uri);
  const web = await new DomainManager(connection).get('web1');
  assert.is(await web.state(), 'running');
  const data = (await web.devices()).find(({ id }) => id === 'data');
  assert.is(data?.in, 'both');
  assert.is(data?.address, data?.liveAddress);

  // The plan that README shows is the one that was printed, but for the UUID.
  const shown = /^Plan for domain web1[\s\S]*?(?=^```)/m.exec(readFileSync(README, 'utf8'))?.[0];
  const printed = /^Plan for domain web1[\s\S]*/m.exec(stdout)?.[0];
  const bare = (plan = '') =>
    plan
      .replace(/\(.*?\):/, '(…):')
      .replace(/=\/\S+\/images\//, '=/img/')
      .trimEnd();
  assert.is(bare(shown), bare(printed));
});

test('the table of support is that of the code', () => {
  const readme = readFileSync(README, 'utf8');
  const written = readme.replace(SUPPORT, (_, open: string, _table: string, close: string) => {
    return `${open.trimEnd()}\n\n${supportTable()}\n\n${close.trimStart()}`;
  });
  if (process.argv.includes('--write')) return writeFileSync(README, written);
  const stale = written.split('\n').filter((line) => !readme.split('\n').includes(line));
  assert.equal(stale, [], `README lacks this; run node build/test/examples/docs.test.js --write\n${stale.join('\n')}`);
  assert.is(readme.length, written.length, 'README has more than the tables');
});

test('links inside the project lead somewhere', () => {
  let count = 0;
  for (const page of pages()) {
    for (const [, target = ''] of readFileSync(page, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      assert.ok(existsSync(resolve(dirname(page), target)), `${page} links to ${target}`);
      count += 1;
    }
  }
  assert.ok(count > 10, `only ${count} links found`);
});

test.run();
