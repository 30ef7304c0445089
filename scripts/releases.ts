/**
 * Holds the library to a fixed set of promises on the libvirt and QEMU of several Debian releases, each from its packages in a
 * folder of the cache (`prepareHostRoot`), and prints one table: promise by release. Root only. Ends with 1 when one is not kept.
 *
 *   npm run releases -- [--write] [--patience N] [bullseye bookworm trixie sid]
 *
 * `here` is the machine's own libvirt. --write puts the table into docs/releases.md.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { driverCommand, runConformance } from '../src/conformance/index.js';
import { prepareHostRoot } from '../src/testing/index.js';
import { PROMISES } from './releases/promises.js';
import { type Release, releasesPage, releasesTable } from './releases/table.js';

const PAGE = 'docs/releases.md';
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean' }, patience: { type: 'string', default: '1' } },
});

/** All promises on one release. A release that cannot be had is told, and is no failure of the library. */
async function tried(suite: string): Promise<Release> {
  let root: string | undefined;
  try {
    root = suite === 'here' ? undefined : await prepareHostRoot({ suite });
  } catch (error) {
    return { suite, absent: textOf(error) };
  }
  const at = root === undefined ? {} : { root };
  const kept = new Map<string, string>();
  let versions: Release['versions'];
  for (const { name, scenario, show } of PROMISES) {
    try {
      if (scenario === undefined) await show?.(at);
      else {
        const report = await runConformance({
          ...at,
          drivers: [driverCommand('library')],
          scenarios: [scenario],
          patience: Number(values.patience),
        });
        versions = { libvirt: report.libvirt, QEMU: report.qemu };
        const [course] = report.drivers[0]?.courses ?? [];
        if (course?.outcome !== 'kept')
          throw new Error(
            `${course?.outcome}: ${course?.why ?? course?.steps.flatMap(({ findings }) => findings.map(({ what }) => what))[0]}`,
          );
      }
      kept.set(name, 'kept');
    } catch (error) {
      kept.set(name, textOf(error));
    }
    console.log(`${suite}  ${name}: ${kept.get(name)}`);
  }
  return { suite, kept, ...(versions ? { versions } : {}) };
}

const textOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').slice(0, 300);

const releases: Release[] = [];
for (const suite of positionals.length > 0 ? positionals : ['bullseye', 'bookworm', 'trixie', 'sid']) {
  releases.push(await tried(suite));
  // After each: a run of all takes its time.
  if (values.write) writeFileSync(PAGE, releasesPage(releases));
}
console.log(releasesTable(releases));
process.exitCode = releases.every(({ kept }) => !kept || [...kept.values()].every((word) => word === 'kept')) ? 0 : 1;
