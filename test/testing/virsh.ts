import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { PrivateHost } from '../../src/testing/index.js';

const run = promisify(execFile);

/** Runs virsh against a host. The tests of the host itself use no client of ours. */
export async function virsh(host: PrivateHost, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run('virsh', ['-q', '-c', host.uri, ...args], { timeout: 60_000 });
  return stdout.trim();
}

/** As {@link virsh}, with a document as the last argument: a file in the host's directory. */
export async function virshWith(host: PrivateHost, xml: string, ...args: readonly string[]): Promise<string> {
  const path = join(host.directory, 'document.xml');
  await writeFile(path, xml);
  return virsh(host, ...args, path);
}

/** Waits until `holds` answers true, at most `within` milliseconds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, within = 20_000): Promise<void> {
  const deadline = performance.now() + within;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come about within ${within} ms`);
    await sleep(25);
  }
}

/** Whether a process with this id runs. One that has ended and waits for its parent to notice does not. */
export function alive(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** The smallest domain there is: no guest, no disk. */
export function emptyDomain(name: string): string {
  return `<domain type='qemu'><name>${name}</name><memory unit='MiB'>32</memory>
    <os><type arch='x86_64' machine='q35'>hvm</type></os><devices><memballoon model='none'/></devices></domain>`;
}
