import * as assert from 'uvu/assert';
import { DomainAccess } from '../../../src/apply/index.js';
import { verifyOperation } from '../../../src/apply/verify.js';
import type { ObservedDomain, Operation } from '../../../src/domain/index.js';
import { wireArguments } from '../../../src/domain/operation.js';
import {
  type Connection,
  type DomainHandle,
  LibvirtCanonicalError,
  LibvirtError,
  type ManagedDomain,
  type Plan,
} from '../../../src/index.js';
import { planChanges, planTowards } from '../../../src/plan/index.js';
import { parseXml, select, selectText, serialize } from '../../../src/xml/index.js';
import type { RefusalCase, SettingCase } from '../../matrix/cases/settings.js';
import { within } from '../../support/deadline.js';

type Step = Omit<Operation, 'inverse'>;

/** A domain on which settings are tried, call by call, so that each undo can be looked at by itself. */
export class SettingBench {
  readonly #connection: Connection;
  readonly #reader: DomainAccess;
  readonly #session: boolean;

  constructor(connection: Connection, domain: ManagedDomain, session: boolean) {
    const handle = { name: domain.name, uuid: domain.uuid, id: -1 } as DomainHandle;
    this.#connection = connection;
    this.#reader = new DomainAccess(connection, handle);
    this.#session = session;
  }

