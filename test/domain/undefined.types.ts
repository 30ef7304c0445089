/**
 * Held by the compiler under exactOptionalPropertyTypes: a field that may be left out may be undefined, in every request and at
 * every depth, so that a caller can write `boot: isRoot ? 1 : undefined`.
 */
import type { ChangeRequest, DomainSpec, ResizeRequest } from '../../src/index.js';

type Plain = string | number | bigint | boolean | null | undefined | ((...args: never[]) => unknown);
/** The names of optional fields that do not take undefined, with the way to them. */
type Strict<T, Depth extends unknown[] = []> = Depth['length'] extends 7
  ? never
  : T extends Plain
    ? never
    : T extends ReadonlyArray<infer Item>
      ? Strict<Item, [...Depth, 0]>
      : {
          [K in keyof T & string]-?: StrictAt<T, K> | `${K}.${Strict<NonNullable<T[K]>, [...Depth, 0]> & string}`;
        }[keyof T & string];
type Nothing = Record<never, never>;
/** The name of a field, when it is optional and does not take undefined; never for the keys of a record, which are no fields. */
type StrictAt<T, K extends keyof T & string> =
  Nothing extends Record<K, 1>
    ? never
    : Nothing extends Pick<T, K>
      ? { [P in K]: undefined } extends Pick<T, K>
        ? never
        : K
      : never;

type None<T extends never> = T;
export type Held = [None<Strict<DomainSpec>>, None<Strict<ChangeRequest>>, None<Strict<ResizeRequest>>];
