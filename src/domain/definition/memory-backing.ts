import { type Field, flag, group, integer, list, oneOf, present, schemasOf, size } from '../devices/fields.js';
import { object } from '../json-schema.js';
import { formatValue, type Size, specInvalid } from '../values.js';
import { numberSet } from './forms.js';

/** How the host provides the guest's memory. libvirt: `<memoryBacking>`. All of it is fixed at define. */
export interface MemoryBackingSpec {
  /** Huge pages of the host: of its default size, or of a size, for some NUMA cells. Not in session mode. */
  readonly hugepages?: true | ReadonlyArray<{ readonly size: Size; readonly nodeset?: string | undefined }> | undefined;
  /** With `access: 'shared'` give `memfd`: without it libvirt puts the guest's memory into a file on disk. */
  readonly source?: 'anonymous' | 'file' | 'memfd' | undefined;
  /** `shared` is what virtiofs and vhost-user need, and cannot be had later. */
  readonly access?: 'shared' | 'private' | undefined;
  /** Keep it in RAM. Not in session mode. */
  readonly locked?: boolean | undefined;
  /** Keep the host from merging like pages (KSM). */
  readonly nosharepages?: boolean | undefined;
  /** Take all of it at the start, with so many threads (libvirt 8.2.0), or as the guest touches it. */
  readonly allocation?: { readonly mode: 'immediate' | 'ondemand'; readonly threads?: number | undefined } | undefined;
  /** Give it back to the host at the end without writing it. */
  readonly discard?: boolean | undefined;
  /** Is the guest's memory part of QEMU's core dump. libvirt: `<memory dumpCore=…>`. */
  readonly dumpCore?: boolean | undefined;
}

type Page = Exclude<NonNullable<MemoryBackingSpec['hugepages']>, true>[number];

function hugepages(): Field<NonNullable<MemoryBackingSpec['hugepages']>> {
  const path = 'memoryBacking/hugepages';
  const pages = list<Page>(`${path}/page`, {
    size: size('@size', { unitPath: '@unit', fallback: 'KiB' }),
    nodeset: numberSet('@nodeset', 'a set of NUMA cells'),
  });
  return {
    paths: pages.paths,
    ...(pages.items ? { items: pages.items } : {}),
    schema: {
      anyOf: [
        { const: true, description: "Pages of the host's default size" },
        { type: 'array', minItems: 1, items: object(schemasOf(pages.items ?? {}), ['size']) },
      ],
    },
    encode(value, where) {
      if (value === true) return [[path, '']];
      if (!Array.isArray(value) || value.length === 0)
        throw specInvalid(
          where,
          `${formatValue(value)} is not true or a list of pages`,
          "For example [{ size: '2 MiB' }]",
        );
      for (const [index, page] of value.entries())
        if (page?.size === undefined) throw specInvalid(`${where}[${index}].size`, 'is missing');
      return pages.encode(value, where);
    },
    decode: (leaves) => pages.decode(leaves) ?? (leaves.has(path) ? true : undefined),
  };
}

/** `<memoryBacking>`. */
export const memoryBacking: Field<MemoryBackingSpec> = group<MemoryBackingSpec>({
  hugepages: hugepages(),
  source: oneOf('memoryBacking/source/@type', ['anonymous', 'file', 'memfd']),
  access: oneOf('memoryBacking/access/@mode', ['shared', 'private']),
  locked: present('memoryBacking/locked'),
  nosharepages: present('memoryBacking/nosharepages'),
  allocation: group<NonNullable<MemoryBackingSpec['allocation']>>({
    mode: oneOf('memoryBacking/allocation/@mode', ['immediate', 'ondemand']),
    threads: integer('memoryBacking/allocation/@threads', { min: 1 }),
  }),
  discard: present('memoryBacking/discard'),
  dumpCore: flag('memory/@dumpCore', 'on', 'off'),
});
