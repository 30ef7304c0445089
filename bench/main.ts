/**
 * Measures what the project aims at, on a private host. It reports; it never fails because something was slow.
 *
 *   npm run bench [-- calls cost plan hot-plug migration streams command]
 */
import { cpus } from 'node:os';
import { benchCalls } from './calls.js';
import { benchCommand } from './command.js';
import { benchCost } from './cost.js';
import { benchHotPlug } from './hot-plug.js';
import { benchMigration } from './migration.js';
import { benchPlan } from './plan.js';
import { type Aim, renderSection, type Section } from './report.js';
import { prepare, type Setting } from './setting.js';
import { benchStreams } from './streams.js';

const BENCHES: Readonly<Record<string, (setting: Setting, signal: AbortSignal) => Promise<Section[]>>> = {
  calls: benchCalls,
  cost: benchCost,
  plan: benchPlan,
  'hot-plug': benchHotPlug,
  migration: benchMigration,
  streams: benchStreams,
  command: benchCommand,
};

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));
const { signal } = interrupted;
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  console.error(`There is no ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}

try {
  await using setting = await prepare(signal);
  const { libvirtVersion, hypervisorVersion } = setting.connection;
  const [cpu] = cpus();
  console.log(
    `libvirt ${libvirtVersion}, QEMU ${hypervisorVersion} without KVM, Node ${process.versions.node}, ${cpus().length} × ${cpu?.model}\n`,
  );
  const aims: Aim[] = [];
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    for (const section of await bench(setting, signal)) {
      console.log(renderSection(section));
      aims.push(...section.aims);
    }
  }
  console.log(`${aims.filter(({ met }) => met).length} of ${aims.length} aims met`);
} catch (error) {
  if (!signal.aborted) throw error;
  process.exitCode = 130;
}
