/** Starts a host with a running domain, prints their processes, and ends as told. Run by crash.test.ts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PrivateHost } from '../../src/testing/index.js';
import { emptyDomain, virshWith } from './virsh.js';

const host = await PrivateHost.start();
await virshWith(host, emptyDomain('d1'), 'create');
const run = join(host.directory, 'run/libvirt');
const pids = [
  host.pid,
  ...[join(run, 'virtlogd.pid'), join(run, 'qemu/run/d1.pid')].map((path) => Number(readFileSync(path, 'utf8'))),
];
process.stdout.write(`${JSON.stringify({ directory: host.directory, pids })}\n`);

const ending = process.argv[2];
if (ending === 'wait') await sleep(60_000);
if (ending === 'exit') process.exit(0);
if (ending === 'throw') process.exit(1);
