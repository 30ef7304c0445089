import { assertXmlText, type Leaves } from '../../xml/index.js';
import {
  type Assignment,
  decodeSpec,
  encodeSpec,
  type Field,
  type FieldTable,
  itemsAt,
  nth,
  schemasOf,
} from '../devices/fields.js';
import { byName, object, TEXT } from '../json-schema.js';
import { formatValue, notOneOf, specInvalid } from '../values.js';
import { texts } from './forms.js';

const BLOCKS = {
  bios: ['vendor', 'version', 'date', 'release'],
  system: ['manufacturer', 'product', 'version', 'serial', 'uuid', 'sku', 'family'],
  baseBoard: ['manufacturer', 'product', 'version', 'serial', 'asset', 'location'],
  chassis: ['manufacturer', 'version', 'serial', 'asset', 'sku'],
} as const;
type Block<K extends keyof typeof BLOCKS> = { readonly [E in (typeof BLOCKS)[K][number]]?: string | undefined };

/**
 * What SMBIOS and the firmware's own configuration tell the guest. libvirt: `<sysinfo>` and `<smbios>`. Fixed at define, and
 * guest ABI.
 */
export interface SysinfoSpec {
  /** `date` as `mm/dd/yyyy`. */
  readonly bios?: Block<'bios'> | undefined;
  /** `uuid` must be the domain's. */
  readonly system?: Block<'system'> | undefined;
  readonly baseBoard?: Block<'baseBoard'> | undefined;
  readonly chassis?: Block<'chassis'> | undefined;
  readonly oemStrings?: readonly string[] | undefined;
  /** Items of QEMU's fw_cfg by name, which begins with `opt/`: a text, or a file of the host. */
  readonly fwCfg?: Readonly<Record<`opt/${string}`, string | { readonly file: string }>> | undefined;
  /** Where SMBIOS comes from. Default `sysinfo` when any block is given. `host` shows the guest the host's serial number. */
  readonly mode?: 'sysinfo' | 'emulate' | 'host' | undefined;
}

type Blocks = Omit<SysinfoSpec, 'fwCfg' | 'mode'>;
const SMBIOS: FieldTable<Blocks> = {
  bios: block('bios'),
  system: block('system'),
  baseBoard: block('baseBoard'),
  chassis: block('chassis'),
  oemStrings: texts('oemStrings/entry'),
};
const MODE = 'os/smbios/@mode';
const MODES = ['sysinfo', 'emulate', 'host'] as const;

function block<K extends keyof typeof BLOCKS>(name: K): Field<Block<K>> {
  const known: readonly string[] = BLOCKS[name];
  const table = Object.fromEntries(known.map((entry) => [entry, entryText(name, entry)]));
  return {
    paths: [`${name}/entry/@name`, `${name}/entry`],
    schema: object(schemasOf(table as Record<string, Field<unknown>>)),
    encode(value, where) {
      return encodeSpec(table as unknown as FieldTable<Block<K>>, value, where).flatMap(
        ([entry, said], index): Assignment[] => [
          [`${nth(`${name}/entry`, index)}/@name`, entry],
          [nth(`${name}/entry`, index), said],
        ],
      );
    },
    decode(leaves) {
      const found = itemsAt(leaves, `${name}/entry`).filter((item) => known.includes(item.get('@name') ?? ''));
      if (found.length === 0) return undefined;
      return Object.fromEntries(found.map((item) => [item.get('@name'), item.get('') ?? ''])) as Block<K>;
    },
  };
}

/** One entry, by its name; a date in the one form that libvirt takes. */
function entryText(of: string, entry: string): Field<string> {
  const date = of === 'bios' && entry === 'date' ? /^\d\d\/\d\d\/(\d\d|\d{4})$/ : undefined;
  return {
    paths: [],
    schema: { type: 'string', ...(date ? { pattern: date.source, description: 'mm/dd/yyyy' } : {}) },
    encode(value, where) {
      if (typeof value !== 'string') throw specInvalid(where, `${formatValue(value)} is not a text`);
      assertXmlText(value, where);
      if (date && !date.test(value))
        throw specInvalid(where, `${formatValue(value)} is not a date`, "Give it as '01/31/2026'");
      return [[entry, value]];
    },
    decode: () => undefined,
  };
}

