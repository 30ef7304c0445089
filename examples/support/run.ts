import { existsSync, readdirSync } from 'node:fs';

/** `npm run example NAME [-- URI]`. An example is a file, or a folder with a `main`. */
const folder = new URL('..', import.meta.url);
const examples = new Map(
  readdirSync(folder).flatMap((entry): [string, URL][] => {
    if (entry.endsWith('.js')) return [[entry.slice(0, -3), new URL(entry, folder)]];
    const main = new URL(`${entry}/main.js`, folder);
    return existsSync(main) ? [[entry, main]] : [];
  }),
);
const [name = ''] = process.argv.splice(2, 1);
const program = examples.get(name);
if (program) await import(program.href);
else {
  console.error(`Usage: npm run example NAME [-- URI]\nExamples: ${[...examples.keys()].join(', ')}`);
  process.exitCode = 2;
}
