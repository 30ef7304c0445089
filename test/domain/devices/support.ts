import fc from 'fast-check';
import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DeviceKind } from '../../../src/domain/devices/kind.js';
import {
  type DeviceRequest,
  DomainDocument,
  decodeSpec,
  deviceXml,
  type Field,
  type ObservedDomain,
  type Operation,
  readDevice,
  type SupportRow,
} from '../../../src/domain/index.js';
import type { ErrorCode } from '../../../src/errors.js';
import { Draft } from '../../../src/plan/draft.js';
import { type ChangeRequest, type Plan, planChanges } from '../../../src/plan/index.js';
import { type Leaves, leaves, parseElement } from '../../../src/xml/index.js';
import { failureNow } from '../../support/deadline.js';

/** How many specs are looked at to see which fields an arbitrary makes; always the same ones. */
const SAMPLE = { numRuns: 2000, seed: 20160201 };

/**
 * The tests that every kind passes, over an arbitrary of its specs: spec → XML → spec is the identity, unknown fields are
 * refused at every level, and no declared field goes without a test. The arbitrary makes values in the form that reading
 * gives them: sizes in bytes, MACs and UUIDs in lower case, `true` for elements that are there or not.
 */
export function kindTests<Spec extends object>(
  test: Test,
  kind: DeviceKind<Spec>,
  arbitrary: fc.Arbitrary<Spec>,
): void {
  test('spec → XML → spec is the identity', () => {
    fc.assert(
      fc.property(arbitrary, (generated) => {
        const spec = structuredClone(generated);
        const built = build(kind, spec);
        const read = decodeSpec(kind.fields, built);
        assert.equal(pick(read, Object.keys(spec)), spec);
        // What reading adds are the kind's defaults: said outright they change nothing.
        assert.equal(sorted(build(kind, read as Spec)), sorted(built));
      }),
    );
  });

  test('unknown fields are refused, at every level, with their path', () => {
    for (const spec of fc.sample(arbitrary, { ...SAMPLE, numRuns: 50 })) {
      for (const [path, changed] of withUnknown(kind.fields as unknown as Fields, spec, '')) {
        assert.is(refusedAt(kind, changed as Spec, 'SPEC_UNKNOWN_FIELD'), path);
      }
    }
  });

  test('every declared field and word is generated', () => {
    const seen = new Set<string>();
    for (const spec of fc.sample(arbitrary, SAMPLE)) note(kind.fields as unknown as Fields, spec, '', seen);
    const missing = declared(kind.fields as unknown as Fields, '').filter((path) => !seen.has(path));
    assert.equal(missing, [], 'fields that no spec of the arbitrary has');
  });
}

/** The leaves of the device that a spec stands for. */
export function build<Spec extends object>(kind: DeviceKind<Spec>, spec: Spec): Leaves {
  return leaves(parseElement(deviceXml({ [kind.element]: spec } as unknown as DeviceRequest, 'attach[0]')));
}

/** Where a spec is refused, as a path below the kind's name; fails when it is accepted, or refused with another code. */
export function refusedAt(kind: { element: string }, spec: object, code: ErrorCode): string {
  const request = { [kind.element]: spec } as unknown as DeviceRequest;
  const { path = '' } = failureNow(() => deviceXml(request, 'attach[0]'), code);
  const start = `attach[0].${kind.element}`;
  assert.ok(path.startsWith(start), `${path} is in ${start}`);
  return path.slice(start.length).replace(/^\./, '');
}

