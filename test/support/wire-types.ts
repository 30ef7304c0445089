import fc from 'fast-check';
import { EVENTS, PROCEDURES, STRUCTS, UNIONS } from '../../src/connection/generated/protocol-table.js';
import type { AnyProcedure } from '../../src/connection/procedures.js';

/** Any value of a wire type. */
function arbitrary(type: string): fc.Arbitrary<unknown> {
  const text = fc.string({ unit: 'binary', maxLength: 12 }).map((value) => value.replaceAll('\0', ''));
  const scalars: Record<string, fc.Arbitrary<unknown>> = {
    int: fc.integer(),
    uint: fc.integer({ min: 0, max: 0xffffffff }),
    flags: fc.integer({ min: 0, max: 0xffffffff }),
    remote_auth_type: fc.integer(),
    hyper: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    uhyper: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    double: fc.double({ noNaN: true }),
    bool: fc.boolean(),
    char: fc.integer({ min: -128, max: 127 }),
    uchar: fc.integer({ min: 0, max: 255 }),
    ushort: fc.integer({ min: 0, max: 65535 }),
    string: text,
    uuid: fc.uuid(),
  };
  const scalar = scalars[type];
  if (scalar) return scalar;
  if (type in STRUCTS) return structArbitrary(STRUCTS[type as keyof typeof STRUCTS]);
  if (type in UNIONS) {
    const arms = UNIONS[type as keyof typeof UNIONS].split(' ').map((row) => row.split(':'));
    return fc.oneof(
      ...arms.map(([, name, arm = '']) =>
        fc.record({ type: fc.constant(name), value: arbitrary(arm) }, { noNullPrototype: true }),
      ),
    );
  }
  const [, base = '', optional, list, fixed] = /^(\w+)(?:(\?)|<(\d+)>|\[(\d+)\])$/.exec(type) ?? [];
  const limit = Number(list ?? fixed);
  if (optional) return fc.option(arbitrary(base));
  if (base === 'opaque') {
    const maxLength = Math.min(limit, 16);
    return fc.uint8Array({ minLength: fixed ? limit : 0, maxLength: fixed ? limit : maxLength });
  }
  // A message of SASL.
  if (base === 'char' && limit === 65_536) return fc.uint8Array({ maxLength: 16 });
  if (base === 'char') return fc.string({ unit: 'grapheme-ascii', maxLength: Math.min(limit, 16) });
  return fc.array(arbitrary(base), { minLength: fixed ? limit : 0, maxLength: fixed ? limit : 4 });
}

/** Any value of a field list. */
export const structArbitrary = (fields: string): fc.Arbitrary<unknown> =>
  fc.record(
    Object.fromEntries(
      fields
        .split(' ')
        .filter(Boolean)
        .map((field) => field.split(':'))
        .map(([name = '', type = '']) => [name, arbitrary(type)]),
    ),
    { noNullPrototype: true },
  );

/** Each struct, argument list, result and event of the protocol, by name. */
export const FIELD_LISTS = new Map<string, string>();
for (const [name, fields] of Object.entries(STRUCTS)) FIELD_LISTS.set(name, fields);
for (const name of Object.keys(PROCEDURES) as AnyProcedure[]) {
  FIELD_LISTS.set(`${name} args`, PROCEDURES[name][4]);
  FIELD_LISTS.set(`${name} result`, PROCEDURES[name][5]);
}
for (const [name, row] of Object.entries(EVENTS)) FIELD_LISTS.set(`event ${name}`, row[4]);
