import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { benchOnDemand } from '../support/bench.js';
import { documentsOf } from '../support/scenario.js';
import { lvc, MAIN, resultOf } from './lvc.js';

const bench = benchOnDemand();
test.after(bench.stop);

/** One domain that is off, and ways to ask the command about it. */
async function subject(name: string) {
  const { host, define, disk } = await bench();
  const domain = await define({ name });
  const run = (args: readonly string[], input = '') => lvc(args, { uri: host.uri, input });
  return { domain, disk, run, folder: host.directory };
}

interface PlanResult {
  readonly plans: readonly {
    readonly domain: { readonly name: string };
    readonly operations: readonly {
      readonly subject: string;
      readonly call: { readonly args: Record<string, unknown> };
    }[];
  }[];
  readonly define: readonly string[];
}

test('lvc: says its version and its commands, and what is wrong with a command line, without a host', async () => {
  const uri = 'qemu+unix:///session?socket=/nowhere';
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  assert.equal(await lvc(['--version'], { uri }), { code: 0, out: `${version}\n`, err: '' });
  const help = await lvc(['help'], { uri });
  assert.is(help.code, 0);
  for (const command of ['plan', 'recover', 'host-check', 'completion'])
    assert.match(help.out, new RegExp(`^ {2}${command} `, 'm'));
  const misspelt = await lvc(['pla'], { uri });
  assert.is(misspelt.code, 1);
  assert.match(misspelt.err, 'Did you mean plan?');
  assert.is((await lvc(['reboot', 'web1', '--mode', 'warm'], { uri })).code, 1);
  const unreachable = await lvc(['list'], { uri });
  assert.is(unreachable.code, 1);
  assert.is(unreachable.err.trim().split('\n').length, 1, 'one paragraph');
  assert.match(unreachable.err, '(DAEMON_UNREACHABLE)');
});

test('plan: exit codes tell nothing to do, changes, refusals and errors apart', async () => {
  const { run, disk } = await subject('codes');
  const file = await disk();
  const nothing = await run(['plan', 'codes', '--set', 'vcpus=1']);
  assert.is(nothing.code, 0, nothing.err);
  assert.match(nothing.out, 'Nothing to do');
  const changes = await run(['plan', 'codes', '-a', `disk=data,target=vdb,file=${file},format=qcow2`, '-s', 'vcpus=2']);
  assert.is(changes.code, 2, changes.err);
  assert.match(changes.out, /A disk data +config +next boot +at pci/);
  assert.match(changes.out, 'A attach   D detach   U update   S setting');
  assert.not.match(changes.out, '\x1b');
  const refused = await run(['plan', 'codes', '--detach', 'disk=root']);
  assert.is(refused.code, 3, refused.err);
  assert.match(refused.out, '! disk root (detach[0])');
  const wrong = [
    [['plan', 'codes'], 'Nothing was asked for'],
    [['plan', 'nobody', '--set', 'vcpus=2'], 'DOMAIN_NOT_FOUND'],
    [['plan', 'codes', '--set', 'vcpsu=2'], 'SPEC_UNKNOWN_FIELD'],
    [['plan', 'codes', '--set', 'vcpus=many'], 'SPEC_INVALID'],
    [['plan', 'codes', '--attach', 'dosk=data'], 'DEVICE_KIND_UNKNOWN'],
    [['plan', 'codes', '-f', '/nowhere.yaml'], 'There is no file /nowhere.yaml'],
  ] as const;
  const ended = await Promise.all(wrong.map(([args]) => run(args)));
  for (const [at, { code, err, out }] of ended.entries()) {
    assert.is(code, 1, wrong[at]?.[0].join(' '));
    assert.match(err, wrong[at]?.[1] as string);
    assert.is(out, '');
  }
});

test('--json: every answer has its form and version, and so has an error', async () => {
  const { run, domain } = await subject('json');
  const { domains } = resultOf<{ domains: { name: string; state: string; uuid: string }[] }>(
    await run(['list', '--json']),
  );
  assert.equal(
    domains.find(({ name }) => name === 'json'),
    { name: 'json', uuid: domain.uuid, state: 'shutoff' },
  );
  const shown = resultOf<{
    devices: { identity: string; address?: string; in: string; xml?: string }[];
    capacity: Record<string, unknown>;
  }>(await run(['--json', 'show', 'json']));
  const root = shown.devices.find(({ identity }) => identity === 'disk root');
  assert.match(root?.address ?? '', /^pci 0000:/);
  assert.is(root?.xml, undefined, 'no XML, which can hold secrets');
  assert.ok('pci' in shown.capacity);
  const plan = resultOf<PlanResult>(await run(['plan', 'json', '--set', 'title=42nd', '--json']));
  assert.equal(
    plan.plans[0]?.operations.map(({ subject }) => subject),
    ['title'],
  );
  const commands = ['pending', 'drift', 'log', 'host-check', 'recover', 'adopt', 'stop'];
  const answers = await Promise.all(commands.map((command) => run([command, 'json', '--json'])));
  for (const [at, answer] of answers.entries()) assert.ok(resultOf(answer), commands[at]);
  const error = await run(['show', 'nobody', '--json']);
  assert.is(error.code, 1);
  const told = JSON.parse(error.out);
  assert.equal([told.lvc, told.command, told.error.code], [1, 'show', 'DOMAIN_NOT_FOUND']);
  const usage = JSON.parse((await run(['plan', 'json', '--json'])).out);
  assert.is(usage.error.code, 'USAGE');
});

