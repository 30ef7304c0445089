/** The package as a newcomer gets it: packed, installed into empty projects, imported, required, type-checked, bundled, and its command run. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Analysis, checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { build } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PrivateHost } from '../../src/testing/index.js';
import { scaled } from '../support/deadline.js';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'lvc-pack-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));

/** The tarball, and an empty project that it is installed into. */
let made:
  | Promise<{ readonly files: readonly string[]; readonly project: string; readonly tarball: string }>
  | undefined;
function installed() {
  made ??= (async () => {
    // Without its scripts: dist/ was compiled before the tests, and others read it now.
    const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
    const [packed] = JSON.parse((await run('npm', pack, { maxBuffer: 64 << 20 })).stdout);
    const project = join(folder, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{"name":"newcomer","version":"1.0.0","private":true}');
    const tarball = join(folder, packed.filename);
    const packages = [tarball, `@types/node@${manifest.devDependencies['@types/node']}`];
    const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages];
    await run('npm', install, { cwd: project, timeout: scaled(120_000) });
    return { files: packed.files.map(({ path }: { path: string }) => path), project, tarball };
  })();
  return made;
}

/** README's first example, against a private host and with an image of it. */
async function readmeExample(host: PrivateHost): Promise<string> {
  const [, code = ''] = /<!-- example -->\s+```ts\n([\s\S]*?)^```$/m.exec(readFileSync('README.md', 'utf8')) ?? [];
  const [root, data] = [await host.createDisk(`r${Date.now()}.qcow2`), await host.createDisk(`d${Date.now()}.qcow2`)];
  const here = code
    .replace('qemu:///system', host.uri)
    .replace('/var/lib/libvirt/images/root.qcow2', root)
    .replace('/var/lib/libvirt/images/data.qcow2', data)
    .replace("name: 'web1',", "name: 'web1', type: 'qemu',")
    .replace("memory: '2 GiB'", "memory: '64 MiB'")
    .replace("network: 'default'", 'user: true');
  assert.not.match(here, /qemu:\/\/\/system|\/var\/lib/);
  return here;
}

