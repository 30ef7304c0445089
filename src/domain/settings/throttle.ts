import type { IotuneSpec } from '../devices/disk-iotune.js';
import { formatValue, specInvalid } from '../values.js';
import { amount, count, type Form, type ParamRow } from './params.js';
import type { Values } from './sides.js';

/** Limits of throughput that one call changes; `null` removes one, what is not named stays. */
export type ThrottleLimits = {
  readonly [K in Exclude<keyof IotuneSpec, 'groupName'>]?: IotuneSpec[K] | null | undefined;
};

/** QEMU_BLOCK_IOTUNE_MAX. */
const MAX = 1_000_000_000_000_000;

/** Bursts are given in milliseconds and kept in whole seconds; one second is QEMU's default. */
const burst: Form = {
  type: 'ullong',
  schema: { type: 'integer', minimum: 1000, multipleOf: 1000, description: 'Milliseconds, in whole seconds' },
  parse(value, path) {
    if (!Number.isSafeInteger(value) || (value as number) < 1000 || (value as number) % 1000 !== 0)
      throw specInvalid(
        path,
        `${formatValue(value)} is not a time in whole seconds`,
        'Give milliseconds, for example 5000',
      );
    return String((value as number) / 1000);
  },
  value: (text) => Number(text) * 1000,
};

const SUMS = ['total', 'read', 'write'] as const;
const SORTS = [
  { word: 'bytes', key: 'BytesSec', form: amount('B', { max: MAX }) },
  { word: 'iops', key: 'IopsSec', form: count('ullong', { min: 1, max: MAX }) },
] as const;

/** The rows of {@link ThrottleLimits}: name of the parameter and of the element are one. */
export const LIMITS: Readonly<Record<keyof ThrottleLimits, ParamRow>> = Object.fromEntries([
  ...SORTS.flatMap(({ word, key, form }) =>
    SUMS.flatMap((sum) => {
      const row = (suffix: string, more: Partial<ParamRow> = {}): ParamRow => {
        const param = `${sum}_${word}_sec${suffix}`;
        return { param, path: param, form, unset: '0', none: ['0'], family: `${word}${suffix}`, ...more };
      };
      return [
        [`${sum}${key}`, row('')],
        [`${sum}${key}Max`, row('_max', { since: '1.2.11' })],
        [`${sum}${key}MaxLength`, row('_max_length', { form: burst, none: ['0', '1'], since: '2.4.0' })],
      ];
    }),
  ),
  [
    'sizeIopsSec',
    {
      param: 'size_iops_sec',
      path: 'size_iops_sec',
      form: amount('B', { max: MAX }),
      unset: '0',
      none: ['0'],
      since: '1.2.11',
    },
  ],
]);

/** Refuses limits that libvirt or QEMU would not take together; `after` is what would be. */
export function assertConsistentLimits(after: Values, path: string): void {
  for (const { key } of SORTS) {
    for (const suffix of ['', 'Max']) {
      const total = `total${key}${suffix}`;
      const part = [`read${key}${suffix}`, `write${key}${suffix}`].find((each) => after[each] !== undefined);
      if (after[total] !== undefined && part !== undefined)
        throw specInvalid(`${path}.${part}`, `${total} excludes it`, `Give ${total}: null with it`);
    }
    for (const sum of SUMS) {
      const [limit, most, length] = [`${sum}${key}`, `${sum}${key}Max`, `${sum}${key}MaxLength`];
      if (after[most] !== undefined && !(Number(after[most]) >= Number(after[limit])))
        throw specInvalid(
          `${path}.${most}`,
          `it is less than ${limit}, or that is not set`,
          `Give ${limit}, at most as much`,
        );
      if (after[length] !== undefined && after[most] === undefined)
        throw specInvalid(`${path}.${length}`, `it needs ${most}`, `Give ${most} too`);
    }
  }
}
