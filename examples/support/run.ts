import { readdirSync } from 'node:fs';

/** `npm run example NAME [-- URI]`. */
const folder = new URL('..', import.meta.url);
const examples = readdirSync(folder)
  .filter((file) => file.endsWith('.js'))
  .map((file) => file.slice(0, -3));
const [name = ''] = process.argv.splice(2, 1);
if (examples.includes(name)) await import(new URL(`${name}.js`, folder).href);
else {
  console.error(`Usage: npm run example NAME [-- URI]\nExamples: ${examples.join(', ')}`);
  process.exitCode = 2;
}