test('what is packed: all that the manifest names, declarations with their maps and sources, and nothing of the tests', async () => {
  const { files, project } = await installed();
  const at = join(project, 'node_modules/libvirt-canonical');
  const named = [
    ...Object.values<string | Record<string, string>>(manifest.exports).flatMap((each) =>
      typeof each === 'string' ? each : Object.values(each),
    ),
    ...Object.values<string>(manifest.imports['#platform']),
    ...Object.values<string>(manifest.bin),
  ].map((path) => path.replace(/^\.\//, ''));
  for (const path of [
    ...named,
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'SECURITY.md',
    'docs/moved.svg',
    'examples/hot-plug.ts',
  ])
    assert.ok(files.includes(path), `${path} is packed`);
  for (const path of files) assert.not.match(path, /^(test|bench|scripts|build|protocol|fleet|\.)/);
  const map = JSON.parse(readFileSync(join(at, 'dist/index.d.ts.map'), 'utf8'));
  assert.ok(existsSync(resolve(at, 'dist', map.sources[0])), 'an editor finds the source of a declaration');
  assert.equal(
    Object.keys(manifest.scripts).filter((name) => /^(pre|post)?install$/.test(name)),
    [],
    'nothing runs at an install',
  );
});

test('publint has nothing to say', async () => {
  const { project } = await installed();
  // As it is installed: the checkout holds the fleet package too, which is none of it.
  for (const pkgDir of [join(project, 'node_modules/libvirt-canonical'), 'fleet']) {
    const { messages } = await publint({ pkgDir, strict: true, pack: false });
    const itself = JSON.parse(readFileSync(join(pkgDir, 'package.json'), 'utf8'));
    assert.equal(
      messages.map((each) => formatMessage(each, itself)),
      [],
      pkgDir,
    );
  }
});

test('an empty project imports it as ESM, from CommonJS by import(), and runs its command by either name', async () => {
  const { project } = await installed();
  const node = async (name: string, code: string) => {
    writeFileSync(join(project, name), code);
    return (await run(process.execPath, [name], { cwd: project })).stdout.trim();
  };
  const names =
    'typeof lib.connect, typeof pure.planChanges, typeof fleet.Fleet, typeof conformance.runConformance, typeof testing.PrivateHost, constants.VIR_DOMAIN_XML_INACTIVE';
  const expected = 'function function function function function 2';
  assert.is(
    await node(
      'a.mjs',
      `import * as lib from 'libvirt-canonical'; import * as pure from 'libvirt-canonical/pure';
       import * as fleet from 'libvirt-canonical/fleet'; import * as conformance from 'libvirt-canonical/conformance';
       import * as testing from 'libvirt-canonical/testing'; import * as constants from 'libvirt-canonical/constants';
       console.log(${names});`,
    ),
    expected,
  );
  assert.is(
    await node(
      'a.cjs',
      `Promise.all(['', '/pure', '/fleet', '/conformance', '/testing', '/constants'].map((part) => import('libvirt-canonical' + part))).then(
         ([lib, pure, fleet, conformance, testing, constants]) => console.log(${names}));`,
    ),
    expected,
  );
  // From 22.12 on Node requires what has no top-level await.
  if (typeof process.features.require_module !== 'undefined' && process.features.require_module)
    assert.is(await node('b.cjs', "console.log(typeof require('libvirt-canonical').connect)"), 'function');
  for (const command of ['lvc', 'libvirt-canonical']) {
    const { stdout } = await run('npx', ['--no-install', command, '--version'], { cwd: project });
    assert.is(stdout.trim(), manifest.version);
  }
});

/** Type-checks files of the project with all declarations they lead to; returns what the compiler says. */
async function typeErrors(
  project: string,
  files: readonly string[],
  types: readonly string[],
  compiler = 'typescript',
): Promise<string> {
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2022', 'esnext.disposable'],
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    types,
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const tsc = resolve('node_modules', compiler, 'bin/tsc');
  const { stdout } = await run(process.execPath, [tsc, '-p', project, '--pretty', 'false']).catch((error) => error);
  return stdout;
}

test('the pure entry is type-checked without the types of Node and of browsers', async () => {
  const { project } = await installed();
  const code = `import { planChanges, topology, topologySvg } from 'libvirt-canonical/pure';
    export const text: string = String(planChanges({ canonical: '' }, { set: { vcpus: 2 } }));
    export const svg: string = topologySvg(topology(''));`;
  writeFileSync(join(project, 'pure.mts'), code);
  assert.is(await typeErrors(project, ['pure.mts'], []), '');
  writeFileSync(join(project, 'pure.mts'), code.replace('vcpus', 'vcpsu'));
  assert.match(await typeErrors(project, ['pure.mts'], []), 'vcpsu');
});

/** The compiler of the project is the newest; these stand for who has not upgraded. */
const COMPILERS = Object.keys(manifest.devDependencies).filter((name) => name.startsWith('typescript'));
test(`every entry is type-checked by ${COMPILERS.join(', ')}`, async () => {
  const { project } = await installed();
  const entries = Object.keys(manifest.exports).filter((name) => name !== './package.json');
  const code = entries.map(
    (name, at) =>
      `import * as entry${at} from 'libvirt-canonical${name.slice(1)}'; export type Entry${at} = typeof entry${at};`,
  );
  const use = `import type { DomainSpec } from 'libvirt-canonical';
    export const spec: DomainSpec = { name: 'a', memory: '2 GiB' };`;
  writeFileSync(join(project, 'entries.mts'), [...code, use].join('\n'));
  for (const compiler of COMPILERS)
    assert.is(await typeErrors(project, ['entries.mts'], ['node'], compiler), '', compiler);
  writeFileSync(join(project, 'entries.mts'), use.replace('2 GiB', '2 giant'));
  for (const compiler of COMPILERS)
    assert.match(await typeErrors(project, ['entries.mts'], ['node'], compiler), '2 giant', compiler);
});

test('are the types wrong? only for who cannot load ESM', async () => {
  const { tarball } = await installed();
  const { problems, types } = (await checkPackage(createPackageFromTarballData(readFileSync(tarball)))) as Analysis;
  assert.is(types?.kind, 'included');
  const others = problems.filter((each) => {
    const way = 'resolutionKind' in each ? each.resolutionKind : undefined;
    // It is ESM alone, by `exports`: neither resolution by folders nor a `require` that cannot load ESM finds it.
    return (
      !(each.kind === 'NoResolution' && way === 'node10') && !(each.kind === 'CJSResolvesToESM' && way === 'node16-cjs')
    );
  });
  assert.equal(others, []);
});

test("README's first example: type-checked with all libraries, and run to its end as it is and bundled", async () => {
  const { project } = await installed();
  await using host = await PrivateHost.start();
  writeFileSync(join(project, 'first.mts'), await readmeExample(host));
  assert.is(await typeErrors(project, ['first.mts'], ['node']), '');
  const ran = await run(process.execPath, ['first.mjs'], { cwd: project, timeout: scaled(60_000) });
  assert.match(ran.stdout, '4 operations, 0 refusals');

  writeFileSync(join(project, 'second.mts'), (await readmeExample(host)).replaceAll('web1', 'web2'));
  const outfile = join(folder, 'bundled.mjs');
  await build({
    entryPoints: [join(project, 'second.mts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outfile,
  });
  const bundled = await run(process.execPath, [outfile], { cwd: folder, timeout: scaled(60_000) });
  assert.match(bundled.stdout, '4 operations, 0 refusals');
});

test.run();
