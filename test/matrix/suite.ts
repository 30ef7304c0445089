import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { deviceKinds } from '../../src/domain/index.js';
import { connect } from '../../src/index.js';
import { PrivateHost } from '../../src/testing/index.js';
import { benchOnDemand } from '../support/bench.js';
import { within } from '../support/deadline.js';
import { type Subject, subjectOf } from './batches.js';
import { cases as settingCases } from './cases/settings.js';
import { casesByKind } from './cases.js';
import { wrongRows } from './control.js';
import { checkSection, table, tablesOf } from './document.js';
import { bySource, refusedInSession } from './elsewhere.js';
import { CELLS, type Findings } from './findings.js';
import { proveAll } from './prove.js';
import { provePrivileged, refusedSetting } from './settings.js';

const TITLES = { session: 'Session daemon', privileged: 'System daemon' } as const;
const ALL_WITHIN = 400_000;

/** The tests of one kind of daemon: each kind's cases, the settings that only it can do, and its part of the document. */
export async function matrix(mode: 'session' | 'privileged'): Promise<void> {
  const test = suite(`the matrix, ${TITLES[mode].toLowerCase()}`);
  const byKind = await casesByKind();
  const cases = [...byKind.values()].flat();
  const here = (host: string) => host === mode || (mode === 'session' && host === 'privileged');
  const kinds = [...byKind.keys()].filter((kind) => cases.some((each) => each.kind === kind && here(each.host)));
  let outcome: Promise<Findings[]> | undefined;
  let onSystem: Findings[] = [];
  let untried: string[][] = [];
  let versions = '';
  const settings: string[][] = [];

  const run = () => {
    outcome ??= (async () => {
      await using host = await PrivateHost.start({ privileged: mode === 'privileged' });
      const connection = await connect(host.uri);
      versions = `libvirt ${connection.libvirtVersion}, QEMU ${connection.hypervisorVersion.replace(/\.\d+$/, '')}`;
      const subjects: Subject[] = [];
      for (const each of cases) if (each.host === mode) subjects.push(await subjectOf(each, host));
      await proveAll(host, connection, subjects);
      if (mode === 'session') {
        onSystem = await refusedInSession(host, connection, cases);
        untried = await bySource(host, connection.libvirtVersion, cases);
      }
      await connection.close();
      return subjects.map(({ findings }) => findings);
    })();
    return within(outcome, ALL_WITHIN, 'the matrix');
  };

  for (const kind of kinds) {
    test(kind, async () => {
      const problems = [...(await run()), ...onSystem]
        .filter((findings) => findings.case.kind === kind)
        .flatMap((findings) => findings.problems.map((problem) => `${findings.name}: ${problem}`));
      assert.is(problems.length, 0, `${problems.join('\n\n')}\n`);
    });
  }

  let bridge: Promise<void> | undefined;
  const get = benchOnDemand({ privileged: mode === 'privileged' });
  test.after(() => get.stop());
  for (const each of settingCases.filter(({ host }) => host === 'privileged')) {
    for (const state of each.states ?? (['off', 'running'] as const)) {
      test(`${each.setting}, ${each.title} (${state})`, async () => {
        const bench = await get();
        if (mode === 'privileged') {
          bridge ??= bench.host.createBridge('br0');
          await bridge;
        }
        const word = await (mode === 'privileged' ? provePrivileged : refusedSetting)(bench, each, state);
        settings.push([each.setting, each.title, state, word]);
      });
    }
  }

  if (mode === 'session') {
    test('every kind has cases', () => {
      for (const { element } of deviceKinds())
        assert.ok(
          byKind.get(element)?.every(({ kind }) => kind === element) && byKind.get(element)?.length,
          `test/matrix/cases/${element}.ts has cases of ${element}`,
        );
    });
  }

  if (mode === 'session') {
    test('control: rows that are wrong are caught', async () => {
      const found = await wrongRows(await get(), byKind);
      assert.match(found.rng ?? '', /attach live: the plan refuses it .*, but libvirt does it/);
      assert.match(found.audio ?? '', /attach live: .*84|attach live: .*OPERATION_UNSUPPORTED/);
      assert.match(found.disk ?? '', /detect_zeroes: the row says live, but the guest's document does not show it/);
    });
  }

  test('docs/support-matrix.md says what was found', async () => {
    const findings = await run();
    const rows = settings.sort((a, b) => a.join().localeCompare(b.join()));
    const body = [
      tablesOf(findings),
      ...(mode === 'session' ? ['### what only a system daemon can do\n'] : ['### settings\n']),
      ...(onSystem.length > 0
        ? [
            table(
              ['kind', 'case', 'attach live'],
              onSystem.map((each) => [each.case.kind, each.case.title, refusalOf(each)]),
            ),
          ]
        : []),
      table(['setting', 'case', 'domain', 'set'], rows),
      ...(untried.length > 0
        ? ['### by source only\n', table(['kind', 'case', ...CELLS, 'not tried, since it'], untried)]
        : []),
    ].join('\n');
    const command = `npm run compile && LVC_WRITE_DOCS=1 node build/test/matrix/${mode}.serial.test.js`;
    assert.is(checkSection({ title: TITLES[mode], measured: versions, body }, command), undefined);
  });
  test.run();
}

function refusalOf({ cells }: Findings): string {
  const outcome = cells.get('attach live');
  return outcome?.word === 'no' ? `no (${outcome.error})` : '–';
}
