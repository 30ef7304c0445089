import type { TypedParam, TypedParamValue } from '../generated/protocol-types.js';

/** Typed parameters as a plain object, for reading: field → value. */
export function paramsToObject(params: readonly TypedParam[]): Record<string, TypedParamValue['value']> {
  return Object.fromEntries(params.map(({ field, value }) => [field, value.value]));
}
