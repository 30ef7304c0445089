/** Simulated hosts in a process of their own: `hosts SETUP-JSON`. It says `ready`; told anything on its input it says what it counted. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Counts, SimulatedDomain, SimulatedHost } from './host.js';
import type { Recording } from './record.js';

/** What the process is started with. */
export interface HostsSetup {
  /** File of the recording. */
  readonly recording: string;
  /** Folder of the sockets: host 7 has `7`. */
  readonly folder: string;
  readonly hosts: number;
  /** Of each host; a quarter of them are off. */
  readonly domains: number;
}

/** What it says when it is asked. */
export interface HostsFigures {
  readonly calls: number;
  readonly unknown: readonly string[];
  /** Domains by their titles. */
  readonly titles: Readonly<Record<string, number>>;
  /** Domains of which the title was set more than once. */
  readonly titledTwice: number;
}

const { recording: file, folder, hosts: many, domains: each } = JSON.parse(process.argv[2] ?? '') as HostsSetup;
const recording = JSON.parse(readFileSync(file, 'utf8')) as Recording;
const counts: Counts = { calls: 0, unknown: new Set() };
const uuidOf = (host: number, domain: number): string =>
  `00000000-0000-4000-8${host.toString(16).padStart(3, '0')}-${domain.toString(16).padStart(12, '0')}`;
const hosts = Array.from({ length: many }, (_, host) => {
  const domains = Array.from({ length: each }, (_each, at) => {
    const off = at % 4 === 3;
    const uuid = uuidOf(host, at + 1);
    return new SimulatedDomain(off ? recording.off : recording.running, `d${host}-${at}`, uuid, off ? -1 : at + 1);
  });
  return new SimulatedHost(join(folder, String(host)), uuidOf(host, 0), domains, { recording, counts });
});
for (const host of hosts) await host.listen();
process.stdout.write('ready\n');
process.stdin.on('data', () => {
  const all = hosts.flatMap(({ domains }) => domains);
  const titles: Record<string, number> = {};
  for (const { title = '' } of all) titles[title] = (titles[title] ?? 0) + 1;
  const figures: HostsFigures = {
    calls: counts.calls,
    unknown: [...counts.unknown],
    titles,
    titledTwice: all.filter(({ titled }) => titled > 1).length,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
});
process.stdin.on('end', () => process.exit(0));