/** Each row is a spec that is refused with `SPEC_INVALID`, and the field that the error names (`''`: the device). */
export function badValues(
  test: Test,
  kind: { element: string },
  rows: ReadonlyArray<readonly [path: string, spec: object]>,
): void {
  for (const [path, spec] of rows) {
    const shown = JSON.stringify(spec, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
    test(`${path || kind.element} is refused in ${shown}`, () => {
      assert.is(refusedAt(kind, spec, 'SPEC_INVALID'), path);
    });
  }
}

/** The names that a device given as XML answers to, best first. */
export function namesOf(xml: string): readonly string[] {
  return readDevice(parseElement(xml)).names;
}

/** A shut-off (or, with `live`, running) q35 domain that has these devices, as the planner sees it. */
export function contextOf(
  devices: string,
  options: { live?: string; libvirt?: string; qemu?: string; domain?: string } = {},
): ObservedDomain {
  const document = (inside: string) =>
    new DomainDocument(
      `<domain type='qemu'><name>d</name><uuid>6e2f5a5c-1f0c-4f43-8a59-0e6a7f4ad001</uuid>${options.domain ?? ''}` +
        `<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os><devices>${inside}</devices></domain>`,
    );
  return {
    canonical: document(devices),
    live: options.live === undefined ? undefined : document(options.live),
    persistent: true,
    autostart: false,
    managedSave: false,
    versions: { libvirt: options.libvirt ?? '9.0.0', qemu: options.qemu ?? '7.2.0' },
  };
}

/** What the kind's rows say of plugging a device: `yes`, or why not. */
export function verdict(
  device: DeviceRequest,
  action: SupportRow['action'],
  scope: SupportRow['scope'],
  libvirt?: string,
): string {
  const draft = new Draft(contextOf('', libvirt === undefined ? {} : { libvirt }), {});
  return draft.whyNot(readDevice(parseElement(deviceXml(device, 'attach[0]'))), action, scope) ?? 'yes';
}

/** Tests that no call adds or removes such a device, in either document, and that the planner says so. */
export function neverPlugged(test: Test, device: DeviceRequest): void {
  test('it is part of the definition: it neither comes nor goes', () => {
    for (const action of ['attach', 'detach'] as const)
      for (const scope of ['live', 'config'] as const)
        assert.match(verdict(device, action, scope, '12.0.0'), /libvirt (has no|cannot)/);
  });
}

/** Tests that a libvirt before `since` is told not to know such a device. */
export function newerOnly(test: Test, device: DeviceRequest, since: string): void {
  test(`it needs libvirt ${since}`, () => {
    const attach = [device];
    const { message } = failureNow(() => planned({ attach }, '', { libvirt: '9.0.0' }), 'UNSUPPORTED');
    assert.ok(message.includes(since) && message.includes('9.0.0'), message);
    assert.is(planned({ attach }, '', { libvirt: since }).refusals.length, 1, 'known, but not to be plugged');
  });
}

/** The plan of a request for a domain that {@link contextOf} describes. */
export function planned(request: ChangeRequest, devices: string, options?: Parameters<typeof contextOf>[1]): Plan {
  return planChanges(request, contextOf(devices, options));
}

/** The element that the one operation of a plan sends. */
export function sent(plan: Plan): Leaves {
  assert.equal(plan.refusals, [], `nothing is refused:\n${plan}`);
  assert.is(plan.operations.length, 1, `one operation:\n${plan}`);
  const [operation] = plan.operations as [Operation];
  return leaves(parseElement((operation.call.args as { xml: string }).xml));
}

/** Records of which each key but the required ones may be missing, but not all of them. */
export function some<T extends object, K extends keyof T = never>(
  model: { [P in keyof T]: fc.Arbitrary<T[P]> },
  requiredKeys: K[] = [],
): fc.Arbitrary<Partial<T> & Pick<T, K>> {
  return fc
    .record(model, { requiredKeys })
    .filter((record) => Object.keys(record).length > 0) as unknown as fc.Arbitrary<Partial<T> & Pick<T, K>>;
}

/** Values that specs of many kinds have. */
export const values = {
  id: fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/),
  pciAddress: fc.stringMatching(/^pci 0000:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/),
  hostPci: fc.stringMatching(/^0000:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/),
  /** Texts with all that XML has a meaning of its own for. */
  name: fc.stringMatching(/^[\w<>&"'][\w<>&"' .:äß-]{0,20}$/),
  path: fc.stringMatching(/^\/[\w<>&"' .-]{1,30}$/),
  uuid: fc.uuid(),
  mac: fc.stringMatching(/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/),
  size: fc.nat().map((n) => n * 512),
  port: fc.integer({ min: 1, max: 65535 }),
  yes: fc.constant(true),
};

/** The virtio options of a `driver` group. */
export const virtioDriver = { iommu: fc.boolean(), ats: fc.boolean(), packed: fc.boolean(), pagePerVq: fc.boolean() };

type Fields = Readonly<Record<string, Field<unknown>>>;
type Spec = Readonly<Record<string, unknown>>;

/** What lies below a field: a group's members, or what one item of a list has. */
function below(field: Field<unknown>): Fields | undefined {
  return (field.members ?? field.items) as Fields | undefined;
}

function declared(fields: Fields, prefix: string): string[] {
  return Object.entries(fields).flatMap(([key, field]) => [
    `${prefix}${key}`,
    ...(field.words ?? []).map((word) => `${prefix}${key}=${word}`),
    ...declared(below(field) ?? {}, `${prefix}${key}.`),
  ]);
}

function note(fields: Fields, spec: unknown, prefix: string, seen: Set<string>): void {
  for (const each of Array.isArray(spec) ? spec : [spec]) {
    for (const [key, value] of Object.entries(each as Spec)) {
      seen.add(`${prefix}${key}`);
      const field = fields[key];
      if (field?.words) seen.add(`${prefix}${key}=${value}`);
      const inside = field && below(field);
      if (inside) note(inside, value, `${prefix}${key}.`, seen);
    }
  }
}

/** The spec with one field too many, for each object in it, and that field's path. */
function withUnknown(fields: Fields, spec: unknown, path: string): Array<[path: string, spec: unknown]> {
  if (Array.isArray(spec)) {
    return spec.flatMap((item, index) =>
      withUnknown(fields, item, `${path}[${index}]`).map(([place, changed]): [string, unknown] => [
        place,
        spec.with(index, changed),
      ]),
    );
  }
  const object = spec as Spec;
  const at = (key: string) => (path === '' ? key : `${path}.${key}`);
  return [
    [at('noSuchField'), { ...object, noSuchField: 1 }],
    ...Object.entries(object).flatMap(([key, value]) => {
      const field = fields[key];
      const inside = field && below(field);
      if (!inside) return [];
      return withUnknown(inside, value, at(key)).map(([place, changed]): [string, unknown] => [
        place,
        { ...object, [key]: changed },
      ]);
    }),
  ];
}

function pick(spec: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(spec).filter(([key]) => keys.includes(key)));
}

function sorted(all: Leaves): Array<[string, string]> {
  return [...all].sort(([a], [b]) => (a < b ? -1 : 1));
}
