import { assertXmlText } from '../../xml/index.js';
import { type Assignment, type Field, group, oneOf } from '../devices/fields.js';
import { formatValue, specInvalid } from '../values.js';
import { record, textKey, texts } from './forms.js';

/**
 * What is passed to QEMU past libvirt, which does not vouch for it: nothing checks it before the start, no plan reckons with
 * it, and it is not in the guest ABI that is compared. libvirt marks such a domain tainted. Fixed at define.
 */
export interface QemuSpec {
  /** Arguments of the command line, each by itself. libvirt: `<qemu:commandline>`. */
  readonly args?: readonly string[] | undefined;
  /** Environment of QEMU. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Properties of devices by their alias, `ua-…`. libvirt: `<qemu:override>`, 8.2.0. */
  readonly override?: Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>> | undefined;
  /** Capabilities of QEMU that libvirt is to believe in, or not. For tests. */
  readonly capabilities?:
    | { readonly add?: readonly string[] | undefined; readonly del?: readonly string[] | undefined }
    | undefined;
  /** What QEMU does with deprecated commands. For tests. */
  readonly deprecation?: 'allow' | 'warn' | 'reject' | 'crash' | 'omit' | undefined;
}

const XMLNS: Assignment = ['@xmlns:qemu', 'http://libvirt.org/schemas/domain/qemu/1.0'];
const DEVICE = 'qemu:override/qemu:device';
const PROPERTY = 'qemu:frontend/qemu:property';
type Value = string | number | boolean;

/** A value of an environment variable, which may be empty. */
const ENV_VALUE: Field<string> = {
  paths: ['@value'],
  schema: { type: 'string' },
  encode(value, where) {
    if (typeof value !== 'string') throw specInvalid(where, `${formatValue(value)} is not a text`);
    assertXmlText(value, where, 'attribute');
    return [['@value', value]];
  },
  decode: (leaves) => leaves.get('@value') ?? '',
};

/** A property with its type. */
const PROPERTY_VALUE: Field<Value> = {
  paths: ['@type', '@value'],
  schema: { type: ['string', 'integer', 'boolean'] },
  encode(value, where) {
    if (typeof value === 'boolean')
      return [
        ['@type', 'bool'],
        ['@value', String(value)],
      ];
    if (typeof value === 'number' && Number.isSafeInteger(value))
      return [
        ['@type', value < 0 ? 'signed' : 'unsigned'],
        ['@value', String(value)],
      ];
    if (typeof value !== 'string')
      throw specInvalid(where, `${formatValue(value)} is not a text, a whole number or a boolean`);
    assertXmlText(value, where, 'attribute');
    return [
      ['@type', 'string'],
      ['@value', value],
    ];
  },
  decode(leaves) {
    const value = leaves.get('@value');
    if (value === undefined) return undefined;
    const type = leaves.get('@type');
    return type === 'bool' ? value === 'true' : type === 'signed' || type === 'unsigned' ? Number(value) : value;
  },
};

const OVERRIDE: Field<NonNullable<QemuSpec['override']>> = record(
  DEVICE,
  '@alias',
  record(PROPERTY, '@name', PROPERTY_VALUE, textKey(/^[\w.-]+$/, 'the name of a property')),
  textKey(/^ua-./, "an alias of one's own, which begins with ua-"),
);

/** `qemu:commandline`, `qemu:override`, `qemu:capabilities` and `qemu:deprecation`. */
const FIELDS = group<QemuSpec>({
  args: texts('qemu:commandline/qemu:arg', '@value'),
  env: record('qemu:commandline/qemu:env', '@name', ENV_VALUE, textKey(/^[A-Za-z_]\w*$/, 'the name of a variable')),
  override: OVERRIDE,
  capabilities: group<NonNullable<QemuSpec['capabilities']>>({
    add: texts('qemu:capabilities/qemu:add', '@capability'),
    del: texts('qemu:capabilities/qemu:del', '@capability'),
  }),
  deprecation: oneOf('qemu:deprecation/@behavior', ['allow', 'warn', 'reject', 'crash', 'omit']),
});

/** The parts in QEMU's namespace, with its declaration: without it libvirt drops all of them. */
export const qemu: Field<QemuSpec> = {
  ...FIELDS,
  encode(value, where) {
    const said = FIELDS.encode(value, where);
    return said.length > 0 ? [XMLNS, ...said] : [];
  },
};