function fwCfgEntries(value: NonNullable<SysinfoSpec['fwCfg']>, where: string): Assignment[] {
  if (typeof value !== 'object' || value === null) throw specInvalid(where, `${formatValue(value)} is not an object`);
  return Object.entries(value).flatMap(([name, item], index): Assignment[] => {
    const path = `${where}[${JSON.stringify(name)}]`;
    if (!/^opt\/./.test(name))
      throw specInvalid(path, 'does not begin with opt/', 'Other names are those of QEMU itself');
    if (/^opt\/(ovmf|org\.qemu)\//.test(name))
      throw specInvalid(path, 'is reserved for the firmware (libvirt refuses it)');
    assertXmlText(name, path, 'attribute');
    const at = nth('entry', index);
    const named: Assignment = [`${at}/@name`, name];
    if (typeof item === 'string') {
      assertXmlText(item, path);
      return [named, [at, item]];
    }
    if (typeof item?.file !== 'string' || item.file === '') throw specInvalid(path, 'is neither a text nor { file }');
    assertXmlText(item.file, path, 'attribute');
    return [named, [`${at}/@file`, item.file]];
  });
}

function fwCfgOf(leaves: Leaves): SysinfoSpec['fwCfg'] | undefined {
  const entries = itemsAt(leaves, 'entry').map((item) => {
    const file = item.get('@file');
    return [item.get('@name') ?? '', file === undefined ? (item.get('') ?? '') : { file }] as const;
  });
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

/** `<sysinfo>`, once for SMBIOS and once for fw_cfg, with `<os><smbios>` without which the guest sees none of it. */
export const sysinfo: Field<SysinfoSpec> = {
  paths: [
    MODE,
    'sysinfo/@type',
    ...Object.values(SMBIOS as unknown as Record<string, Field<unknown>>).flatMap(({ paths }) =>
      paths.map((path) => `sysinfo/${path}`),
    ),
    'sysinfo/entry/@name',
    'sysinfo/entry/@file',
    'sysinfo/entry',
  ],
  schema: object({
    ...schemasOf(SMBIOS as unknown as Record<string, Field<unknown>>),
    fwCfg: byName(
      { anyOf: [{ type: 'string' }, object({ file: TEXT }, ['file'])] },
      { pattern: '^opt/(?!(ovmf|org\\.qemu)/).' },
    ),
    mode: { enum: MODES },
  }),
  encode(value, where) {
    if (typeof value !== 'object' || value === null)
      throw specInvalid(where, `${formatValue(value)} is not an object of fields`);
    const { fwCfg, mode, ...blocks } = value;
    const smbios = encodeSpec(SMBIOS, blocks, where);
    if (mode !== undefined && !MODES.includes(mode)) throw notOneOf(`${where}.mode`, mode, MODES);
    if (mode === 'sysinfo' && smbios.length === 0)
      throw specInvalid(
        where,
        "mode 'sysinfo' has nothing to show",
        'Give system, bios, baseBoard, chassis or oemStrings',
      );
    const elements: Assignment[][] = [];
    if (smbios.length > 0) elements.push([['@type', 'smbios'], ...smbios]);
    if (fwCfg !== undefined) elements.push([['@type', 'fwcfg'], ...fwCfgEntries(fwCfg, `${where}.fwCfg`)]);
    const chosen = mode ?? (smbios.length > 0 ? 'sysinfo' : undefined);
    return [
      ...(chosen === undefined ? [] : [[MODE, chosen] as const]),
      ...elements.flatMap((each, index) =>
        each.map(([leaf, said]): Assignment => [`${nth('sysinfo', index)}/${leaf}`, said]),
      ),
    ];
  },
  decode(leaves) {
    const all = itemsAt(leaves, 'sysinfo');
    const smbios = all.find((item) => item.get('@type') === 'smbios');
    const fwcfg = all.find((item) => item.get('@type') === 'fwcfg');
    const blocks = smbios && decodeSpec(SMBIOS, smbios);
    const fwCfg = fwcfg && fwCfgOf(fwcfg);
    const shown = MODES.find((each) => each === leaves.get(MODE));
    // With blocks the mode is said only when it is not the one that shows them.
    const mode = blocks && shown === 'sysinfo' ? undefined : shown;
    const spec = { ...blocks, ...(fwCfg ? { fwCfg } : {}), ...(mode === undefined ? {} : { mode }) };
    return Object.keys(spec).length > 0 ? spec : undefined;
  },
};
