import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AbortedError, LibvirtCanonicalError } from '../errors.js';
import { meant } from '../nearest.js';
import { CALLBACK, checkOptions, LIST, NUMBER, type OptionTable, SIGNAL, TEXT, TEXTS } from '../options.js';
import { Course, type CourseSetting, CutShort } from './course.js';
import { type DriverCommand, DriverProcess } from './driver-process.js';
import type { Hello } from './protocol.js';
import {
  type ConformanceReport,
  type Course as CourseReport,
  type DriverReport,
  REPORT_FORM,
  type Step,
} from './report.js';
import { SCENARIOS, type Scenario } from './scenarios.js';
import { Site } from './site.js';

/** What is told while the kit runs. */
export interface ConformanceProgress {
  readonly driver: string;
  readonly scenario: string;
  /** The step that has just been made; absent when a scenario begins. */
  readonly step?: Step;
  /** How the scenario came out, at its end. */
  readonly outcome?: CourseReport['outcome'];
}

export interface ConformanceOptions {
  /** The managers to try, one after the other. */
  readonly drivers: readonly DriverCommand[];
  /** Names of scenarios, in this order. Default: all but `short matrix`. */
  readonly scenarios?: readonly string[];
  /** Where the private hosts go. Default `os.tmpdir()`. */
  readonly directory?: string;
  /** A folder with another release's libvirt and QEMU, which the hosts run in: `prepareHostRoot` of `libvirt-canonical/testing`. Root only. */
  readonly root?: string;
  /** Multiplies every time that the kit waits for something, for slow machines. Default 1. */
  readonly patience?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ConformanceProgress) => void;
}

const OPTIONS: OptionTable<ConformanceOptions> = {
  drivers: LIST,
  scenarios: TEXTS,
  directory: TEXT,
  root: TEXT,
  patience: NUMBER,
  signal: SIGNAL,
  onProgress: CALLBACK,
};

/** What is run when nobody names scenarios. */
const DEFAULT = SCENARIOS.filter(({ name }) => name !== 'short matrix');

/** Names and what each is about, in the order in which they are run. */
export function conformanceScenarios(): readonly Pick<Scenario, 'name' | 'about' | 'needs'>[] {
  return SCENARIOS.map(({ name, about, needs }) => ({ name, about, ...(needs ? { needs } : {}) }));
}

/**
 * Holds managers of domains to the promise that nothing moves: each is driven through events on private hosts, with a guest that
 * runs, and after every event three witnesses are asked where every device is: libvirt's documents, QEMU by its monitor, and the guest
 * by its own inventory. What a driver says is never believed. One domain for each scenario and driver; a scenario takes from half a minute
 * to some ten minutes under emulation.
 *
 * @returns what was done and what was found; {@link keeps} tells whether a driver kept the promise
 * @throws LibvirtCanonicalError `ARGUMENT_INVALID`: there is no such option or scenario; `PROTOCOL_VIOLATION` or `TIMEOUT`: a driver
 * does not say what it is
 * @throws HostSetupError `HOST_SETUP`: libvirt, QEMU or the kernel of the guest is missing
 * @throws AbortedError `ABORTED`
 * @see https://libvirt.org/html/libvirt-libvirt-domain.html#virDomainGetXMLDesc
 * @see https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html query-pci
 */
export async function runConformance(options: ConformanceOptions): Promise<ConformanceReport> {
  checkOptions('runConformance', options, OPTIONS, { needs: ['drivers'] });
  const scenarios = options.scenarios?.map(scenarioOf) ?? DEFAULT;
  const started = new Date().toISOString();
  await using machine = await Site.open(siteOptions(options));
  const versions = await machine.versions();
  const guest = (await machine.host.guest({ name: 'look' })).kernelVersion;
  const drivers: DriverReport[] = [];
  for (const driver of options.drivers) drivers.push(await tryDriver(driver, scenarios, options));
  return { conformance: REPORT_FORM, ...versions, guest, started, drivers };
}

function scenarioOf(name: string): Scenario {
  const found = SCENARIOS.find((each) => each.name === name);
  if (found) return found;
  const names = SCENARIOS.map((each) => each.name);
  throw new LibvirtCanonicalError('ARGUMENT_INVALID', `There is no scenario "${name}"`, {
    path: 'scenarios',
    remedy: `${meant(name, names)}There are ${names.join(', ')}`,
  });
}

