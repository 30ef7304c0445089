/** What a run of the kit found, as data. Pure: the form of the report, its sums, and the table of several drivers side by side. */
import type { Finding, FindingKind } from './ledger.js';

/** Raised when a field goes or changes its meaning. */
export const REPORT_FORM = 1;

/** One event of a course and what the witnesses said of it. */
export interface Step {
  /** `attach disk`, `reboot hard` … */
  readonly event: string;
  /** Which device, reboot or edit it was. */
  readonly subject?: string;
  /** What the driver said; `kit` where the kit itself acted. */
  readonly claim: 'done' | 'refused' | 'failed' | 'died' | 'kit';
  /** Why it was refused or failed. */
  readonly why?: string;
  readonly seconds: number;
  readonly findings: readonly Finding[];
}

/** One scenario with one driver. */
export interface Course {
  readonly scenario: string;
  /** `not offered`: the driver has not what it needs. `cut short`: the domain was gone, or the kit could not go on. */
  readonly outcome: 'kept' | 'broken' | 'not offered' | 'cut short';
  /** Why it was not tried, or not to its end. */
  readonly why?: string;
  readonly steps: readonly Step[];
  /** How often libvirt told that the domain was defined, the first time included. */
  readonly defines: number;
}

export interface DriverReport {
  readonly name: string;
  readonly version?: string;
  readonly capabilities: readonly string[];
  readonly courses: readonly Course[];
  readonly seconds: number;
}

export interface ConformanceReport {
  readonly conformance: typeof REPORT_FORM;
  readonly libvirt: string;
  readonly qemu: string;
  /** The kernel of the guest. */
  readonly guest: string;
  /** ISO 8601, UTC. */
  readonly started: string;
  readonly drivers: readonly DriverReport[];
}

/** Which findings are about devices that moved. */
const MOVES: readonly FindingKind[] = ['moved', 'split'];

/** Sums over all that was done with a driver. */
export interface Totals {
  readonly steps: number;
  /** Steps in which at least one device moved, and how many devices did in all. */
  readonly movingSteps: number;
  readonly movedDevices: number;
  readonly lost: number;
  readonly untrue: number;
  readonly others: number;
  readonly refused: number;
  readonly failed: number;
  readonly defines: number;
}

export function totalsOf(driver: DriverReport): Totals {
  const steps = driver.courses.flatMap((course) => course.steps);
  const all = steps.flatMap(othersIn);
  const count = (...kinds: FindingKind[]) => all.filter((kind) => kinds.includes(kind)).length;
  const devicesMoved = steps.map(movedIn);
  return {
    steps: steps.length,
    movingSteps: devicesMoved.filter((devices) => devices.length > 0).length,
    movedDevices: devicesMoved.flat().length,
    lost: count('lost'),
    untrue: count('untrue'),
    others: count('unasked', 'rebooted', 'machine', 'edit', 'disagree', 'down', 'died'),
    refused: steps.filter(({ claim }) => claim === 'refused').length,
    failed: steps.filter(({ claim }) => claim === 'failed' || claim === 'died').length,
    defines: driver.courses.reduce((sum, { defines }) => sum + defines, 0),
  };
}

/** The devices that moved in a step, each once, whoever saw it. */
export function movedIn({ findings }: Step): string[] {
  const devices = [
    ...new Set(findings.flatMap(({ kind, device }) => (MOVES.includes(kind) && device ? [device] : []))),
  ];
  // A function without a name in the guest is one of the devices that the others tell by name.
  const named = devices.filter((device) => !device.startsWith('pci '));
  return named.length > 0 ? named : devices;
}

/** The kinds of the other findings of a step, once for each device, whoever saw it. */
function othersIn({ findings }: Step): FindingKind[] {
  const others = findings.filter(({ kind }) => !MOVES.includes(kind));
  const byDevice = new Map(others.map(({ kind, device, what }) => [`${kind} ${device ?? what}`, kind]));
  return [...byDevice.values()];
}

/**
 * Whether the promise was kept: nothing found, in no course that was tried. Who has attached nothing or rebooted nothing has kept
 * nothing either.
 */
export function keeps({ courses }: DriverReport): boolean {
  const tried = courses.filter(({ outcome }) => outcome !== 'not offered');
  const done = tried.flatMap(({ steps }) => steps).filter(({ claim }) => claim === 'done');
  const didBoth = ['attach', 'reboot'].every((what) => done.some(({ event }) => event.startsWith(what)));
  return didBoth && tried.every(({ outcome }) => outcome === 'kept');
}

/** Several drivers side by side: rows of texts, the first of each is what it is about. */
export function sideBySide({ drivers }: ConformanceReport): { readonly head: string[]; readonly rows: string[][] } {
  const scenarios = [...new Set(drivers.flatMap(({ courses }) => courses.map(({ scenario }) => scenario)))];
  const totals = drivers.map(totalsOf);
  const sum = (label: string, of: (totals: Totals) => number) => [label, ...totals.map((each) => String(of(each)))];
  return {
    head: ['', ...drivers.map(({ name }) => name)],
    rows: [
      ...scenarios.map((scenario) => [
        scenario,
        ...drivers.map(({ courses }) => courseText(courses.find((course) => course.scenario === scenario))),
      ]),
      sum('steps', ({ steps }) => steps),
      sum('steps in which a device moved', ({ movingSteps }) => movingSteps),
      sum('devices that moved', ({ movedDevices }) => movedDevices),
      sum('devices lost', ({ lost }) => lost),
      sum('claims that were not true', ({ untrue }) => untrue),
      sum('other findings', ({ others }) => others),
      sum('requests refused', ({ refused }) => refused),
      sum('requests failed', ({ failed }) => failed),
      sum('times defined', ({ defines }) => defines),
      ['the promise', ...drivers.map((driver) => (keeps(driver) ? 'kept' : 'broken'))],
    ],
  };
}

/** A course in a few words: `kept`, or what was found how often. */
export function courseText(course: Course | undefined): string {
  if (!course) return '–';
  if (course.outcome === 'not offered') return course.outcome;
  const undone = (['refused', 'failed', 'died'] as const).flatMap((word) => {
    const count = course.steps.filter(({ claim }) => claim === word).length;
    return count > 0 ? [`${count} ${word}`] : [];
  });
  if (course.outcome === 'kept') return undone.length > 0 ? `kept (${undone.join(', ')})` : 'kept';
  const moved = course.steps.flatMap(movedIn).length;
  const kinds = new Map<string, number>(moved > 0 ? [['moved', moved]] : []);
  for (const kind of course.steps.flatMap(othersIn)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  const words = [...kinds].map(([kind, count]) => `${count} ${kind}`).join(', ');
  return course.outcome === 'cut short' ? `cut short${words ? `: ${words}` : ''}` : words;
}

/** What was found after each event that followed each other: `matrix.get(before)?.get(after)`, in devices moved and other findings. */
export function matrixOf({
  steps,
}: Course): Map<string, Map<string, { readonly moved: number; readonly others: number }>> {
  const matrix = new Map<string, Map<string, { moved: number; others: number }>>();
  steps.forEach((step, at) => {
    const before = steps[at - 1]?.event;
    if (before === undefined) return;
    const row = matrix.get(before) ?? new Map();
    const cell = row.get(step.event) ?? { moved: 0, others: 0 };
    const others = cell.others + othersIn(step).length;
    row.set(step.event, { moved: cell.moved + movedIn(step).length, others });
    matrix.set(before, row);
  });
  return matrix;
}
