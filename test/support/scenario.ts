import * as assert from 'uvu/assert';
import {
  type ApplyOptions,
  type ChangeRequest,
  LibvirtCanonicalError,
  type ManagedDomain,
  type Plan,
} from '../../src/index.js';
import { within } from './deadline.js';
import { identityMap, machineOf } from './identity-map.js';
import { Wire } from './wire.js';

/** Both documents of a domain at one moment, as text. */
export interface Documents {
  readonly canonical: string;
  readonly live: string | undefined;
}

/** What a scenario did and led to. */
export interface Outcome {
  readonly plan: Plan;
  readonly before: Documents;
  readonly after: Documents;
  /** Names of the calls that could change something, in order; without those by which apply keeps journal and seal. */
  readonly mutators: readonly string[];
}

/** Both documents, read now. */
export async function documentsOf(domain: ManagedDomain): Promise<Documents> {
  return { canonical: await domain.canonical(), live: await domain.live() };
}

/**
 * A document with devices and metadata in alphabetical order: libvirt puts what comes back last among its kind. Where a
 * device sits is in its address, and the order of metadata means nothing.
 */
export function sorted(xml: string): string {
  return xml.replace(/(<(devices|metadata)>\n)([\s\S]*)(\n {2}<\/\2>)/g, (_, open, __, parts: string, close) =>
    [open, ...parts.split(/\n(?= {4}<[a-z])/).sort(), close].join('\n'),
  );
}

/**
 * Plans a request, applies it, and holds it to what is true of every change:
 * never redefined (P1), untouched devices stay put (P2), the machine stays the machine (P3), the same request again is an
 * empty plan (P4), and the plan was true: its calls ran, in its order, and no others (P6).
 */
export async function change(
  domain: ManagedDomain,
  request: ChangeRequest,
  options: ApplyOptions & { readonly again?: 'empty' | 'not asked' } = {},
): Promise<Outcome> {
  const { again = 'empty', ...apply } = options;
  const before = await documentsOf(domain);
  using wire = new Wire();
  const plan = await within(domain.plan(request), 30_000, 'planning');
  assert.equal(plan.refusals, [], 'nothing is refused');
  assert.ok(plan.operations.length > 0, 'there is something to do');
  assert.equal(wire.mutators(), [], 'planning changes nothing');
  await within(domain.apply(plan, apply), 120_000, 'applying');
  const after = await documentsOf(domain);
  const mutators = wire.mutators(domain.uuid).filter((name) => name !== 'DOMAIN_SET_METADATA');

  assert.equal(wire.defining(), [], 'P1: never redefined');
  const planned = plan.operations.map(({ call }) => call.procedure);
  assert.equal(changing(mutators), changing(planned), 'P6: the calls are those of the plan');
  for (const side of ['canonical', 'live'] as const) {
    const [a, b] = [before[side], after[side]];
    if (a !== undefined && b !== undefined) stayedPut(a, b, subjectsOf(plan), side);
  }
  if (again === 'empty') {
    const replan = await domain.plan(request);
    assert.is(replan.operations.length, 0, `P4: planned again:\n${replan}`);
    // A detach whose scope the caller named is refused where only the other document has the device by then.
    const named = request.scope === 'config' || request.scope === 'live';
    const left = replan.refusals.filter(({ reason }) => !(named && /^only .* has it, and the scope/.test(reason)));
    assert.equal(left, [], `P4: planned again:\n${replan}`);
  }
  return { plan, before, after, mutators };
}

/**
 * Holds a refused request to being clean (P5): the error's code is `PLAN_REFUSED` and names the subject and a way out, both
 * documents are byte-equal before and after, and nothing that could change anything went over the wire.
 */
export async function refused(domain: ManagedDomain, request: ChangeRequest, reason: RegExp): Promise<Plan> {
  let plan: Plan | undefined;
  const error = await untouched(domain, async () => {
    plan = await domain.plan(request);
    assert.ok(plan.refusals.length > 0, `it is refused:\n${plan}`);
    await domain.apply(plan);
  });
  assert.is(error.code, 'PLAN_REFUSED', error.message);
  const refusal = plan?.refusals[0];
  assert.ok(refusal);
  assert.match(refusal.reason, reason);
  assert.ok(refusal.remedy.length > 0 && refusal.path.length > 0, 'the refusal has a path and a remedy');
  assert.ok(error.message.includes(refusal.subject) && error.message.includes(refusal.remedy), error.message);
  return plan as Plan;
}

/** Runs an attempt that must end in one of the library's errors without having touched the domain, and returns the error. */
export async function untouched(
  domain: ManagedDomain,
  attempt: () => Promise<unknown>,
): Promise<LibvirtCanonicalError> {
  const before = await documentsOf(domain);
  const error = await harmless(attempt);
  const after = await documentsOf(domain);
  assert.is(after.canonical, before.canonical, 'P5: the canonical document is byte-equal');
  assert.is(after.live, before.live, 'P5: the live document is byte-equal');
  return error;
}

/** Runs an attempt that must end in one of the library's errors before any mutator is sent, and returns the error. */
export async function harmless(attempt: () => Promise<unknown>): Promise<LibvirtCanonicalError> {
  using wire = new Wire();
  let error: unknown;
  try {
    await within(attempt(), 60_000, 'the attempt');
  } catch (thrown) {
    error = thrown;
  }
  assert.instance(error, LibvirtCanonicalError, `an error of the library, not ${String(error)}`);
  assert.equal(wire.mutators(), [], 'no mutator on the wire');
  return error as LibvirtCanonicalError;
}

/** Fails when a device that is not among `subjects` has another place, or when the machine is another. */
export function stayedPut(before: string, after: string, subjects: ReadonlySet<string>, what: string): void {
  const now = identityMap(after);
  for (const [name, place] of identityMap(before)) {
    const [element = ''] = name.split(' ');
    if (subjects.has(name) || subjects.has(`${element} at ${placeText(place.address)}`)) continue;
    assert.equal(now.get(name), place, `P2: ${name} stays put in the ${what} document`);
  }
  assert.equal(machineOf(after), machineOf(before), `P3: the machine stays the machine in the ${what} document`);
}

/** The devices that a plan is about, as {@link identityMap} names them; those without a name by kind and place. */
function subjectsOf({ operations }: Plan): Set<string> {
  return new Set(
    operations.flatMap(({ subject, address }) => {
      const [element = '', ...name] = subject.split(' ');
      return [subject, `${element} ua-${name.join(' ')}`, ...(address ? [`${element} at ${address}`] : [])];
    }),
  );
}

/** `type=pci domain=0x0000 bus=0x06 …` as plans write it: `pci 0000:06:00.0`. */
function placeText(address: string): string {
  const [, domain, bus, slot, fn] =
    /^type=pci domain=0x(\w+) bus=0x(\w+) slot=0x(\w+) function=0x(\w)/.exec(address) ?? [];
  return domain === undefined ? address : `pci ${domain}:${bus}:${slot}.${fn}`;
}

/** Without metadata, which apply writes for itself as well; a call that is asked again until the guest answers counts once. */
function changing(names: readonly string[]): string[] {
  const plain = names.filter((name) => name !== 'DOMAIN_SET_METADATA');
  return plain.filter((name, at) => name !== plain[at - 1] || name !== 'DOMAIN_DETACH_DEVICE_ALIAS');
}
