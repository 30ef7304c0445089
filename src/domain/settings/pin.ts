import { select } from '../../xml/index.js';
import type { DomainDocument } from '../document.js';
import type { MutatorCall, ObservedDomain } from '../operation.js';
import { bitmapOf, numbersOf, setText } from './cpuset.js';
import type { SettingPlan } from './setting.js';
import { planSides, type Values } from './sides.js';

/** Pins threads to CPUs of the host. libvirt sets and replaces a pin, it never removes one. */
export interface Pin {
  readonly name: string;
  readonly path: string;
  /** CPU set by thread, as the request has it. */
  readonly asked: Readonly<Record<string, unknown>>;
  /** Path of a thread's CPU set in the document. */
  at(thread: string): string;
  call(thread: string, cpumap: readonly number[], flags: number): MutatorCall;
  /** Why the running guest cannot have it now. */
  liveObstacle?(thread: string): string | undefined;
}

/** The pins that a document has, by the attribute that names the thread; undefined when it has none. */
export function readPins(
  { root }: DomainDocument,
  element: string,
  thread: string,
): Record<string, string> | undefined {
  const pins = select(root, `cputune/${element}`).map((each): [string, string] => [
    each.getAttribute(thread) ?? '',
    each.getAttribute('cpuset') ?? '',
  ]);
  return pins.length === 0 ? undefined : Object.fromEntries(pins);
}

/** The CPU set that a document has at a path of {@link Pin.at}. */
export function pinAt(document: DomainDocument, path: string): string | undefined {
  const text = document.value(path);
  return text === undefined ? undefined : setText(numbersOf(text, path));
}

/** One call for each thread; `null` is refused with the way out that libvirt has. */
export function planPins(
  { name, path, asked, at, call, liveObstacle }: Pin,
  { canonical, live }: ObservedDomain,
): SettingPlan {
  const plan: { operations: SettingPlan['operations'][number][]; refusals: SettingPlan['refusals'][number][] } = {
    operations: [],
    refusals: [],
  };
  for (const [thread, value] of Object.entries(asked)) {
    const where = name === 'emulatorPin' ? path : `${path}.${thread}`;
    const read = (document: DomainDocument): Values => ({ [thread]: pinAt(document, at(thread)) });
    if (value === null) {
      if (Object.values(read(canonical))[0] === undefined && (!live || Object.values(read(live))[0] === undefined))
        continue;
      plan.refusals.push({
        subject: name,
        path: where,
        reason: 'libvirt replaces a pin but never removes one',
        remedy: "Pin to all CPUs of the host, which is as good as none: '0-7' on one of eight",
      });
      continue;
    }
    plan.operations.push(
      ...planSides({
        name,
        canonical: read(canonical),
        live: live && read(live),
        wanted: { [thread]: setText(numbersOf(value, where)) },
        label: () => at(thread),
        call: (change, _, flags) => call(thread, bitmapOf(change[thread] as string), flags),
        permanent: () => true,
        liveObstacle: () => liveObstacle?.(thread),
      }),
    );
  }
  return plan;
}
