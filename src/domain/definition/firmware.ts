import type { Leaves } from '../../xml/index.js';
import {
  type Assignment,
  decodeSpec,
  encodeSpec,
  type Field,
  type FieldTable,
  flag,
  oneOf,
  schemasOf,
  text,
} from '../devices/fields.js';
import { BOOLEAN, object } from '../json-schema.js';
import { formatValue, specInvalid } from '../values.js';
import { record, wordKey } from './forms.js';

const FORMATS = ['raw', 'qcow2'] as const;
const ABSOLUTE = { pattern: /^\//, expected: 'an absolute path' };

/** UEFI that is chosen by what it must have. */
export interface EfiSpec {
  /** Default false: an unsigned boot loader does not start with it. Which it is can never be changed. */
  readonly secureBoot?: boolean | undefined;
  /** Of secure boot: with Microsoft's keys. Default true. */
  readonly enrolledKeys?: boolean | undefined;
  /** Without a file of variables: every start begins with the firmware's own. libvirt 8.6.0 */
  readonly stateless?: boolean | undefined;
  /** File of the variables. Default: one named by the domain's UUID, where the host's folder of them is known. */
  readonly nvram?: string | undefined;
  /** Format of that file. `qcow2` is what a snapshot of a running guest needs, and needs libvirt 10.10.0. */
  readonly format?: 'raw' | 'qcow2' | undefined;
}

/** Firmware by path. */
export interface LoaderSpec {
  readonly loader: string;
  /** Default `pflash`, read only. `rom`: without variables. */
  readonly type?: 'pflash' | 'rom' | undefined;
  /** Default true for `pflash`. */
  readonly readonly?: boolean | undefined;
  /** It does secure boot, and gets system management mode. */
  readonly secure?: boolean | undefined;
  readonly stateless?: boolean | undefined;
  /** libvirt 9.2.0 */
  readonly format?: 'raw' | 'qcow2' | undefined;
  readonly nvram?:
    | {
        /** File of the variables; made from the template at the first start. */
        readonly path?: string | undefined;
        readonly template?: string | undefined;
        /** libvirt 9.2.0 */
        readonly format?: 'raw' | 'qcow2' | undefined;
        /** libvirt 10.10.0 */
        readonly templateFormat?: 'raw' | 'qcow2' | undefined;
      }
    | undefined;
}

/**
 * The firmware. `bios` is QEMU's own. `efi` is found before the define, from the host's own descriptors where they can be
 * read, and written out, since libvirt 9.0 chooses again at each start.
 */
export type FirmwareSpec = 'bios' | 'efi' | { readonly efi: EfiSpec } | LoaderSpec;

const NVRAM_FILE: Field<string> = {
  ...text('os/nvram', ABSOLUTE),
  paths: ['os/nvram', 'os/nvram/@type', 'os/nvram/source/@file'],
  decode: (leaves) => leaves.get('os/nvram') ?? leaves.get('os/nvram/source/@file'),
};
const FEATURES = record('os/firmware/feature', '@name', flag('@enabled'), wordKey(['secure-boot', 'enrolled-keys']));
const EFI: FieldTable<Omit<EfiSpec, 'secureBoot' | 'enrolledKeys'>> = {
  stateless: flag('os/loader/@stateless'),
  nvram: NVRAM_FILE,
  format: oneOf('os/nvram/@format', FORMATS),
};
const LOADER: FieldTable<Omit<LoaderSpec, 'nvram'>> = {
  loader: text('os/loader', ABSOLUTE),
  type: oneOf('os/loader/@type', ['pflash', 'rom']),
  readonly: flag('os/loader/@readonly'),
  secure: flag('os/loader/@secure'),
  stateless: flag('os/loader/@stateless'),
  format: oneOf('os/loader/@format', FORMATS),
};
const NVRAM: FieldTable<NonNullable<LoaderSpec['nvram']>> = {
  path: NVRAM_FILE,
  template: text('os/nvram/@template', ABSOLUTE),
  format: EFI.format,
  templateFormat: oneOf('os/nvram/@templateFormat', FORMATS),
};

/** What the fields of a table take. */
const taken = (table: object) => schemasOf(table as Readonly<Record<string, Field<unknown>>>);

/** `<os firmware=…>`, `<firmware>`, `<loader>` and `<nvram>`. */
export const firmware: Field<FirmwareSpec> = {
  paths: [
    'os/@firmware',
    ...FEATURES.paths,
    ...[LOADER, NVRAM].flatMap((table) => Object.values<Field<unknown>>(table as never).flatMap(({ paths }) => paths)),
  ],
  schema: {
    anyOf: [
      { enum: ['bios', 'efi'] },
      object({ efi: object({ secureBoot: BOOLEAN, enrolledKeys: BOOLEAN, ...taken(EFI) }) }, ['efi']),
      object({ ...taken(LOADER), nvram: object(taken(NVRAM)) }, ['loader']),
    ],
  },
  encode(value, where) {
    if (value === 'bios') return [];
    if (value === 'efi') return [['os/@firmware', 'efi']];
    if (typeof value !== 'object' || value === null)
      throw specInvalid(
        where,
        `${formatValue(value)} is not a firmware`,
        "Give 'bios', 'efi', { efi: { … } } or { loader: '/path' }",
      );
    return 'efi' in value ? encodeEfi(value, where) : encodeLoader(value, where);
  },
  decode(leaves) {
    if (leaves.has('os/loader')) {
      const nvram = decodeSpec(NVRAM, leaves);
      return { ...decodeSpec(LOADER, leaves), ...(Object.keys(nvram).length > 0 ? { nvram } : {}) } as LoaderSpec;
    }
    if (leaves.get('os/@firmware') !== 'efi')
      return /^(x86_64|i686)$/.test(leaves.get('os/type/@arch') ?? '') ? 'bios' : undefined;
    const efi = { ...featuresOf(leaves), ...decodeSpec(EFI, leaves) };
    return Object.keys(efi).length > 0 ? { efi } : 'efi';
  },
};

function encodeEfi(value: { readonly efi: EfiSpec }, where: string): Assignment[] {
  const table = { efi: { paths: [], encode: () => [], decode: () => undefined } } as unknown as FieldTable<
    typeof value
  >;
  encodeSpec(table, value, where);
  const words: FieldTable<EfiSpec> = { ...EFI, secureBoot: nowhere(), enrolledKeys: nowhere() };
  const said = encodeSpec(words, value.efi, `${where}.efi`);
  const { secureBoot, enrolledKeys, stateless, nvram } = value.efi;
  if (enrolledKeys && !secureBoot) throw specInvalid(`${where}.efi.enrolledKeys`, 'needs secureBoot: true');
  if (stateless && nvram !== undefined) throw specInvalid(`${where}.efi.nvram`, 'is not used by a stateless firmware');
  const features = {
    ...(secureBoot === undefined ? {} : { 'secure-boot': secureBoot }),
    ...(enrolledKeys === undefined ? {} : { 'enrolled-keys': enrolledKeys }),
  };
  return [['os/@firmware', 'efi'], ...FEATURES.encode(features, `${where}.efi`), ...said];
}

function nowhere(): Field<boolean> {
  return { ...flag('@'), encode: (value, where) => flag('@').encode(value, where).slice(1) };
}

function featuresOf(leaves: Leaves): EfiSpec {
  const said: Readonly<Record<string, boolean>> = FEATURES.decode(leaves) ?? {};
  return {
    ...(said['secure-boot'] === undefined ? {} : { secureBoot: said['secure-boot'] }),
    ...(said['enrolled-keys'] === undefined ? {} : { enrolledKeys: said['enrolled-keys'] }),
  };
}

function encodeLoader(value: LoaderSpec, where: string): Assignment[] {
  const { nvram, ...loader } = value;
  const said = new Map<string, string>();
  for (const [path, word] of encodeSpec(LOADER, loader, where)) said.set(path, word);
  if (!said.has('os/loader')) throw specInvalid(`${where}.loader`, 'is missing', 'Give the path of the firmware');
  // Without a type libvirt takes it for a BIOS ROM, and the guest does not start.
  if (!said.has('os/loader/@type')) said.set('os/loader/@type', 'pflash');
  if (!said.has('os/loader/@readonly') && said.get('os/loader/@type') === 'pflash')
    said.set('os/loader/@readonly', 'yes');
  if (nvram === undefined) return [...said];
  if (loader.stateless) throw specInvalid(`${where}.nvram`, 'is not used by a stateless firmware');
  if (nvram.templateFormat !== undefined && nvram.template === undefined)
    throw specInvalid(
      `${where}.nvram.templateFormat`,
      'is of a template, and none is given',
      'Give template, or leave it out',
    );
  return [...said, ...encodeSpec(NVRAM, nvram, `${where}.nvram`)];
}

/** Something that a caller asks of the firmware and a domain has otherwise. */
export interface FirmwareDifference {
  readonly path: string;
  readonly asked: string;
  readonly there: string;
}

/**
 * Compares a firmware that is asked for with that of a domain by what it is: `efi` was found and written out as a path at
 * define, by this library or by libvirt.
 */
export function firmwareDifferences(asked: FirmwareSpec, leaves: Leaves): FirmwareDifference[] {
  const has = firmware.decode(leaves) ?? 'bios';
  const differ = (path: string, wanted: unknown, there: unknown): FirmwareDifference[] =>
    wanted === undefined || wanted === there
      ? []
      : [{ path, asked: String(wanted), there: String(there ?? 'nothing') }];
  const kind = has === 'bios' || (typeof has === 'object' && 'loader' in has && has.type === 'rom') ? 'bios' : 'efi';
  if (typeof asked === 'string') return differ('os/loader', asked, kind);
  const byPath: Partial<LoaderSpec> = typeof has === 'object' && 'loader' in has ? has : {};
  if ('efi' in asked) {
    const { secureBoot, enrolledKeys, stateless, nvram, format } = asked.efi;
    const byFeature = featuresOf(leaves);
    const known = decodeSpec(EFI, leaves);
    return [
      ...differ('os/loader', 'efi', kind),
      ...differ('os/loader/@secure', secureBoot, byFeature.secureBoot ?? byPath.secure ?? false),
      // Which keys a template holds does not show in a document of a libvirt that lists no features.
      ...(byFeature.enrolledKeys === undefined ? [] : differ('os/firmware', enrolledKeys, byFeature.enrolledKeys)),
      ...differ('os/loader/@stateless', stateless, known.stateless ?? false),
      ...differ('os/nvram', nvram, known.nvram),
      ...(known.format === undefined ? [] : differ('os/nvram/@format', format, known.format)),
    ];
  }
  const { nvram = {}, ...loader } = asked;
  return [
    ...Object.entries(loader).flatMap(([key, value]) =>
      differ(`os/loader ${key}`, value, byPath[key as keyof LoaderSpec]),
    ),
    ...Object.entries(nvram).flatMap(([key, value]) =>
      differ(`os/nvram ${key}`, value, byPath.nvram?.[key as keyof NonNullable<LoaderSpec['nvram']>]),
    ),
  ];
}
