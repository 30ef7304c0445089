import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { KindCase } from './case.js';

/** The cases by kind, from every file of `cases/` but that of the settings. The sources are listed, not build/, which may hold what is no longer there. */
export async function casesByKind(): Promise<ReadonlyMap<string, readonly KindCase[]>> {
  const here = new URL('./cases/', import.meta.url);
  const sources = fileURLToPath(here).replace(/\/build\/test\//, '/test/');
  const byKind = new Map<string, readonly KindCase[]>();
  for (const file of readdirSync(sources).sort()) {
    const name = file.replace(/\.ts$/, '');
    if (name === 'settings') continue;
    const module = (await import(new URL(`${name}.js`, here).href)) as { cases: readonly KindCase[] };
    byKind.set(name, module.cases);
  }
  return byKind;
}
