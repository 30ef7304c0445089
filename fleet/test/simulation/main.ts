/**
 * Many simulated hosts, the real engine and a real PostgreSQL: `npm run simulate-fleet [-- --hosts 500 --domains 20 --batch 1000]`. It
 * reports figures, and fails only when a domain was not changed.
 */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { simulate } from './simulate.js';

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '500' },
    domains: { type: 'string', default: '20' },
    batch: { type: 'string', default: '1000' },
  },
});
const [hosts, domains, batch] = [Number(values.hosts), Number(values.domains), Number(values.batch)];
console.log(
  `${hosts} hosts × ${domains} domains, ${cpus().length} CPUs, load ${loadavg()[0]?.toFixed(1)} at the start`,
);
const figures = await simulate({ hosts, domains, batch });
console.log(JSON.stringify(figures, undefined, 2));
const { applied, already } = figures.result;
if (applied + already !== hosts * domains || figures.hosts.unknown.length > 0) process.exitCode = 1;
