import type { TypedParamInput } from '../connection/index.js';

type Value = string | number | bigint | readonly string[];

/** The typed parameters of a migration: never changed, since each step has its own. */
export class MigrationParams {
  readonly #all: readonly TypedParamInput[];

  constructor(all: readonly TypedParamInput[] = []) {
    this.#all = all;
  }

  /** With another value under that name, in libvirt's type for it: bigint is ullong, number is int. */
  with(field: string, value: Value | undefined): MigrationParams {
    if (value === undefined) return this;
    const others = this.#all.filter((each) => each.field !== field);
    const values = Array.isArray(value) ? (value as readonly string[]) : [value as string | number | bigint];
    return new MigrationParams([...others, ...values.map((each) => ({ field, value: typed(each) }))]);
  }

  has(field: string): boolean {
    return this.#all.some((each) => each.field === field);
  }

  list(): readonly TypedParamInput[] {
    return this.#all;
  }
}

function typed(value: string | number | bigint): TypedParamInput['value'] {
  if (typeof value === 'string') return { type: 'string', value };
  return typeof value === 'bigint' ? { type: 'ullong', value } : { type: 'int', value };
}
