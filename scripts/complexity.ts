/**
 * Lists the functions of src/ whose cognitive complexity is over 15, hardest first, by Biome's own measure. A report, not a
 * gate: a number that must not be passed invites tricks.
 */
import { spawnSync } from 'node:child_process';

interface Report {
  readonly diagnostics: ReadonlyArray<{
    readonly message: string;
    readonly category: string;
    readonly location: { readonly path: string; readonly start: { readonly line: number } };
  }>;
}

const RULE = 'lint/complexity/noExcessiveCognitiveComplexity';
const { stdout } = spawnSync(
  'npx',
  ['biome', 'lint', '--config-path=biome.complexity.json', '--reporter=json', '--max-diagnostics=none', 'src'],
  { encoding: 'utf8', maxBuffer: 64 << 20 },
);
const hard = (JSON.parse(stdout) as Report).diagnostics
  .filter(({ category }) => category === RULE)
  .map(({ message, location }) => ({
    complexity: Number(/complexity of (\d+)/.exec(message)?.[1]),
    place: `${location.path}:${location.start.line}`,
  }))
  .sort((a, b) => b.complexity - a.complexity);
for (const { complexity, place } of hard) console.log(`${String(complexity).padStart(4)}  ${place}`);
console.log(`${hard.length} functions have a cognitive complexity over 15`);
