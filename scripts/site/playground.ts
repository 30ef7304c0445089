import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Builds the playground into a folder: one page and one script. */
export async function buildPlayground(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: ['site/playground/app.ts'],
    bundle: true,
    minify: true,
    platform: 'browser',
    format: 'iife',
    outfile: join(folder, 'app.js'),
    logLevel: 'error',
  });
  copyFileSync('site/playground/index.html', join(folder, 'index.html'));
}