function siteOptions({ signal, directory, root }: ConformanceOptions) {
  return {
    ...(signal ? { signal } : {}),
    ...(directory === undefined ? {} : { directory }),
    ...(root === undefined ? {} : { root }),
  };
}

/** Every scenario with one driver, on hosts of its own. */
async function tryDriver(
  command: DriverCommand,
  scenarios: readonly Scenario[],
  options: ConformanceOptions,
): Promise<DriverReport> {
  const began = performance.now();
  await using home = await Site.open(siteOptions(options));
  const hello = await helloOf(command, stateIn(home, 'hello'));
  const name = command.name ?? hello.name;
  const courses: CourseReport[] = [];
  for (const scenario of scenarios) {
    if (options.signal?.aborted) throw new AbortedError('The conformance kit', options.signal.reason);
    options.onProgress?.({ driver: name, scenario: scenario.name });
    const trial = { command, hello, home, options, driver: name, domain: `kit${courses.length}` };
    const course = await tryScenario(scenario, trial);
    options.onProgress?.({ driver: name, scenario: scenario.name, outcome: course.outcome });
    courses.push(course);
  }
  return {
    name,
    ...(hello.version === undefined ? {} : { version: hello.version }),
    capabilities: hello.capabilities,
    courses,
    seconds: Math.round((performance.now() - began) / 1000),
  };
}

async function helloOf(command: DriverCommand, state: string): Promise<Hello> {
  const { driver, hello } = await DriverProcess.start(command, state, 30_000);
  await driver.stop();
  return hello;
}

/** A folder of the driver's own below the host's, which goes with that. */
function stateIn({ host }: Site, name: string): string {
  const folder = join(host.directory, `driver-${name}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** One scenario with one driver. */
interface Trial {
  readonly command: DriverCommand;
  readonly hello: Hello;
  readonly home: Site;
  readonly options: ConformanceOptions;
  /** Names of the driver and of the domain. */
  readonly driver: string;
  readonly domain: string;
}

async function tryScenario(scenario: Scenario, trial: Trial): Promise<CourseReport> {
  const { command, hello, home, options, driver, domain: name } = trial;
  const missing = scenario.needs?.find((need) => !hello.capabilities.includes(need));
  if (missing)
    return { scenario: scenario.name, outcome: 'not offered', why: `it has no ${missing}`, steps: [], defines: 0 };
  await using other = scenario.travels ? await Site.open(siteOptions(options)) : undefined;
  const setting: CourseSetting = {
    sites: other ? [home, other] : [home],
    command,
    state: stateIn(home, name),
    patience: { times: options.patience ?? 1 },
    name,
    ports: scenario.ports,
    signal: options.signal,
    onStep: (step) => options.onProgress?.({ driver, scenario: scenario.name, step }),
  };
  const counters = await Promise.all(setting.sites.map((site) => site.defines(name)));
  const steps: Step[] = [];
  const why = await runCourse(scenario, setting, steps);
  const defines = counters.reduce((sum, counter) => sum + counter.count(), 0);
  for (const counter of counters) await counter.close();
  for (const site of setting.sites) await site.remove(name);
  const migrations = steps.filter(({ event, claim }) => event === 'migrate' && claim === 'done').length;
  const broken = steps.some(({ findings }) => findings.length > 0) ? 'broken' : 'kept';
  return {
    scenario: scenario.name,
    outcome: why === undefined ? broken : 'cut short',
    ...(why === undefined ? {} : { why }),
    steps,
    // A migration defines the domain at its destination.
    defines: Math.max(0, defines - migrations),
  };
}

/** Runs the course; what cuts it short is returned, and everything else is thrown. */
async function runCourse(scenario: Scenario, setting: CourseSetting, steps: Step[]): Promise<string | undefined> {
  const watched: CourseSetting = {
    ...setting,
    onStep: (step) => {
      steps.push(step);
      setting.onStep(step);
    },
  };
  let course: Course | undefined;
  try {
    course = await Course.begin(watched, scenario.disks, scenario.interfaces);
    await scenario.run(course);
    return undefined;
  } catch (error) {
    if (error instanceof CutShort) return error.message;
    // A driver that cannot even be started again, and a domain in a state that the kit's own hands cannot do anything with.
    if (error instanceof LibvirtCanonicalError && error.code !== 'ABORTED' && error.code !== 'HOST_SETUP')
      return error.message;
    throw error;
  } finally {
    await course?.end();
  }
}