test('apply: nothing without --yes where nobody can be asked; a kept plan is done once, and stale after that', async () => {
  const { run, disk, domain, folder } = await subject('kept');
  const file = await disk();
  const out = join(folder, 'plan.json');
  const before = await documentsOf(domain);
  const asked = ['kept', '--attach', `disk=data,target=vdb,file=${file},format=qcow2`];
  assert.is((await run(['plan', ...asked, '--out', out])).code, 2);
  assert.is(statSync(out).mode & 0o077, 0, 'for its owner alone');
  const nobody = await run(['apply', ...asked]);
  assert.is(nobody.code, 1);
  assert.match(nobody.err, 'Nothing was changed');
  assert.equal(await documentsOf(domain), before);
  const done = await run(['apply', out, '--yes']);
  assert.is(done.code, 0, done.err);
  assert.match(await domain.canonical(), 'ua-data');
  const stale = await run(['apply', out, '--yes']);
  assert.is(stale.code, 3);
  assert.match(stale.err, '(PLAN_STALE)');
  const again = await run(['apply', ...asked, '--yes']);
  assert.is(again.code, 0);
  assert.match(again.out, 'Nothing to do');
  const refused = await run(['apply', 'kept', '--detach', 'disk=root', '--yes']);
  assert.is(refused.code, 3);
});

test('define, plan and apply of whole domains: YAML and XML in a folder, JSON on stdin', async () => {
  const { run, folder, disk } = await subject('other');
  const place = join(folder, 'domains');
  mkdirSync(place);
  const [a, b] = [await disk(), await disk()];
  const spec = (name: string, file: string) =>
    `name: ${name}\ntype: qemu\nmemory: 64 MiB\ndisks:\n  - { id: root, target: vda, file: ${file}, format: qcow2, boot: 1 }\n`;
  writeFileSync(join(place, 'a.yaml'), spec('folder-a', a));
  writeFileSync(join(place, 'notes.txt'), 'not a domain');
  const defined = await run(['define', '-f', place]);
  assert.is(defined.code, 0, defined.err);
  const twice = await run(['define', '-f', place]);
  assert.is(twice.code, 3);
  assert.match(twice.err, 'DOMAIN_EXISTS');
  writeFileSync(join(place, 'b.yaml'), `---\n${spec('folder-b', b)}`);
  writeFileSync(join(place, 'a.yaml'), `${spec('folder-a', a)}title: changed\n`);
  const planned = await run(['plan', '-f', place, '--json']);
  assert.is(planned.code, 2, planned.err);
  const { plans, define } = resultOf<PlanResult>(planned);
  assert.equal(define, ['folder-b']);
  assert.equal(
    plans.map((plan) => [plan.domain.name, plan.operations.map(({ subject }) => subject)]),
    [['folder-a', ['title']]],
  );
  assert.is((await run(['plan', '-f', place, '--out', join(folder, 'no.json')])).code, 1);
  assert.is((await run(['apply', '-f', place, '--yes'])).code, 0);
  assert.is((await run(['plan', '-f', place])).code, 0, 'converged');
  const { manager } = await bench();
  const xml = await (await manager.get('folder-b')).canonical();
  // The whole document is asked for now, with the devices that libvirt added.
  const own = resultOf<PlanResult>(await run(['plan', '-f', '-', '--json'], xml));
  assert.equal(
    own.plans[0]?.operations.map(({ subject }) => subject),
    ['intent'],
  );
  const request = JSON.stringify({ set: { title: 'b' } });
  assert.is((await run(['apply', 'folder-b', '-f', '-', '--yes'], request)).code, 0);
  assert.match(await (await manager.get('folder-b')).canonical(), '<title>b</title>');
  const broken = await run(['plan', '-f', '-'], 'name: [');
  assert.is(broken.code, 1);
  assert.match(broken.err, 'stdin is neither YAML nor JSON nor XML');
});

