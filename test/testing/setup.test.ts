import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('scripts/setup');
const setup = fileURLToPath(new URL('../../../scripts/setup', import.meta.url));
const PROGRAMS = [
  'sh',
  'dirname',
  'uname',
  'id',
  'grep',
  'virsh',
  'qemu-system-x86_64',
  'qemu-img',
  'busybox',
  'qemu-system-aarch64',
  'xz',
  'zstd',
  'ssh',
  'nc',
  'openssl',
  'env',
  'swtpm',
  'swtpm_setup',
  'isoinfo',
  'chromium',
  'zsh',
  'fish',
];

/** Runs the script with these programs alone in its PATH, sbin aside, and a package manager that writes down its calls. */
function runWith(
  programs: readonly string[],
  manager: string,
  uid: number,
): { code: number | null; calls: string; stderr: string } {
  const directory = mkdtempSync(join(tmpdir(), 'p'));
  try {
    const log = join(directory, 'calls');
    const script = (name: string, content: string) =>
      writeFileSync(join(directory, name), `#!/bin/sh\n${content}\n`, { mode: 0o755 });
    for (const program of programs) {
      symlinkSync(
        execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim(),
        join(directory, program),
      );
    }
    // Ends the run there: what follows needs the packages.
    script(manager, `echo "$0" "$@" >>${log}\ncase "$*" in *install*|*-Sy*) exit 7 ;; esac`);
    rmSync(join(directory, 'id'), { force: true });
    script('id', `echo ${uid}`);
    const { status, stderr } = spawnSync('sh', [setup], {
      env: { PATH: directory, HOME: directory },
      encoding: 'utf8',
    });
    const calls = existsSync(log) ? readFileSync(log, 'utf8').replaceAll(`${directory}/`, '') : '';
    return { code: status, calls, stderr };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('has nothing to do and says nothing where all is there', () => {
  const { status, stdout, stderr } = spawnSync('sh', [setup], { encoding: 'utf8' });
  assert.equal({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
});

test('installs what is missing, and only that', () => {
  const { code, calls } = runWith(PROGRAMS, 'apt-get', 0);
  assert.is(calls, 'apt-get -q update\napt-get -q install -y --no-install-recommends cpio lz4\n');
  assert.is(code, 7);
});

for (const [manager, call] of [
  ['dnf', 'dnf -y --setopt=install_weak_deps=False install qemu-img cpio'],
  ['zypper', 'zypper --non-interactive install --no-recommends qemu-tools cpio'],
  ['pacman', 'pacman -Sy --noconfirm --needed qemu-img cpio'],
] as const) {
  test(`knows the names of ${manager}`, () => {
    const programs = [...PROGRAMS.filter((program) => program !== 'qemu-img'), 'lz4'];
    assert.is(runWith(programs, manager, 0).calls, `${call}\n`);
  });
}

test('lists the packages where it may not install them', () => {
  const { code, calls, stderr } = runWith(PROGRAMS, 'apt-get', 1000);
  assert.is(calls, '');
  assert.match(stderr, 'these packages are missing and cannot be installed from here: cpio lz4');
  assert.is(code, 1);
});

test.run();
