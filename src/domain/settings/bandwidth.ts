import { byName, type JsonSchema, object, removable } from '../json-schema.js';
import type { ObservedDomain } from '../operation.js';
import { specInvalid } from '../values.js';
import { oneDevice } from './one-device.js';
import { asObject, count, type ParamRow, paramAt, planParams, readParams, refusal, wantedParams } from './params.js';
import type { Setting, SettingPlan } from './setting.js';

/** Rates in KiB/s, burst in KiB; `null` removes one. */
export interface BandwidthRates {
  /** What the interface gets in the long run. */
  readonly average?: number | undefined;
  /** How fast a burst may be. */
  readonly peak?: number | null | undefined;
  /** How much may pass at the speed of `peak`. */
  readonly burst?: number | null | undefined;
}

/** Bandwidth of interfaces, by MAC, id or alias: `{ lan: { inbound: { average: 1024 }, outbound: null } }`. */
export type BandwidthRequest = Readonly<
  Record<
    string,
    {
      /** Towards the guest. `floor` is guaranteed, on networks that libvirt routes. */
      readonly inbound?: (BandwidthRates & { readonly floor?: number | null | undefined }) | null | undefined;
      readonly outbound?: BandwidthRates | null | undefined;
    }
  >
>;

/** Types whose bandwidth libvirt sets (virNetDevSupportsBandwidth). */
const TYPES = ['bridge', 'network', 'direct', 'ethernet'];
const rows = (family: string, fields: readonly string[]) =>
  fields.map((field): [string, ParamRow] => {
    const param = `${family}.${field}`;
    const form = count('uint', { min: 1 });
    return [param, { param, path: `bandwidth/${family}/@${field}`, form, unset: '0', none: ['0'], family }];
  });
const TABLE: Readonly<Record<string, ParamRow>> = Object.fromEntries([
  ...rows('inbound', ['average', 'peak', 'burst', 'floor']),
  ...rows('outbound', ['average', 'peak', 'burst']),
]);

/** The rates of one direction. */
function direction(family: string): JsonSchema {
  const rates = Object.entries(TABLE).filter(([key]) => key.startsWith(`${family}.`));
  return removable(
    object(Object.fromEntries(rates.map(([key, { form }]) => [key.slice(family.length + 1), form.schema]))),
  );
}

/** `<bandwidth>` of interfaces: virDomainSetInterfaceParameters. */
export const bandwidth: Setting<BandwidthRequest> = {
  name: 'bandwidth',
  schema: byName(object({ inbound: direction('inbound'), outbound: direction('outbound') })),
  sideEffects: ['devices/interface/bandwidth'],
  paths: ['devices/interface/bandwidth'],
  shown({ devices }, path, { args }) {
    const nic = devices.find(({ leaves }) => 'device' in args && leaves.get('mac/@address') === args.device);
    return paramAt(nic?.element, TABLE, path.slice(path.lastIndexOf('bandwidth/')));
  },
  plan(value, context, path) {
    const plans = Object.entries(asObject(value, path)).map(([name, rates]) =>
      planInterface(name, rates, context, `${path}.${name}`),
    );
    return {
      operations: plans.flatMap(({ operations }) => operations),
      refusals: plans.flatMap(({ refusals }) => refusals),
    };
  },
};

function planInterface(name: string, rates: unknown, context: ObservedDomain, path: string): SettingPlan {
  const { device, running } = oneDevice('interface', name, context, path);
  const wanted = wantedParams(flat(rates, path), TABLE, context, path);
  const after = { ...readParams(device.element, TABLE), ...wanted };
  for (const way of ['inbound', 'outbound']) {
    const rest = ['peak', 'burst'].some((field) => after[`${way}.${field}`] !== undefined);
    if (rest && after[`${way}.average`] === undefined && after[`${way}.floor`] === undefined)
      throw specInvalid(`${path}.${way}.average`, 'is missing', 'peak and burst need it; null removes the direction');
  }
  const types = [device, running].flatMap((each) => (each ? [each.leaves.get('@type') ?? ''] : []));
  const type = types.find((each) => !TYPES.includes(each));
  if (type !== undefined) {
    return refusal({
      subject: 'bandwidth',
      path,
      reason: `libvirt sets no bandwidth on an interface of type ${type} (virNetDevSupportsBandwidth)`,
      remedy: `It does for ${TYPES.join(', ')}`,
    });
  }
  if (wanted['inbound.floor'] !== undefined && types[0] !== 'network') {
    return refusal({
      subject: 'bandwidth',
      path: `${path}.inbound.floor`,
      reason: 'a floor is only for an interface on a libvirt network that is routed (qemuDomainSetInterfaceParameters)',
      remedy: 'Leave it out',
    });
  }
  const mac = device.leaves.get('mac/@address') as string;
  return planParams({
    name: 'bandwidth',
    path,
    table: TABLE,
    canonical: device.element,
    live: running?.element,
    wanted,
    under: device.identity,
    call: (params, flags) => ({ procedure: 'DOMAIN_SET_INTERFACE_PARAMETERS', args: { device: mac, params, flags } }),
  });
}

/** `{ inbound: { average } }` as `{ 'inbound.average' }`; a direction that is null loses every rate. */
function flat(rates: unknown, path: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [way, values] of Object.entries(asObject(rates, path, ['inbound', 'outbound']))) {
    const fields = Object.keys(TABLE)
      .filter((key) => key.startsWith(`${way}.`))
      .map((key) => key.slice(way.length + 1));
    const given =
      values === null
        ? Object.fromEntries(fields.map((field) => [field, null]))
        : asObject(values, `${path}.${way}`, fields);
    for (const [field, value] of Object.entries(given)) found[`${way}.${field}`] = value;
  }
  return found;
}
