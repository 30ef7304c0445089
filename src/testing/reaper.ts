import { type ChildProcess, spawn } from 'node:child_process';
import { LibvirtCanonicalError } from '../errors.js';
import { run } from './programs.js';

/**
 * Kills a host's processes. A process is the host's when its HOME, its TMPDIR or one of its XDG_… folders is in the host's
 * directory: libvirtd gets all of them, and hands them on to virtlogd, QEMU and the rest. No other variable counts: PWD of a
 * shell is in there, too.
 */
const KILL = `
rounds=0
while left=$(grep -lzE -e "$pattern" /proc/[0-9]*/environ 2>/dev/null | sed 's|/proc/||; s|/environ||'); [ -n "$left" ]; do
  rounds=$((rounds + 1))
  [ $rounds -gt 500 ] && { echo "processes" $left "do not end" >&2; exit 1; }
  kill -KILL $left 2>/dev/null
  sleep 0.02
done
`;

/**
 * Outlives the test process. Its standard input is a pipe from there: end of file, by disposal or by any kind of death, means
 * kill and clean up. Of a privileged host the control groups, which bear its directory's name, go as well.
 */
const SCRIPT = `
trap '' HUP INT TERM
directory=$1 pattern=$2
cat >/dev/null
${KILL}
groups=
[ -e "$directory/groups" ] && groups="/\${directory##*/}"
while [ -e "$directory" ] || { [ -n "$groups" ] && find /sys/fs/cgroup -type d -path "*$groups" | grep -q .; }; do
  rounds=$((rounds + 1))
  [ $rounds -gt 500 ] && { echo "the directory or its control groups cannot be removed" >&2; exit 1; }
  [ -z "$groups" ] || find /sys/fs/cgroup -depth -type d -path "*$groups*" -exec rmdir {} + 2>/dev/null
  rm -rf -- "$directory" 2>/dev/null || sleep 0.02
done
`;

/** The guard of one host's directory and processes. */
export class Reaper {
  readonly #child: ChildProcess;
  readonly #pattern: string;
  #complaint = '';

  constructor(readonly directory: string) {
    this.#pattern = `^(HOME|TMPDIR|XDG_[A-Z]+_(DIR|HOME))=${directory.replace(/[\\.[\](){}*+?^$|]/g, '\\$&')}(/|$)`;
    this.#child = spawn('/bin/sh', ['-c', SCRIPT, 'libvirt-canonical-reaper', directory, this.#pattern], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    this.#child.stderr?.on('data', (chunk) => {
      this.#complaint += chunk;
    });
    this.#child.unref();
    for (const stream of [this.#child.stdin, this.#child.stderr]) (stream as { unref?(): void } | null)?.unref?.();
  }

  /** Kills the host's processes, and leaves its directory. */
  async killAll(): Promise<void> {
    await run('/bin/sh', ['-c', `pattern=$1\n${KILL}`, 'libvirt-canonical-kill', this.#pattern]);
  }

  /** Kills the host's processes, removes its directory, and returns when both are done. */
  async reap(): Promise<void> {
    const child = this.#child;
    child.ref();
    const code = await new Promise<number | null>((resolve, reject) => {
      if (child.exitCode !== null) return resolve(child.exitCode);
      child.once('exit', resolve).once('error', reject);
      child.stdin?.end();
    });
    if (code === 0) return;
    throw new LibvirtCanonicalError(
      'TIMEOUT',
      `The private host ${this.directory} was not cleaned up: ${this.#complaint.trim()}`,
      {
        remedy: 'Kill the processes named and remove the directory',
      },
    );
  }
}
