/**
 * Checks the library against the documents of libvirt's own tests.
 *
 *   npm run corpus -- DIRECTORY [--all]
 *
 * DIRECTORY is the `tests` folder of a libvirt source tree. Ends with 1 when a finding is not among the accepted
 * exceptions (corpus-exceptions.ts), when one of those does not occur any more though its file is there, and when a
 * check finds nothing to look at. `--all` shows the accepted findings too.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DomainDocument, readDevice } from '../src/domain/index.js';
import { type Plan, planTowards } from '../src/plan/index.js';
import { parseElement, parseXml, serialize } from '../src/xml/index.js';
import { tokens } from '../test/support/tokens.js';
import { ACCEPTED } from './corpus-exceptions.js';

type Check = 'parse' | 'pair' | 'hotplug';

/** Something that is not as it should be: in which file, and what. */
interface Finding {
  readonly check: Check;
  readonly file: string;
  readonly what: string;
}

/** What a check looked at, and what it found. */
interface Outcome {
  readonly count: number;
  readonly findings: readonly Finding[];
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { all: { type: 'boolean' } } });
const [given] = positionals;
if (given === undefined || positionals.length > 1) {
  console.error('Usage: npm run corpus -- DIRECTORY, the tests folder of a libvirt source tree');
  process.exit(2);
}
const tree = resolve(given);
const VERSIONS = { libvirt: '11.3.0', qemu: '9.2.0' };
const TITLES: Readonly<Record<Check, string>> = {
  parse: 'domain documents are the same after parse and serialise',
  pair: 'inputs differ in nothing from what libvirt makes of them',
  hotplug: 'hot-plugs are planned as one attach',
};

