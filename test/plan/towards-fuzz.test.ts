import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DomainDocument, type DomainSpec, type ObservedDomain } from '../../src/domain/index.js';
import { LibvirtCanonicalError } from '../../src/errors.js';
import { Intent, Plan, planTowards } from '../../src/plan/index.js';
import { contextOf, fixture } from '../support/fixtures.js';
import { applyOnPaper, PaperError, rebootOnPaper } from '../support/paper.js';

const NAMES = ['web', 'diverged', 'ports', 'i440fx', 'full', 'off', 'foreign'] as const;
const contexts = new Map(NAMES.map((name) => [name, contextOf(name)]));

/** A plan, or undefined for an error of the library; any other error is the test's. */
function attempt(desired: string | DomainSpec, context: ObservedDomain, options = {}): Plan | undefined {
  try {
    return planTowards(desired, context, options);
  } catch (error) {
    if (error instanceof LibvirtCanonicalError) return undefined;
    throw error;
  }
}

/** What is true of every plan towards a desired state. */
function sound(plan: Plan, context: ObservedDomain): void {
  const owned = Intent.read(context.canonical);
  const kinds = new Map<string, number>();
  for (const { action, subject, scope, call } of plan.operations) {
    const [kind = ''] = subject.split(' ');
    if (action === 'attach') kinds.set(kind, (kinds.get(kind) ?? 0) - 1);
    if (action === 'detach' && scope === 'config') {
      const device = context.canonical.devices.find(({ identity }) => identity === subject);
      assert.ok(device);
      if (!owned?.owns(device)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    if ('flags' in call.args) assert.ok([1, 2, 3, 6].includes(call.args.flags), 'never CURRENT');
  }
  // A plan with refusals is never applied: what is to come back may be among them.
  if (plan.refusals.length === 0)
    for (const [kind, gone] of kinds) assert.ok(gone <= 0, `a ${kind} of others goes and does not come back:\n${plan}`);
  for (const { path, reason, remedy } of plan.refusals) assert.ok(path !== '' && reason !== '' && remedy !== '');
  for (const { total, free, freeAfter } of Object.values(plan.capacity))
    assert.ok(free >= 0 && free <= total && freeAfter >= 0, `${free} of ${total}, ${freeAfter}`);
  assert.is(JSON.stringify(Plan.fromJSON(JSON.stringify(plan))), JSON.stringify(plan));
}

const options = fc.record({
  replace: fc.constantFrom('refuse' as const, 'allow' as const),
  ifNotLive: fc.constantFrom('refuse' as const, 'next-boot' as const),
});

/** One thing done to a document: a line gone, two lines swapped, a value changed, a line twice. */
const mutation = fc.tuple(
  fc.constantFrom('drop', 'swap', 'value', 'double', 'cut'),
  fc.nat(400),
  fc.constantFrom(
    '0',
    '1',
    '-1',
    '99999999999',
    'vda',
    'ua-root',
    'virtio',
    'scsi',
    '',
    'x',
    '52:54:00:00:00:0a',
    '0x1f',
  ),
);
function mutated(xml: string, mutations: ReadonlyArray<[string, number, string]>): string {
  const lines = xml.split('\n');
  for (const [what, n, value] of mutations) {
    const at = n % lines.length;
    const line = lines[at] ?? '';
    if (what === 'drop') lines.splice(at, 1);
    if (what === 'swap') [lines[at], lines[at + 1]] = [lines[at + 1] ?? '', line];
    if (what === 'double') lines.splice(at, 0, line);
    if (what === 'value') lines[at] = line.replace(/'[^']*'/, `'${value}'`);
    if (what === 'cut') lines[at] = line.replace(/ \w+='[^']*'/, '');
  }
  return lines.join('\n');
}

test('documents mutated at will, on either side: a plan or an error of the library, and nothing of others is detached', () => {
  let plans = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...NAMES),
      fc.array(mutation, { maxLength: 6 }),
      fc.array(mutation, { maxLength: 3 }),
      options,
      (name, wish, there, how) => {
        const context = contexts.get(name) ?? contextOf(name);
        let canonical = context.canonical;
        try {
          canonical = new DomainDocument(mutated(fixture(`${name}.xml`), there));
          assert.ok(canonical.root && canonical.devices);
        } catch (error) {
          if (error instanceof LibvirtCanonicalError) return;
          throw error;
        }
        const plan = attempt(mutated(fixture(`${name}.xml`), wish), { ...context, canonical }, how);
        if (!plan) return;
        plans++;
        sound(plan, { ...context, canonical });
      },
    ),
    { numRuns: 500, includeErrorInReport: true },
  );
  assert.ok(plans > 100, `worth trying: ${plans} plans`);
});

