import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Imports of a TypeScript source that remain at run time: those of types alone are left out. */
const IMPORTS = /^(?:import|export)(?! type)\b[^;]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gms;

/** What a test needs to start a daemon, directly or in a program that it runs. */
const STARTS = ['libvirt-canonical/testing', 'node:child_process'];

/**
 * Whether a test file can start a daemon: it, or a file that it imports, imports the module of private hosts or one that
 * runs programs. Decided by the sources, so that no list has to be kept.
 */
export function startsDaemon(file: string, project: string, known = new Map<string, boolean>()): boolean {
  const seen = known.get(file);
  if (seen !== undefined) return seen;
  known.set(file, false);
  const imports = [...readFileSync(file, 'utf8').matchAll(IMPORTS)].map(
    ([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '',
  );
  const daemon = join(project, 'src/testing/daemon.ts');
  const answer =
    file === daemon ||
    imports.some((specifier) => {
      if (STARTS.includes(specifier)) return true;
      if (!specifier.startsWith('.')) return false;
      const source = join(dirname(file), specifier).replace(/\.js$/, '.ts');
      return existsSync(source) && startsDaemon(source, project, known);
    });
  known.set(file, answer);
  return answer;
}