/** Every `*.xml` below a folder, as paths from the tree. Linked files count where they stand; linked folders go in circles. */
function xmlFiles(folder = ''): string[] {
  const path = join(tree, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .flatMap((entry) => {
      const inside = join(folder, entry.name);
      if (entry.isDirectory()) return xmlFiles(inside);
      return entry.name.endsWith('.xml') ? [inside] : [];
    })
    .sort();
}

const read = (file: string) => readFileSync(join(tree, file), 'utf8');
const isDomain = (xml: string) => /^\s*(?:<\?[^>]*\?>\s*|<!--[\s\S]*?-->\s*)*<domain[\s/>]/.test(xml);

/** What `look` finds in a file: what it throws is a finding, too. */
function findingsIn(check: Check, file: string, look: () => readonly string[]): Finding[] {
  try {
    return look().map((what) => ({ check, file, what }));
  } catch (error) {
    return [{ check, file, what: error instanceof Error ? error.message : String(error) }];
  }
}

function parseCheck(): Outcome {
  const files = xmlFiles().filter((file) => isDomain(read(file)));
  const findings = files.flatMap((file) =>
    findingsIn('parse', file, () => {
      const xml = read(file).trim();
      const [before, after] = [tokens(xml), tokens(serialize(parseXml(xml)).trim())].map((all) =>
        all.map((token) => JSON.stringify(token)),
      ) as [string[], string[]];
      const at = before.findIndex((token, index) => token !== after[index]);
      if (at >= 0) return [`token ${at} is ${after[at]} and was ${before[at]}`];
      return before.length === after.length ? [] : ['has other tokens at its end'];
    }),
  );
  return { count: files.length, findings };
}

/** Folders of libvirt's xml-to-xml tests: inputs, and what libvirt makes of them. */
const PAIR_FOLDERS = [
  ['qemuxml2argvdata', 'qemuxml2xmloutdata'],
  ['qemuxmlconfdata', 'qemuxmlconfdata'],
] as const;
/** How the name of an output goes on after that of its input; outputs of an active parse are no canonical documents. */
const OUTPUT = /^(.+?)(?:-inactive)?(?:\.[a-z0-9_]+-(?:latest|\d+\.\d+\.\d+)(?:[.+-][\w+-]+)?)?\.xml$/;

function pairs(): Array<readonly [input: string, output: string]> {
  return PAIR_FOLDERS.flatMap(([from, to]) =>
    xmlFiles(to).flatMap((output) => {
      const name = output.slice(to.length + 1);
      const stem = OUTPUT.exec(name)?.[1];
      const input = `${from}/${stem}.xml`;
      return stem === undefined || name.includes('-active.') || input === output || !existsSync(join(tree, input))
        ? []
        : [[input, output] as const];
    }),
  );
}

function planned(desired: string, canonical: string, live?: string): Plan {
  return planTowards(desired, {
    canonical: new DomainDocument(canonical),
    live: live === undefined ? undefined : new DomainDocument(live),
    persistent: true,
    autostart: false,
    managedSave: false,
    versions: VERSIONS,
  });
}

/** What a plan would do or refuse, line by line, but for the intent that a domain new to the library is given. */
function stepsOf(plan: Plan): string[] {
  const operations = plan.operations.filter(({ subject }) => subject !== 'intent');
  return [
    ...operations.flatMap(({ action, subject, changes }) =>
      changes.length === 0
        ? [`${action} ${subject}`]
        : changes.map(
            ({ path, from, to }) => `${action} ${subject}: ${path} ${from ?? 'nothing'} → ${to ?? 'nothing'}`,
          ),
    ),
    ...plan.refusals.map(({ subject, path, reason }) => `refused ${subject}: ${path}: ${reason}`),
  ];
}

function pairCheck(): Outcome {
  const all = pairs();
  const findings = all.flatMap(([input, output]) =>
    findingsIn('pair', output, () => stepsOf(planned(read(input), read(output)))),
  );
  return { count: all.length, findings };
}

/** The document of a domain with one more device. */
function withDevice(domain: string, device: string): string {
  const end = domain.lastIndexOf('</devices>');
  return `${domain.slice(0, end)}${device.replace(/^\s*<\?[^>]*\?>/, '')}${domain.slice(end)}`;
}

/** libvirt's hot-plug fixtures are a domain, a device, and the domain with the device in it: `qemuhotplug-BASE+DEVICE.xml`. */
function hotplugCheck(): Outcome {
  const [domains, devices] = ['qemuhotplugtestdomains', 'qemuhotplugtestdevices'];
  const all = xmlFiles(domains).flatMap((file) => {
    const plus = file.lastIndexOf('+');
    const base = `${file.slice(0, plus)}.xml`;
    const device = `${devices}/qemuhotplug-${file.slice(plus + 1)}`;
    if (plus < 0 || ![base, device].every((each) => existsSync(join(tree, each)))) return [];
    // A device that the domain has already is a fixture of an update.
    const asked = readDevice(parseElement(read(device)));
    const named = asked.kind.names(asked.leaves).some((name) => name);
    return named && new DomainDocument(read(base)).counterpart(asked) ? [] : [{ file, base, device }];
  });
  const findings = all.flatMap(({ file, base, device }) =>
    findingsIn('hotplug', file, () => {
      const domain = read(base);
      const steps = stepsOf(
        planned(withDevice(domain, read(device)), domain, base.includes('-live') ? domain : undefined),
      );
      return steps.length === 1 && steps[0]?.startsWith('attach ') ? [] : steps.length === 0 ? ['nothing'] : steps;
    }),
  );
  return { count: all.length, findings };
}

/** The accepted findings, those that are not, and rows that accept a file which is there and has nothing to accept. */
function judge(findings: readonly Finding[]) {
  const used = new Map<string, readonly Finding[]>();
  const open = findings.filter(({ check, file, what }) => {
    const row = ACCEPTED.find((each) => each.check === check && each.files.includes(file) && each.what.test(what));
    if (row) used.set(row.reason, [...(used.get(row.reason) ?? []), { check, file, what }]);
    return !row;
  });
  const stale = ACCEPTED.flatMap(({ reason, files }) =>
    files.filter((file) => existsSync(join(tree, file)) && !used.get(reason)?.some((each) => each.file === file)),
  );
  return { open, used, stale };
}

const filesOf = (findings: readonly Finding[]) => [...new Set(findings.map(({ file }) => file))];
const outcomes: Readonly<Record<Check, Outcome>> = { parse: parseCheck(), pair: pairCheck(), hotplug: hotplugCheck() };
let good = true;
for (const [check, { count, findings }] of Object.entries(outcomes) as Array<[Check, Outcome]>) {
  const { open, used } = judge(findings);
  console.log(`${check}: ${count - filesOf(findings).length} of ${count} ${TITLES[check]}`);
  for (const [reason, accepted] of used) {
    console.log(`  accepted in ${filesOf(accepted).length}: ${reason}`);
    for (const { file, what } of accepted) if (values.all) console.log(`    ${file}: ${what}`);
  }
  for (const { file, what } of open) console.log(`  NOT ACCEPTED ${file}: ${what}`);
  if (count === 0) console.log('  NOTHING TO CHECK: this is no tests folder of a libvirt source tree');
  good &&= open.length === 0 && count > 0;
}
const { stale } = judge(Object.values(outcomes).flatMap(({ findings }) => findings));
for (const file of stale) console.log(`STALE ${file}: accepted in corpus-exceptions.ts, and does not occur any more`);
process.exitCode = good && stale.length === 0 ? 0 : 1;
