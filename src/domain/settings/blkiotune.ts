import { select, selectText } from '../../xml/index.js';
import type { DomainDocument } from '../document.js';
import { byName, object, removable } from '../json-schema.js';
import { AFFECT, type TypedParameter } from '../operation.js';
import { type Size, specInvalid } from '../values.js';
import { amount, asObject, count, type Form, type ParamTable, tableSchema, unlessSession } from './params.js';
import type { Setting } from './setting.js';
import { planSides, type Values } from './sides.js';

/** Weight and limits on one block device of the host; `null` removes one. */
export interface BlkioDeviceLimits {
  /** 10 … 1000, with control groups v2 1 … 10000. */
  readonly weight?: number | null | undefined;
  readonly readIopsSec?: number | null | undefined;
  readonly writeIopsSec?: number | null | undefined;
  /** Bytes per second, as a size. */
  readonly readBytesSec?: Size | null | undefined;
  readonly writeBytesSec?: Size | null | undefined;
}

/** Weight of the domain's disk I/O against other domains, and limits by block device of the host. libvirt: `<blkiotune>`. */
export interface BlkiotuneRequest {
  readonly weight?: number | null | undefined;
  /** By path of the device: `{ '/dev/sda': { readIopsSec: 1000 } }`. `null` removes all of one. */
  readonly devices?: Readonly<Record<string, BlkioDeviceLimits | null>> | undefined;
}

const weight = count('uint', { min: 1, max: 10_000 });
const whole = count('uint', { min: 1 });
const bytes = amount('B');
const row = (param: string, path: string, form: Form) => ({ param, path, form });
/** The call takes each as one string over all devices: `/dev/sda,500,/dev/sdb,100`. */
const DEVICE: ParamTable<BlkioDeviceLimits> = {
  weight: row('device_weight', 'weight', weight),
  readIopsSec: row('device_read_iops_sec', 'read_iops_sec', whole),
  writeIopsSec: row('device_write_iops_sec', 'write_iops_sec', whole),
  readBytesSec: row('device_read_bytes_sec', 'read_bytes_sec', bytes),
  writeBytesSec: row('device_write_bytes_sec', 'write_bytes_sec', bytes),
};
type Limit = keyof BlkioDeviceLimits;
/** What the kernel has by default (bfq and control groups v2): a running guest takes no 0. Explicit or not, it is the same. */
const USUAL = '100';
const normal = (key: string, text: string | null | undefined) =>
  text == null || text === '0' || (split(key)[0] === 'weight' && text === USUAL) ? undefined : text;

/** `<blkiotune>`: virDomainSetBlkioParameters. */
export const blkiotune: Setting<BlkiotuneRequest> = {
  name: 'blkiotune',
  schema: object({ weight: removable(weight.schema), devices: byName(removable(tableSchema(DEVICE))) }),
  sideEffects: ['blkiotune'],
  paths: ['blkiotune'],
  read(document) {
    const { weight: own, ...limits } = read(document);
    const devices: Record<string, Record<string, unknown>> = {};
    for (const [key, text] of Object.entries(limits)) {
      const [limit, device = ''] = split(key);
      devices[device] = { ...devices[device], [limit]: DEVICE[limit as Limit].form.value?.(text as string) };
    }
    if (own === undefined && Object.keys(devices).length === 0) return undefined;
    return { ...(own === undefined ? {} : { weight: Number(own) }), devices };
  },
  shown(document, path) {
    const values = read(document);
    return values[Object.keys(values).find((key) => labelOf(key) === path) ?? ''];
  },
  plan(value, context, path) {
    const { canonical, live } = context;
    const asked = asObject(value, path, ['weight', 'devices']);
    const wanted: Record<string, string | undefined> = {};
    if ('weight' in asked)
      wanted.weight =
        asked.weight === null ? undefined : normal('weight', weight.parse(asked.weight, `${path}.weight`));
    for (const [device, limits] of Object.entries(asObject(asked.devices ?? {}, `${path}.devices`))) {
      const where = `${path}.devices[${JSON.stringify(device)}]`;
      if (!/^\/[^,]+$/.test(device)) throw specInvalid(where, 'is not the path of a device', "For example '/dev/sda'");
      const given = limits === null ? Object.fromEntries(Object.keys(DEVICE).map((key) => [key, null])) : limits;
      for (const [key, each] of Object.entries(asObject(given, where, Object.keys(DEVICE))))
        wanted[`${key} ${device}`] =
          each === null ? undefined : normal(key, DEVICE[key as Limit].form.parse(each, `${where}.${key}`));
    }
    const operations = planSides({
      name: 'blkiotune',
      canonical: read(canonical),
      live: live && read(live),
      wanted,
      label: labelOf,
      call: (change, _, flags) => ({
        procedure: 'DOMAIN_SET_BLKIO_PARAMETERS',
        args: { params: paramsOf(change, flags === AFFECT.live), flags },
      }),
    });
    const plan = { operations, refusals: [] };
    return unlessSession(plan, context, 'blkiotune', path, 'qemuDomainSetBlkioParameters');
  },
};

/** Weight under `weight`, a limit of a device under `key path`. */
function read({ root }: DomainDocument): Values {
  const found: Record<string, string | undefined> = {
    weight: normal('weight', selectText(root, 'blkiotune/weight')),
  };
  for (const device of select(root, 'blkiotune/device')) {
    for (const [key, { path }] of Object.entries(DEVICE)) {
      const value = normal(key, selectText(device, path));
      if (value !== undefined) found[`${key} ${selectText(device, 'path')}`] = value;
    }
  }
  return found;
}

/** A 0 removes a value (virDomainDriverMergeBlkioDevice), but the kernel takes none for a weight. */
function paramsOf(change: Values, live: boolean): TypedParameter[] {
  const unset = (limit: string) => (live && limit === 'weight' ? USUAL : '0');
  const params: TypedParameter[] = [];
  if ('weight' in change)
    params.push({ field: 'weight', value: { type: 'uint', value: Number(change.weight ?? unset('weight')) } });
  for (const [limit, { param }] of Object.entries(DEVICE)) {
    const devices = Object.entries(change).filter(([key]) => split(key)[0] === limit && split(key)[1] !== undefined);
    if (devices.length === 0) continue;
    const value = devices.map(([key, each]) => `${split(key)[1]},${each ?? unset(limit)}`).join(',');
    params.push({ field: param, value: { type: 'string', value } });
  }
  return params;
}

function labelOf(key: string): string {
  const [limit, device] = split(key);
  return device === undefined ? 'blkiotune/weight' : `blkiotune/device ${device}/${DEVICE[limit as Limit].path}`;
}

function split(key: string): [limit: string, device: string | undefined] {
  const at = key.indexOf(' ');
  return at < 0 ? [key, undefined] : [key.slice(0, at), key.slice(at + 1)];
}
