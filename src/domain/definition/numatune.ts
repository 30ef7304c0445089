import { type Field, group, oneOf } from '../devices/fields.js';
import { numberKey, numberSet, record } from './forms.js';

const MODES = ['strict', 'preferred', 'interleave', 'restrictive'] as const;

/** Which of the host's NUMA nodes memory comes from. libvirt: `<numatune>`. */
export interface NumatuneSpec {
  /** `mode` and `nodeset` can be changed later, by `set: { numatune }`. `restrictive` since libvirt 7.3.0. */
  readonly mode?: (typeof MODES)[number] | undefined;
  /** Such as `'0-1'`. */
  readonly nodeset?: string | undefined;
  /** `auto` asks numad of the host, which must run. */
  readonly placement?: 'static' | 'auto' | undefined;
  /** For single NUMA cells of the guest, by their number. Fixed at define. */
  readonly cells?:
    | Readonly<Record<number, { readonly mode: (typeof MODES)[number]; readonly nodeset: string }>>
    | undefined;
}

/** `<numatune>`. */
export const numatune: Field<NumatuneSpec> = group<NumatuneSpec>({
  mode: oneOf('numatune/memory/@mode', MODES),
  nodeset: numberSet('numatune/memory/@nodeset', 'a set of NUMA nodes'),
  placement: oneOf('numatune/memory/@placement', ['static', 'auto']),
  cells: record(
    'numatune/memnode',
    '@cellid',
    group<{ mode: (typeof MODES)[number]; nodeset: string }>({
      mode: oneOf('@mode', MODES),
      nodeset: numberSet('@nodeset', 'a set of NUMA nodes'),
    }),
    numberKey('a NUMA cell'),
  ) as Field<NonNullable<NumatuneSpec['cells']>>,
});
