/** Starts a host, defines a domain twice and prints how long the second took. Run by kvm.test.ts. */
import { PrivateHost } from '../../src/testing/index.js';
import { emptyDomain, virshWith } from './virsh.js';

await using host = await PrivateHost.start();
await virshWith(host, emptyDomain('d1'), 'define');
const started = performance.now();
await virshWith(host, emptyDomain('d2'), 'define');
process.stdout.write(String(performance.now() - started));