const letter = fc.constantFrom('b', 'c', 'd', 'e');
const disks = fc.uniqueArray(
  fc
    .record({
      letter,
      bus: fc.constantFrom('virtio' as const, 'scsi' as const, 'sata' as const),
      id: fc.boolean(),
      boot: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
      serial: fc.option(fc.constantFrom('S1', 'S2'), { nil: undefined }),
      cache: fc.option(fc.constantFrom('none' as const, 'writeback' as const), { nil: undefined }),
    })
    .map(({ letter, bus, id, boot, serial, cache }) => ({
      ...(id ? { id: `id-${letter}` } : {}),
      target: `${bus === 'virtio' ? 'vd' : 'sd'}${letter}`,
      bus,
      file: `/img/${letter}`,
      ...(boot === undefined ? {} : { boot }),
      ...(serial === undefined ? {} : { serial }),
      ...(cache === undefined ? {} : { driver: { cache } }),
    })),
  { selector: ({ file }) => file, maxLength: 4 },
);
const nics = fc.uniqueArray(
  fc
    .record({
      n: fc.integer({ min: 1, max: 4 }),
      model: fc.constantFrom('virtio', 'e1000e', 'rtl8139'),
      id: fc.boolean(),
      link: fc.option(fc.constantFrom('up' as const, 'down' as const), { nil: undefined }),
    })
    .map(({ n, model, id, link }) => ({
      ...(id ? { id: `nic${n}` } : {}),
      user: true as const,
      model,
      mac: `52:54:00:00:01:0${n}`,
      ...(link === undefined ? {} : { link }),
    })),
  { selector: ({ mac }) => mac, maxLength: 3 },
);
const others = fc.subarray<NonNullable<DomainSpec['devices']>[number]>([
  { controller: { type: 'scsi', model: 'virtio-scsi', index: 0 } },
  "<controller type='scsi' model='virtio-scsi'/>",
  "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
  { channel: { unix: {}, name: 'org.example.1' } },
  { input: { type: 'tablet' } },
]);
const spec = fc
  .record({ disks, nics, others, vcpus: fc.constantFrom(1, 2), title: fc.constantFrom('a', 'b') })
  .map(({ nics: interfaces, others: devices, ...rest }) => ({ ...rest, interfaces, devices }));

test('any desired state after any other is reached by its plan alone, each call valid when it is made, and there the way ends', () => {
  let reached = 0;
  let operations = 0;
  const why = new Map<string, number>();
  fc.assert(
    fc.property(
      fc.constantFrom('off' as const, 'web' as const, 'ports' as const, 'i440fx' as const),
      fc.array(spec, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      options,
      (name, states, running, how) => {
        const fixed = contexts.get(name) ?? contextOf(name);
        let context = running ? fixed : { ...fixed, live: undefined };
        const foreign = context.canonical.devices;
        for (const state of states) {
          const memory = { current: '64 MiB', maximum: name === 'web' ? '128 MiB' : '64 MiB' } as const;
          const { vcpus, ...rest } = state;
          const desired: DomainSpec = { name, memory, ...rest, ...(name === 'web' ? {} : { vcpus }) };
          const plan = attempt(desired, context, how);
          if (!plan) return;
          sound(plan, context);
          if (plan.refusals.length > 0) {
            const [key] = plan.refusals.map(({ reason }) => reason.slice(0, 40));
            why.set(key ?? '', (why.get(key ?? '') ?? 0) + 1);
            return;
          }
          operations += plan.operations.length;
          try {
            context = applyOnPaper(context, plan);
          } catch (error) {
            if (error instanceof PaperError) throw new Error(`${error.message}\n${plan}`);
            throw error;
          }
          for (const now of [context, rebootOnPaper(context)]) {
            const again = planTowards(desired, now, how);
            assert.ok(again.isEmpty, `converged:\n${again}\nafter\n${plan}`);
          }
          reached++;
        }
        const left = new Set(context.canonical.devices.map(({ identity }) => identity));
        // What a state has asked for once is the caller's; kinds without names of their own are asked for by any of them.
        const asked = new Set(
          states.flatMap((state) => [
            ...state.disks.map(({ target }) => target),
            ...state.interfaces.map(({ mac }) => mac),
          ]),
        );
        for (const { kind, names, identity } of foreign)
          if (
            ['disk', 'interface', 'memballoon', 'graphics', 'video'].includes(kind.element) &&
            !names.some((name) => asked.has(name))
          )
            assert.ok(left.has(identity), `${identity} stays`);
      },
    ),
    { numRuns: 350, includeErrorInReport: true },
  );
  assert.ok(
    reached > 60 && operations > 250,
    `worth trying: ${reached} states, ${operations} operations ${JSON.stringify([...why])}`,
  );
});

test('junk in the place of a desired state is an error of the library', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.anything({ maxDepth: 3 }),
        fc.string(),
        fc.record({
          name: fc.constant('off'),
          memory: fc.anything(),
          disks: fc.anything(),
          devices: fc.array(fc.anything({ maxDepth: 2 })),
        }),
      ),
      (junk) => {
        attempt(junk as never, contexts.get('off') as ObservedDomain);
      },
    ),
    { numRuns: 350, includeErrorInReport: true },
  );
});

test.run();
