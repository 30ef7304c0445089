/** `lvc migrate` between two hosts: findings, the way there with a line of progress, Ctrl-C, and one that was cut. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pairOnDemand, type Traveller } from '../migration/pair.js';
import { Program } from '../migration/program.js';
import { failure } from '../support/deadline.js';
import { eventually } from '../support/eventually.js';
import { errorOf, lvc, onTerminal, resultOf } from './lvc.js';

const pair = pairOnDemand();
test.after(pair.stop);

const CTRL_C = '\x03';
let made: Promise<Traveller> | undefined;

/** One guest for all tests, and its way there and back as words of a command line. */
async function subject() {
  const { a, b, guest } = await pair();
  made ??= guest('goes');
  const t = await made;
  const words = ({ uri, paths = {} }: Traveller['options']) => [
    ...['--uri', String(uri)],
    ...Object.entries(paths).flatMap(([from, to]) => ['--path', `${from}=${to}`]),
  ];
  const run = (args: readonly string[], from = a.host.uri) => lvc(args, { uri: from });
  return { a, b, t, run, there: ['migrate', 'goes', b.host.uri, ...words(t.options)], back: words(t.back) };
}

interface Findings {
  readonly plan: { readonly findings: readonly { readonly severity: string; readonly problem: string }[] };
}

test('migrate --plan: findings of both hosts, exit code 2; 3 when one blocks; and nothing is done', async () => {
  const { run, there, a, t } = await subject();
  const shown = await run([...there, '--plan']);
  assert.is(shown.code, 2, shown.err);
  assert.match(shown.out, 'goes');
  const { plan } = resultOf<Findings>(await run([...there, '--plan', '--json']));
  assert.not.ok(plan.findings.some(({ severity }) => severity === 'blocks'));
  const blocked = await run(['migrate', 'goes', a.host.uri, '--json']);
  assert.is(blocked.code, 3, blocked.out);
  assert.ok(resultOf<Findings>(blocked).plan.findings.some(({ severity }) => severity === 'blocks'));
  assert.is(await t.domain.state(), 'running');
  for (const [args, says] of [
    [['migrate', 'goes'], 'Where to?'],
    [[...there, '--policy', 'gentel'], 'Did you mean gentle?'],
    [[...there, '--prefer', 'back'], '--prefer goes with --recover'],
    [[...there, '--source', 'lan'], 'lan,source/@bridge=br1'],
    [there, 'Nothing was changed'],
  ] as const) {
    const { code, err } = await run(args);
    assert.is(code, 1, args.join(' '));
    assert.match(err, says);
  }
  assert.is(errorOf(await run([...there, '--json'])).code, 'USAGE', 'nobody is asked with --json');
});

test('migrate: asks, shows how far it is, and Ctrl-C in the middle leaves the guest where it is', async () => {
  const { there, a, b, t } = await subject();
  const slow = [...there, '--policy', '{preset: gentle, bandwidth: {begin: 4}}'];
  const terminal = onTerminal(slow, { uri: a.host.uri });
  await eventually('the question', () => terminal.text().includes('Migrate it? [yes/no]'));
  terminal.type('yes\n');
  await eventually('the progress', () => /sending +\d+ % .* left/.test(terminal.text()));
  terminal.type(CTRL_C);
  const ended = await terminal.ended;
  assert.is(ended.code, 130, ended.out);
  const domain = await a.manager.get(t.uuid);
  assert.equal([await domain.state(), domain.migration], ['running', undefined]);
  await failure(b.manager.get(t.uuid), 'DOMAIN_NOT_FOUND');
});

test('migrate --recover: a migration whose process was killed is in the list, shown, and settled', async () => {
  const { run, there, back, a, b, t } = await subject();
  const options = { ...t.options, policy: { bandwidth: { begin: 8 } } };
  await new Program(a.host.uri, b.host.uri, t.uuid, [['kill', 'sending']], options).killed();
  assert.match((await run(['list'])).out, 'a migration was cut: lvc migrate goes --recover');
  const look = await run(['migrate', 'goes', '--recover', '--look', '--json']);
  assert.is(look.code, 2, look.out + look.err);
  assert.match((await run(['migrate', 'goes', '--recover'])).err, 'Nothing was changed');
  const settled = resultOf<{ recovery: { outcome: string; unfinished: unknown[] } }>(
    await run(['migrate', 'goes', '--recover', '--yes', '--json']),
  ).recovery;
  assert.equal([settled.outcome, settled.unfinished], ['not-migrated', []]);
  assert.is((await run(['migrate', 'goes', b.host.uri, '--recover'])).code, 0, 'nothing is left to settle');
  const unknown = await run(['migrate', 'gose', b.host.uri, '--recover', '--json']);
  assert.equal([unknown.code, errorOf(unknown).code], [1, 'DOMAIN_NOT_FOUND']);

  const gone = await run([...there, '--yes', '--json']);
  assert.is(gone.code, 0, gone.err);
  const { migrated } = resultOf<{ migrated: { total: number; downtime: number; unfinished: unknown[] } }>(gone);
  assert.ok(migrated.total > 0 && migrated.downtime > 0);
  assert.equal(migrated.unfinished, []);
  const arrived = await run(['migrate', 'goes', b.host.uri, '--recover']);
  assert.is(arrived.code, 0, arrived.err);
  assert.match(arrived.out, 'goes: it runs at the destination (done).');
  const home = await run(['migrate', 'goes', a.host.uri, ...back, '--yes'], b.host.uri);
  assert.is(home.code, 0, home.err);
  assert.match(home.out, /goes is at .*, the same machine, after [\d.]+ s; the guest stood still for \d+ ms\./);
  assert.is(await (await a.manager.get(t.uuid)).state(), 'running');
});

test.run();
