/**
 * Mutation testing by a list: breaks one line of the compiled library at a time and expects the tests named beside it to fail.
 *
 *   node build/scripts/mutate.js [PATTERN…]
 *
 * Works on a copy of build/, so that nothing of the project changes. Ends with the score, and with 1 when a mutant survives,
 * when its line is not there exactly once, or when the tests fail without any mutant. See docs/testing.md.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTANTS, type Mutant } from './mutants.js';

const project = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const patterns = process.argv.slice(2);
const chosen = MUTANTS.filter(({ what, file }) => patterns.every((each) => `${what} ${file}`.includes(each)));

/** A copy of what the tests need, in the temporary directory; it goes at the end. */
function workshop(): string {
  const copy = mkdtempSync(join(tmpdir(), 'lvc-mutate-'));
  // dist/ too: it is where `#platform` of package.json leads.
  for (const each of ['build', 'dist', 'test', 'fleet', 'examples', 'docs', 'package.json', 'README.md'])
    cpSync(join(project, each), join(copy, each), { recursive: true });
  symlinkSync(join(project, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** Runs test files of the copy, up to the first test that fails; true when all pass. */
function passes(copy: string, tests: readonly string[]): boolean {
  const script = join(copy, 'build/scripts/run-tests.js');
  return spawnSync(process.execPath, [script, '--bail', ...tests], { cwd: copy, stdio: 'ignore' }).status === 0;
}

function outcomeOf(copy: string, { file, find, replace, tests }: Mutant): 'caught' | 'survived' | 'not found' {
  const path = join(copy, 'build/src', file.replace(/ts$/, 'js'));
  const text = readFileSync(path, 'utf8');
  if (text.split(find).length !== 2) return 'not found';
  writeFileSync(
    path,
    text.replace(find, () => replace),
  );
  try {
    return passes(copy, tests) ? 'survived' : 'caught';
  } finally {
    writeFileSync(path, text);
  }
}

const copy = workshop();
let caught = 0;
try {
  const tests = [...new Set(chosen.flatMap((each) => each.tests))];
  if (chosen.length === 0 || !passes(copy, tests)) {
    console.log(chosen.length === 0 ? 'no mutant matches' : `the tests fail without any mutant: ${tests.join(', ')}`);
    process.exitCode = 1;
  } else {
    for (const mutant of chosen) {
      const outcome = outcomeOf(copy, mutant);
      if (outcome === 'caught') caught++;
      console.log(`${outcome.padEnd(9)}  ${mutant.file}  ${mutant.what}`);
    }
    console.log(`mutation score: ${caught} of ${chosen.length}`);
    process.exitCode = caught === chosen.length ? 0 : 1;
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