test('words of a request: texts, numbers, groups, lists, escaped commas, and a field that is removed', async () => {
  const { run, domain } = await subject('words');
  const calls = async (...args: string[]) => {
    const ended = await run(['plan', 'words', ...args, '--json']);
    assert.is(ended.code, 2, ended.err + ended.out);
    return resultOf<PlanResult>(ended).plans.flatMap(({ operations }) =>
      operations.map(({ call }) => String(call.args.xml ?? call.args.metadata)),
    );
  };
  const [disk] = await calls(
    '--attach',
    'disk=data,target=vdb,network.protocol=nbd,network.name=a\\,b,network.hosts.0.name=h,network.hosts.0.port=10809,serial=0123',
  );
  assert.match(disk ?? '', '<serial>0123</serial>');
  assert.match(disk ?? '', /name=["']a,b["']/);
  assert.match(disk ?? '', /port=["']10809["']/);
  const [lan] = await calls('--attach', 'interface=second,user=true,ips.0.address=10.0.2.9,ips.0.prefix=24');
  assert.match(lan ?? '', /<ip [^>]*address=["']10\.0\.2\.9["']/);
  const [plain] = await calls('--attach', '{rng: {id: dice, builtin: true}}');
  assert.match(plain ?? '', 'ua-dice');
  const [title] = await calls('--set', 'title=42');
  assert.is(title, '42', 'a title is a text');
  assert.is((await run(['apply', 'words', '--update', 'interface=lan,link=down', '--yes'])).code, 0);
  assert.match(await domain.canonical(), '<link state');
  assert.is((await run(['apply', 'words', '--update', 'interface=lan,link=', '--yes'])).code, 0);
  assert.not.match(await domain.canonical(), '<link state');
});

test('completion: a script for each shell, and names of commands, domains and devices from the host', async () => {
  const { run, domain } = await subject('complete-me');
  for (const shell of ['bash', 'zsh', 'fish']) assert.match((await run(['completion', shell])).out, 'lvc complete --');
  const words = async (...line: string[]) => (await run(['complete', '--', ...line])).out.split('\n').filter(Boolean);
  const expected: readonly [line: readonly string[], found: readonly string[]][] = [
    [['host'], ['host-check']],
    [['show', 'complete'], [domain.name]],
    [['copy', domain.name, ''], ['root']],
    [['plan', domain.name, '--detach', 'disk'], ['disk=root']],
    [
      ['reboot', domain.name, '--mode', ''],
      ['guest', 'cold', 'hard'],
    ],
    [['plan', '--detach-'], ['--detach-order']],
  ];
  const found = await Promise.all(expected.map(([line]) => words(...line)));
  assert.equal(
    found,
    expected.map(([, each]) => each),
  );
  assert.equal(await lvc(['complete', '--', 'show', ''], { uri: 'qemu+unix:///session?socket=/nowhere' }), {
    code: 0,
    out: '',
    err: '',
  });
});

/** What each shell offers for `lvc show sourc`, asked as the shell itself would ask its function. */
const IN_SHELL: Readonly<Record<string, string>> = {
  bash: `eval "$(lvc completion bash)"; COMP_WORDS=(lvc show sourc) COMP_CWORD=2; _lvc; printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: `compdef() { : }; compadd() { print -l -- "\${(@P)2}" }; eval "$(lvc completion zsh)"; words=(lvc show sourc) CURRENT=3; _lvc`,
  fish: 'lvc completion fish | source; complete -C "lvc show sourc"',
};

for (const [shell, line] of Object.entries(IN_SHELL))
  test(`completion: what ${shell} makes of the script, names with spaces too`, async () => {
    const { host, define } = await bench();
    await define({ name: `sourced-${shell}` });
    await define({ name: `sourced in ${shell}` });
    const bin = mkdtempSync(join(tmpdir(), 'lvc-bin-'));
    try {
      writeFileSync(join(bin, 'lvc'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
      const args = shell === 'fish' ? ['--no-config', '-c', line] : shell === 'zsh' ? ['-f', '-c', line] : ['-c', line];
      const env = {
        ...process.env,
        HOME: bin,
        LIBVIRT_DEFAULT_URI: host.uri,
        PATH: `${bin}:${dirname(process.execPath)}:${process.env.PATH}`,
      };
      const { stdout, stderr, error } = spawnSync(shell, args, { env, encoding: 'utf8' });
      assert.is(error, undefined);
      const offered = stdout.split('\n').map((each) => each.replaceAll('\\', ''));
      for (const name of [`sourced-${shell}`, `sourced in ${shell}`])
        assert.ok(offered.includes(name), stdout + stderr);
    } finally {
      rmSync(bin, { recursive: true });
    }
  });

test.run();
