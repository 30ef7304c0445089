/** Starts a privileged host with a running domain, prints where and what it is, and waits to be killed. Run by privileged.test.ts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PrivateHost } from '../../src/testing/index.js';
import { emptyDomain, virshWith } from './virsh.js';

const host = await PrivateHost.start({ privileged: true });
await virshWith(host, emptyDomain('d1'), 'create');
process.stdout.write(`${JSON.stringify({ directory: host.directory, pid: host.pid })}\n`);
await sleep(60_000);
