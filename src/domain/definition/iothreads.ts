import { below, type Field, group, integer, itemsAt, nth } from '../devices/fields.js';
import { byName } from '../json-schema.js';
import type { IothreadParams } from '../settings/iothreads.js';
import { formatValue, specInvalid } from '../values.js';
import { numberKey } from './forms.js';

/** IOThreads: how many, or by id with their parameters. `set: { iothreads }` can change them later. */
export type IothreadsSpec = number | Readonly<Record<number, WithoutNull<IothreadParams>>>;
type WithoutNull<T> = { readonly [K in keyof T]?: Exclude<T[K], null | undefined> | undefined };
type Params = WithoutNull<IothreadParams>;

const PARAMS: Field<Params> = group<Params>({
  pollMaxNs: integer('poll/@max'),
  pollGrow: integer('poll/@grow'),
  pollShrink: integer('poll/@shrink'),
  threadPoolMin: integer('@thread_pool_min'),
  threadPoolMax: integer('@thread_pool_max', { min: 1 }),
});

const COUNT = integer('iothreads', { min: 1, max: 4096 });
const ID = numberKey('an IOThread', 1);

/** `<iothreads>` and `<iothreadids>`. */
export const iothreads: Field<IothreadsSpec> = {
  paths: ['iothreads', 'iothreadids/iothread/@id', ...PARAMS.paths.map((path) => `iothreadids/iothread/${path}`)],
  schema: { anyOf: [{ ...COUNT.schema, description: 'How many' }, byName(PARAMS.schema, ID.schema)] },
  encode(value, where) {
    if (typeof value === 'number') return COUNT.encode(value, where);
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw specInvalid(
        where,
        `${formatValue(value)} is not a number of IOThreads`,
        'Give a number, or an object by id',
      );
    const ids = Object.entries(value);
    return [
      ['iothreads', String(ids.length)],
      ...ids.flatMap(([id, params], index) => {
        const at = nth('iothreadids/iothread', index);
        const own = [['@id', ID.written(id, `${where}.${id}`)] as const, ...PARAMS.encode(params, `${where}.${id}`)];
        return own.map((assignment) => below(at, assignment));
      }),
    ];
  },
  decode(leaves) {
    const listed = itemsAt(leaves, 'iothreadids/iothread');
    if (listed.length === 0) {
      const count = leaves.get('iothreads');
      return count === undefined || count === '0' ? undefined : Number(count);
    }
    return Object.fromEntries(listed.map((item) => [Number(item.get('@id')), PARAMS.decode(item) ?? {}]));
  },
};

/** Threads kept for what runs on no IOThread of its own. libvirt: `<defaultiothread>`. Fixed at define. libvirt 8.5.0 */
export interface DefaultIothreadSpec {
  readonly threadPoolMin?: number | undefined;
  readonly threadPoolMax?: number | undefined;
}

/** `<defaultiothread>`. */
export const defaultiothread: Field<DefaultIothreadSpec> = group<DefaultIothreadSpec>({
  threadPoolMin: integer('defaultiothread/@thread_pool_min'),
  threadPoolMax: integer('defaultiothread/@thread_pool_max', { min: 1 }),
});
