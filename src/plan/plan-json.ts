import { formatValue, type MutatorCall, type Operation, type Refusal, specInvalid } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { assertAgrees } from './agreement.js';
import { PLAN_FORMAT_VERSION, type PlanParts } from './plan-parts.js';

type Step = Omit<Operation, 'inverse'>;

type Check = (value: unknown) => boolean;
const isText: Check = (value) => typeof value === 'string';
const isNumber: Check = (value) => typeof value === 'number' && Number.isSafeInteger(value);
const isTextOrNull: Check = (value) => value === null || isText(value);
const isNumbers: Check = (value) => Array.isArray(value) && value.every(isNumber);
const isParams: Check = (value) => Array.isArray(value) && value.every(isParam);
const WHOLE = ['int', 'uint', 'llong', 'ullong'];

function isParam(value: unknown): boolean {
  const { field, value: typed } = (value ?? {}) as { field?: unknown; value?: { type?: unknown; value?: unknown } };
  if (!isText(field)) return false;
  const { type, value: plain } = typed ?? {};
  if (type === 'boolean') return typeof plain === 'boolean';
  if (type === 'string') return isText(plain);
  return WHOLE.includes(type as string) && (isNumber(plain) || (isText(plain) && /^-?\d{1,20}$/.test(plain as string)));
}

const device = { xml: isText, flags: isNumber };
const params = { params: isParams, flags: isNumber };
const pin = { cpumap: isNumbers, flags: isNumber };
const thread = { iothread_id: isNumber, flags: isNumber };

/** The calls that a plan may hold, and their arguments: a plan from a file can ask for nothing else. */
const CALLS: { readonly [P in MutatorCall['procedure']]: Readonly<Record<string, Check>> } = {
  DOMAIN_ATTACH_DEVICE_FLAGS: device,
  DOMAIN_DETACH_DEVICE_FLAGS: device,
  DOMAIN_UPDATE_DEVICE_FLAGS: device,
  DOMAIN_DETACH_DEVICE_ALIAS: { alias: isText, flags: isNumber },
  DOMAIN_SET_VCPUS_FLAGS: { nvcpus: isNumber, flags: isNumber },
  DOMAIN_SET_VCPU: { cpumap: isText, state: isNumber, flags: isNumber },
  DOMAIN_SET_MEMORY_FLAGS: { memory: isNumber, flags: isNumber },
  DOMAIN_SET_MEMORY_STATS_PERIOD: { period: isNumber, flags: isNumber },
  DOMAIN_SET_MEMORY_PARAMETERS: params,
  DOMAIN_SET_BLKIO_PARAMETERS: params,
  DOMAIN_SET_SCHEDULER_PARAMETERS_FLAGS: params,
  DOMAIN_SET_NUMA_PARAMETERS: params,
  DOMAIN_SET_PERF_EVENTS: params,
  DOMAIN_SET_BLOCK_IO_TUNE: { ...params, disk: isText },
  DOMAIN_SET_INTERFACE_PARAMETERS: { ...params, device: isText },
  DOMAIN_SET_THROTTLE_GROUP: { ...params, group: isText },
  DOMAIN_DEL_THROTTLE_GROUP: { group: isText, flags: isNumber },
  DOMAIN_PIN_VCPU_FLAGS: { ...pin, vcpu: isNumber },
  DOMAIN_PIN_EMULATOR: pin,
  DOMAIN_PIN_IOTHREAD: { ...pin, iothreads_id: isNumber },
  DOMAIN_ADD_IOTHREAD: thread,
  DOMAIN_DEL_IOTHREAD: thread,
  DOMAIN_SET_IOTHREAD_PARAMS: { ...thread, params: isParams },
  DOMAIN_SET_LIFECYCLE_ACTION: { type: isNumber, action: isNumber, flags: isNumber },
  DOMAIN_SET_AUTOSTART: { autostart: isNumber },
  DOMAIN_SET_AUTOSTART_ONCE: { autostart: isNumber },
  DOMAIN_SET_METADATA: {
    type: isNumber,
    metadata: isTextOrNull,
    key: isTextOrNull,
    uri: isTextOrNull,
    flags: isNumber,
  },
  DOMAIN_RENAME: { new_name: isText, flags: isNumber },
};

const isUnset: Check = (value) => value === undefined;
const oneOf =
  (...words: string[]): Check =>
  (value) =>
    words.includes(value as string);
const either =
  (...checks: Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));
const STEP: Readonly<Record<string, Check>> = {
  action: oneOf('attach', 'detach', 'update', 'set'),
  subject: isText,
  scope: oneOf('live', 'config', 'both'),
  takesEffect: oneOf('now', 'next-boot', 'when-released'),
  guestMustCooperate: (value) => typeof value === 'boolean',
  ifKept: either(oneOf('next-boot'), isUnset),
  address: either(isText, isUnset),
  reason: either(isText, isUnset),
};
const CHANGE = { path: isText, from: either(isText, isUnset), to: either(isText, isUnset) };
const WITHHELD = { path: isText, from: either(oneOf('canonical', 'live'), isUnset), device: either(isText, isUnset) };
const REFUSAL = { subject: isText, path: isText, reason: isText, remedy: isText };
const PLACES = { total: isNumber, free: isNumber, freeAfter: isNumber };

