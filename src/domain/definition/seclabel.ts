import {
  type Assignment,
  decodeSpec,
  encodeSpec,
  type Field,
  type FieldTable,
  flag,
  itemsAt,
  nth,
  oneOf,
  schemasOf,
  text,
} from '../devices/fields.js';
import { object } from '../json-schema.js';
import { formatValue, specInvalid } from '../values.js';

/** How the host's security module treats the QEMU process. libvirt: `<seclabel>`. Fixed at define. */
export interface SeclabelSpec {
  /** `selinux`, `apparmor` or `dac`; the session daemon has none of them. */
  readonly model?: string | undefined;
  readonly type?: 'dynamic' | 'static' | 'none' | undefined;
  readonly relabel?: boolean | undefined;
  /** Of `static`. */
  readonly label?: string | undefined;
  /** Of `dynamic`: what the label is made from. */
  readonly baselabel?: string | undefined;
}

const TABLE: FieldTable<SeclabelSpec> = {
  model: text('@model'),
  type: oneOf('@type', ['dynamic', 'static', 'none']),
  relabel: flag('@relabel'),
  label: text('label'),
  baselabel: text('baselabel'),
};

const LABEL = object(schemasOf(TABLE as unknown as Record<string, Field<unknown>>));

/** `<seclabel>`: `'none'` for no confinement, one label, or one for each model. */
export const seclabel: Field<'none' | SeclabelSpec | readonly SeclabelSpec[]> = {
  paths: Object.values(TABLE as unknown as Record<string, Field<unknown>>).flatMap(({ paths }) =>
    paths.map((path) => `seclabel/${path}`),
  ),
  schema: { anyOf: [{ const: 'none', description: 'No confinement' }, LABEL, { type: 'array', items: LABEL }] },
  encode(value, where) {
    if (value === 'none') return [['seclabel/@type', 'none']];
    if (typeof value !== 'object' || value === null)
      throw specInvalid(where, `${formatValue(value)} is not a security label`, "Give 'none' or an object");
    const list = Array.isArray(value);
    return (list ? value : [value]).flatMap((each, index) =>
      encodeSpec(TABLE, each, list ? `${where}[${index}]` : where).map(
        ([leaf, said]): Assignment => [`${nth('seclabel', index)}/${leaf}`, said],
      ),
    );
  },
  decode(leaves) {
    const all = itemsAt(leaves, 'seclabel').map((item) => decodeSpec(TABLE, item));
    const [first, second] = all;
    if (!first) return undefined;
    if (second) return all;
    const bare = first.type === 'none' && (first.model === undefined || first.model === 'none');
    return bare && Object.keys(first).length <= 2 ? 'none' : first;
  },
};
