/** What is tried, as a table: each scenario is a course of one domain through events. */
import type { Course } from './course.js';
import type { Capability } from './protocol.js';
import { type Weight, walkOf } from './walk.js';

export interface Scenario {
  readonly name: string;
  /** What it is about, one sentence. */
  readonly about: string;
  /** What the driver has to offer. */
  readonly needs?: readonly Capability[];
  /** Whether it takes two hosts. */
  readonly travels?: boolean;
  /** Ports of the domain, and with how many disks and NICs it is defined. */
  readonly ports: number;
  readonly disks: number;
  readonly interfaces: number;
  run(course: Course): Promise<void>;
}

type Event = {
  readonly weight?: Weight;
  readonly needs?: Capability;
  act(course: Course, nth: number): Promise<unknown>;
};

/** The events of the matrix. */
const EVENTS = {
  'attach disk': { weight: { disk: 1 }, act: (course) => course.attach('disk') },
  'attach interface': { weight: { interface: 1 }, act: (course) => course.attach('interface') },
  // Of several the first: what was plugged in after it stays, behind a hole.
  'detach disk': { weight: { disk: -1 }, act: (course) => course.detach(course.pick('disk', 1)) },
  'detach interface': { weight: { interface: -1 }, act: (course) => course.detach(course.pick('interface', 1)) },
  update: { needs: 'update', act: (course, nth) => course.update(nth % 2 === 0 ? 'down' : 'up') },
  'reboot guest': { needs: 'guest-reboot', act: (course) => course.reboot('guest') },
  'reboot cold': { act: (course) => course.reboot('cold') },
  'reboot hard': { act: (course) => course.reboot('hard') },
  'restart manager': { act: (course) => course.restartManager() },
  'restart daemon': { act: (course) => course.restartDaemon() },
  'foreign edit': { act: (course) => course.editByHand() },
} as const satisfies Readonly<Record<string, Event>>;
export type MatrixEvent = keyof typeof EVENTS;
export const MATRIX_EVENTS = Object.keys(EVENTS) as MatrixEvent[];

const eventOf = (name: MatrixEvent): Event => EVENTS[name];

/** The way through these events that needs the fewest devices. */
export const matrixWalk = (events: readonly MatrixEvent[]) => walkOf(events, (event) => eventOf(event).weight ?? {});

/** A course through these events, each after each. */
function matrix(scenario: Omit<Scenario, 'run'>, events: readonly MatrixEvent[]): Scenario {
  return {
    ...scenario,
    async run(course) {
      const offered = events.filter((event) => {
        const { needs } = eventOf(event);
        return needs === undefined || course.offers(needs);
      });
      const { walk } = matrixWalk(offered);
      for (const [nth, event] of walk.entries()) await eventOf(event).act(course, nth);
    },
  };
}

/** Each way of a reboot that the driver offers. */
async function rebootAll(course: Course): Promise<void> {
  if (course.offers('guest-reboot')) await course.reboot('guest');
  await course.reboot('cold');
  await course.reboot('hard');
}

/** Milliseconds after the request at which the manager is killed: before it has done anything, in the midst, and late. */
const KILLED_AFTER = [5, 40, 120, 300] as const;

export const SCENARIOS: readonly Scenario[] = [
  matrix(
    { name: 'matrix', about: 'every event after every other, on one domain', ports: 16, disks: 4, interfaces: 4 },
    MATRIX_EVENTS,
  ),
  matrix(
    { name: 'short matrix', about: 'a small part of the matrix, for a quick look', ports: 8, disks: 1, interfaces: 2 },
    ['attach disk', 'reboot hard'],
  ),
  {
    name: 'holes',
    about: 'three are plugged in, the middle one is taken out, and another comes',
    ports: 10,
    disks: 2,
    interfaces: 1,
    async run(course) {
      for (const kind of ['disk', 'interface', 'disk'] as const) await course.attach(kind);
      await course.detach(course.pick('interface', -1));
      await rebootAll(course);
      await course.attach('disk');
      await course.attach('interface');
      await course.detach(course.pick('disk', 1));
      await rebootAll(course);
    },
  },
  {
    name: 'ports',
    about: 'more is plugged in than there are ports: what is refused changes nothing, and nothing moves',
    ports: 6,
    disks: 1,
    interfaces: 1,
    async run(course) {
      for (let n = 0; n < 6; n++) if ((await course.attach('disk')).claim !== 'done') break;
      await course.attach('interface');
      await course.reboot('hard');
      await course.detach(course.pick('disk', 1));
      await course.attach('interface');
      await rebootAll(course);
    },
  },
  {
    name: 'twins',
    about: 'devices that differ in nothing but their serial or MAC: the right one goes, the other stays',
    ports: 10,
    disks: 3,
    interfaces: 3,
    async run(course) {
      await course.detach(course.pick('disk', 1));
      await course.detach(course.pick('interface', 1));
      await course.reboot('hard');
      await course.attach('disk');
      await course.attach('disk');
      await course.detach(course.pick('disk', -2));
      await course.reboot('cold');
    },
  },
  {
    name: 'pending',
    about: 'what waits for the next boot keeps its place when others are plugged in meanwhile',
    needs: ['next-boot'],
    ports: 10,
    disks: 1,
    interfaces: 1,
    async run(course) {
      await course.attach('disk', 'next-boot');
      await course.attach('interface');
      await course.attach('interface', 'next-boot');
      await course.attach('disk');
      await course.restartManager();
      await course.reboot('hard');
      await course.attach('disk', 'next-boot');
      await course.detach(course.pick('disk', -1));
      await course.reboot('cold');
    },
  },
  {
    name: 'foreign edits',
    about: 'what somebody else changed with virsh stays, and does not make others move',
    ports: 12,
    disks: 1,
    interfaces: 1,
    async run(course) {
      await course.editByHand();
      await course.attachByHand('document');
      await course.attach('disk');
      await course.restartManager();
      await course.reboot('hard');
      await course.attachByHand('live');
      await course.attach('disk');
      await course.detach(course.pick('disk', 1));
      await course.editByHand();
      await course.reboot('cold');
    },
  },
  {
    name: 'kills',
    about: 'the manager is killed in the midst of a change, and another one is asked for the same again',
    ports: 14,
    disks: 2,
    interfaces: 1,
    async run(course) {
      for (const after of KILLED_AFTER) {
        await course.killDuring('attach', 'disk', after);
        await course.killDuring('attach', 'interface', after);
      }
      await course.reboot('hard');
      for (const after of KILLED_AFTER) await course.killDuring('detach', 'disk', after);
      await course.reboot('cold');
    },
  },
  {
    name: 'migration',
    about: 'to another host and back, with changes and reboots on either',
    needs: ['migrate'],
    travels: true,
    ports: 10,
    disks: 2,
    interfaces: 1,
    async run(course) {
      await course.attach('interface');
      await course.migrate();
      await course.attach('disk');
      await course.reboot('hard');
      await course.detach(course.pick('interface', -1));
      await course.migrate();
      await course.reboot('cold');
    },
  },
];