/** An operation in values that JSON has, in one order always: numbers beyond it are texts. */
export function plainOperation({ call, changes, withheld, ...rest }: Step): object {
  const head = Object.fromEntries(Object.keys(STEP).map((key) => [key, rest[key as keyof typeof rest]]));
  return { ...head, changes, call: 'params' in call.args ? { ...call, args: plainParams(call.args) } : call, withheld };
}

function plainParams(args: Extract<MutatorCall['args'], { params: unknown }>): object {
  const plain = args.params.map(({ field, value }) => ({
    field,
    value: typeof value.value === 'bigint' ? { ...value, value: String(value.value) } : value,
  }));
  return { ...args, params: plain };
}

/** Reads what `plan.toJSON()` made, text or value. Errors as for `Plan.fromJSON`. */
export function readPlan(json: unknown): PlanParts {
  const root = asObject(typeof json === 'string' ? parsed(json) : json, 'plan');
  if (root.formatVersion !== PLAN_FORMAT_VERSION) {
    throw new LibvirtCanonicalError(
      'UNSUPPORTED',
      `plan.formatVersion: this library reads plans of format ${PLAN_FORMAT_VERSION}, not ${formatValue(root.formatVersion)}`,
      { path: 'plan.formatVersion', remedy: 'Plan again with this version of the library' },
    );
  }
  const operations = asList(root.operations, 'plan.operations').map((each, n) => {
    const at = `plan.operations[${n}]`;
    const inverse = asList(asObject(each, at).inverse, `${at}.inverse`);
    const steps = inverse.map((step, m) => stepOf(step, `${at}.inverse[${m}]`));
    const operation: Operation = { ...stepOf(each, at), inverse: steps };
    assertAgrees(operation, at);
    return operation;
  });
  const capacity = Object.entries(asObject(root.capacity, 'plan.capacity')).map(
    ([bus, places]) => [bus, checked(places, PLACES, `plan.capacity.${bus}`)] as const,
  );
  const fingerprints = Object.entries(asObject(root.fingerprints, 'plan.fingerprints')).map(
    ([subject, print]) =>
      [subject, checked({ print }, { print: isText }, 'plan.fingerprints').print as string] as const,
  );
  return {
    domain: checked(root.domain, { name: isText, uuid: isText }, 'plan.domain') as PlanParts['domain'],
    digest: checked(root, { digest: isText }, 'plan').digest as string,
    fingerprints: Object.fromEntries(fingerprints),
    operations,
    refusals: listOf(root.refusals, REFUSAL, 'plan.refusals') as unknown as readonly Refusal[],
    notes: asList(root.notes, 'plan.notes').map(
      (note, n) => checked({ note }, { note: isText }, `plan.notes[${n}]`).note as string,
    ),
    capacity: Object.fromEntries(capacity) as unknown as PlanParts['capacity'],
  };
}

function stepOf(value: unknown, at: string): Step {
  const whole = asObject(value, at);
  const { changes, withheld, call } = whole;
  const { procedure, args } = asObject(call, `${at}.call`);
  const shape = Object.hasOwn(CALLS, String(procedure)) ? CALLS[procedure as MutatorCall['procedure']] : undefined;
  if (!shape) throw specInvalid(`${at}.call.procedure`, `${formatValue(procedure)} is no call that a plan makes`);
  const given = checked(args, shape, `${at}.call.args`);
  if ('params' in given) given.params = (given.params as ParamJson[]).map(paramOf);
  return {
    ...checked(whole, STEP, at),
    changes: listOf(changes, CHANGE, `${at}.changes`).map(({ path, from, to }) => ({ path, from, to })),
    call: { procedure, args: given },
    ...(withheld === undefined ? {} : { withheld: listOf(withheld, WITHHELD, `${at}.withheld`) }),
  } as unknown as Step;
}

interface ParamJson {
  readonly field: string;
  readonly value: { readonly type: string; readonly value: unknown };
}

function paramOf({ field, value: { type, value } }: ParamJson): unknown {
  return { field, value: { type, value: WHOLE.includes(type) && typeof value === 'string' ? BigInt(value) : value } };
}

/** The members that a shape names, each checked; what is not given stays out, anything else is left behind. */
function checked(value: unknown, shape: Readonly<Record<string, Check>>, at: string): Record<string, unknown> {
  const given = asObject(value, at);
  const entries = Object.entries(shape).flatMap(([key, check]) => {
    const member = Object.hasOwn(given, key) ? given[key] : undefined;
    if (!check(member)) throw specInvalid(`${at}.${key}`, `${formatValue(member)} is not what a plan has there`);
    return member === undefined ? [] : [[key, member]];
  });
  return Object.fromEntries(entries);
}

function listOf(value: unknown, shape: Readonly<Record<string, Check>>, at: string): Array<Record<string, unknown>> {
  return asList(value, at).map((each, n) => checked(each, shape, `${at}[${n}]`));
}

function asList(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) throw specInvalid(at, `${formatValue(value)} is not a list`);
  return value;
}

function asObject(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw specInvalid(at, `${formatValue(value)} is not an object`);
  return value as Record<string, unknown>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Without its cause: that quotes the text, which may hold a secret.
    throw new LibvirtCanonicalError('SPEC_INVALID', 'plan: the text is no JSON', { path: 'plan' });
  }
}