  async context(): Promise<ObservedDomain> {
    return { ...(await within(this.#reader.context())), session: this.#session };
  }

  /** The plan of one setting; `without: 'live'` as if the domain did not run, which leaves the canonical document's part. */
  async plan(setting: string, value: unknown, without?: 'live'): Promise<Plan> {
    const context = await this.context();
    return planChanges({ set: { [setting]: value } }, without ? { ...context, live: undefined } : context);
  }

  /** Makes one call and holds it to changing nothing else. */
  async run(step: Step): Promise<void> {
    const before = await this.context();
    await this.bare(step.call.procedure, wireArguments(step.call));
    verifyOperation(step, before, await this.context());
  }

  bare(procedure: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
    const dom = this.#reader.handle;
    return within(this.#connection.call(procedure as 'DOMAIN_RENAME', { dom, ...args } as never), 20_000, procedure);
  }

  async runAll(plan: Plan): Promise<readonly Operation[]> {
    assert.equal(plan.refusals, [], 'nothing is refused');
    assert.ok(plan.operations.length > 0, 'there is something to do');
    for (const operation of plan.operations) await this.run(operation);
    return plan.operations;
  }

  async undo(operations: readonly Operation[]): Promise<void> {
    for (const operation of [...operations].reverse()) for (const step of operation.inverse) await this.run(step);
  }
}

/** On a running domain: both documents by one plan, or the canonical one first and then the guest by a plan of its own. */
export type Way = 'off' | 'together' | 'apart';

/** Sets every value of a case, reads each back, finds nothing left to do, and undoes them all to what was before. */
export async function prove(bench: SettingBench, each: SettingCase, way: Way): Promise<void> {
  const { setting, values, leaves = [] } = each;
  for (const [first, value] of Object.entries(each.first ?? {})) await bench.runAll(await bench.plan(first, value));
  const done: Array<{ operations: readonly Operation[]; before: ObservedDomain }> = [];
  for (const { value, shows, liveShows } of values) {
    const before = await bench.context();
    const operations: Operation[] = [];
    if (way === 'apart') operations.push(...(await bench.runAll(await bench.plan(setting, value, 'live'))));
    const rest = await bench.plan(setting, value);
    if (way !== 'apart' || rest.operations.length > 0) operations.push(...(await bench.runAll(rest)));
    if (way === 'apart')
      assert.ok(
        rest.operations.every(({ scope }) => scope === 'live'),
        `only the running guest was left:\n${rest}`,
      );
    const after = await bench.context();
    holds(after, 'canonical', shows);
    if (way !== 'off') holds(after, 'live', liveShows ?? shows);
    const again = await bench.plan(setting, value);
    assert.is(again.isEmpty, true, `planned again after ${JSON.stringify(value)}:\n${again}`);
    const byItself = way !== 'apart' && setting !== 'bandwidth';
    if (IN_DOCUMENT(setting)) towardsAgrees(before, after, byItself ? operations : undefined, value);
    done.push({ operations, before });
  }
  if (each.undone === 'off' && way !== 'off') return;
  for (const { operations, before } of done.reverse()) {
    await bench.undo(operations);
    same(before, await bench.context(), leaves);
  }
}

/** Autostart stands beside the document, and a name is never changed by a desired state. */
const IN_DOCUMENT = (setting: string) => !['autostart', 'autostartOnce', 'name'].includes(setting);

/**
 * A desired state says the same as the request: from before it leads to the document by the same calls, and there it
 * has nothing left to do. What is not mentioned stays, so that a value that was removed is no wish; bandwidth comes with an
 * update of its interface.
 */
function towardsAgrees(
  before: ObservedDomain,
  after: ObservedDomain,
  operations: readonly Operation[] | undefined,
  value: unknown,
): void {
  const desired = after.canonical.xml;
  const calls = (plan: Plan | { operations: readonly Operation[] }) =>
    plan.operations.filter(({ subject }) => subject !== 'intent').map(({ call }) => call);
  const there = planTowards(desired, after);
  assert.equal([calls(there), there.refusals], [[], []], `already as desired:\n${there}`);
  if (operations === undefined || REMOVES.test(JSON.stringify(value))) return;
  const plan = planTowards(desired, before);
  assert.equal(plan.refusals, []);
  assert.equal(calls(plan), calls({ operations }), `by the same calls:\n${plan}`);
}

const REMOVES = /null|false|^""$|^0$/;

/** The plan refuses it without a call, and libvirt refuses the bare call. */
export async function proveRefusal(bench: SettingBench, each: RefusalCase): Promise<void> {
  for (const [first, value] of Object.entries(each.first ?? {})) await bench.runAll(await bench.plan(first, value));
  const before = await bench.context();
  if (each.plan instanceof RegExp) {
    const { refusals, operations } = await bench.plan(each.setting, each.value);
    assert.equal(operations, []);
    assert.match(refusals[0]?.reason ?? 'not refused', each.plan);
    assert.ok((refusals[0]?.remedy ?? '').length > 0 && (refusals[0]?.path ?? '').startsWith(`set.${each.setting}`));
  } else {
    const error = await bench.plan(each.setting, each.value).catch((thrown: unknown) => thrown);
    assert.instance(error, LibvirtCanonicalError, String(error));
    const { code, path } = error as LibvirtCanonicalError;
    assert.is(code, each.plan, String(error));
    assert.ok(path?.startsWith(`set.${each.setting}`), path);
  }
  const refused = await bench.bare(each.bare.procedure, each.bare.args).catch((thrown: unknown) => thrown);
  assert.instance(refused, LibvirtError, `libvirt refuses ${each.bare.procedure}: ${JSON.stringify(refused)}`);
  assert.is((refused as LibvirtError).errorCode, each.bare.error, String(refused));
  same(before, await bench.context(), []);
}

/** What an older libvirt refuses: the same call is planned, and there is nothing left to do after it. */
export async function proveAllowed(bench: SettingBench, each: RefusalCase): Promise<void> {
  for (const [first, value] of Object.entries(each.first ?? {})) await bench.runAll(await bench.plan(first, value));
  const operations = await bench.runAll(await bench.plan(each.setting, each.value));
  assert.equal(
    operations.map(({ call }) => call.procedure),
    [each.bare.procedure],
  );
  assert.is((await bench.plan(each.setting, each.value)).isEmpty, true);
}

function holds(
  context: ObservedDomain,
  side: 'canonical' | 'live',
  shows: Readonly<Record<string, string | null>>,
): void {
  const document = context[side];
  assert.ok(document, side);
  for (const [path, expected] of Object.entries(shows))
    assert.is(selectText(document.root, path) ?? null, expected, `${side} ${path}`);
}

/** Both documents are as they were, byte for byte but for `leaves` and the balloon, and so is autostart. */
function same(before: ObservedDomain, after: ObservedDomain, leaves: readonly string[]): void {
  assert.is(without(after.canonical.xml, leaves), without(before.canonical.xml, leaves), 'the canonical document');
  const live = [...leaves, 'currentMemory'];
  assert.is(
    after.live && without(after.live.xml, live),
    before.live && without(before.live.xml, live),
    'the live document',
  );
  assert.is(after.autostart, before.autostart);
}

function without(xml: string, paths: readonly string[]): string {
  if (paths.length === 0) return xml;
  const root = parseXml(xml).documentElement;
  assert.ok(root);
  for (const path of paths) for (const element of select(root, path)) element.parentNode?.removeChild(element);
  // libvirt puts an element that it sets behind those of other namespaces; their order means nothing.
  for (const holder of select(root, 'metadata')) {
    const sorted = select(holder, '*').sort((a, b) => a.nodeName.localeCompare(b.nodeName));
    for (const element of sorted) holder.appendChild(element);
  }
  return serialize(root).replace(/\s*\n\s*/g, '\n');
}
