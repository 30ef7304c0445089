import { STRUCTS, UNIONS } from '../generated/protocol-table.js';
import { type Codec, kindOf, SCALARS } from './scalars.js';
import { FieldError, violation } from './xdr.js';

const compiled = new Map<string, Codec>();

/** The codec of a type as the protocol facts write it: `uint`, `string?`, `opaque<2048>`, `remote_typed_param<16>` … */
export function codecOf(type: string): Codec {
  let codec = compiled.get(type);
  if (!codec) {
    codec = compile(type);
    compiled.set(type, codec);
  }
  return codec;
}

/** The codec of a field list, `name:type name:type`. */
export function structCodec(fields: string): Codec {
  const key = `{${fields}}`;
  let codec = compiled.get(key);
  if (!codec) {
    codec = struct(fields);
    compiled.set(key, codec);
  }
  return codec;
}

function compile(type: string): Codec {
  const scalar = SCALARS[type];
  if (scalar) return scalar;
  if (type in STRUCTS) return structCodec(STRUCTS[type as keyof typeof STRUCTS]);
  if (type in UNIONS) return union(UNIONS[type as keyof typeof UNIONS]);
  const [, base = '', optional, list, fixed] = /^(\w+)(?:(\?)|<(\d+)>|\[(\d+)\])$/.exec(type) ?? [];
  if (!base) throw new Error(`unknown wire type ${type}`);
  if (optional) return optionalOf(codecOf(base));
  const limit = Number(list ?? fixed);
  if (base === 'opaque') return opaque(limit, fixed !== undefined);
  if (base === 'char' && limit === SASL_MESSAGE_MAX) return charBytes(limit);
  if (base === 'char') return chars(limit, fixed !== undefined);
  return listOf(codecOf(base), limit, fixed !== undefined);
}

function optionalOf(element: Codec): Codec {
  return {
    size: 4,
    read(reader) {
      const present = reader.uint();
      if (present > 1) throw violation(`${present} where an optional value says 0 or 1`);
      return present ? element.read(reader) : null;
    },
    write(writer, value) {
      const present = value !== null && value !== undefined;
      writer.uint(present ? 1 : 0);
      if (present) element.write(writer, value);
    },
  };
}

function opaque(limit: number, fixed: boolean): Codec {
  return {
    size: fixed ? (limit + 3) & ~3 : 4,
    // Copied: a view would keep the whole received chunk alive.
    read: (reader) => new Uint8Array(reader.fixed(fixed ? limit : reader.count(limit, 1))),
    write(writer, value) {
      if (!(value instanceof Uint8Array)) throw new FieldError(`must be a Uint8Array, not ${kindOf(value)}`);
      checkLength(value.length, limit, fixed, 'bytes');
      if (!fixed) writer.uint(value.length);
      writer.fixed(value);
    },
  };
}

/** REMOTE_AUTH_SASL_DATA_MAX: an array of char with this limit is a message of SASL, which may hold any byte. */
const SASL_MESSAGE_MAX = 65_536;

/** Arrays of C's char that are not text. */
function charBytes(limit: number): Codec {
  return {
    size: 4,
    read: (reader) => Uint8Array.from({ length: reader.count(limit, 4) }, () => reader.int() & 0xff),
    write(writer, value) {
      if (!(value instanceof Uint8Array)) throw new FieldError(`must be a Uint8Array, not ${kindOf(value)}`);
      checkLength(value.length, limit, false, 'bytes');
      writer.uint(value.length);
      for (const byte of value) writer.int((byte << 24) >> 24);
    },
  };
}

/** Arrays of C's char: four bytes for each, sign-extended, a string to C and to us. */
function chars(limit: number, fixed: boolean): Codec {
  return {
    size: fixed ? limit * 4 : 4,
    read(reader) {
      const count = fixed ? limit : reader.count(limit, 4);
      const bytes = Buffer.alloc(count);
      for (let index = 0; index < count; index++) bytes[index] = reader.int() & 0xff;
      const end = bytes.indexOf(0);
      return bytes.toString('utf8', 0, end === -1 ? count : end);
    },
    write(writer, value) {
      if (typeof value !== 'string') throw new FieldError(`must be a string, not ${kindOf(value)}`);
      if (value.includes('\0')) throw new FieldError('holds a NUL character, which libvirt strings cannot');
      if (!value.isWellFormed()) throw new FieldError('holds half of a surrogate pair, which UTF-8 cannot carry');
      const bytes = Buffer.from(value, 'utf8');
      checkLength(bytes.length, limit, false, 'bytes');
      if (!fixed) writer.uint(bytes.length);
      const count = fixed ? limit : bytes.length;
      for (let index = 0; index < count; index++) writer.int(((bytes[index] ?? 0) << 24) >> 24);
    },
  };
}

function listOf(element: Codec, limit: number, fixed: boolean): Codec {
  return {
    size: fixed ? limit * element.size : 4,
    read(reader) {
      const count = fixed ? limit : reader.count(limit, element.size);
      const values: unknown[] = [];
      for (let index = 0; index < count; index++) values.push(element.read(reader));
      return values;
    },
    write(writer, value) {
      if (!Array.isArray(value)) throw new FieldError(`must be an array, not ${kindOf(value)}`);
      checkLength(value.length, limit, fixed, 'elements');
      if (!fixed) writer.uint(value.length);
      for (const [index, item] of value.entries()) within(index, () => element.write(writer, item));
    },
  };
}

function struct(fields: string): Codec {
  const members = fields
    .split(' ')
    .filter(Boolean)
    .map((field) => {
      const [name = '', type = ''] = field.split(':');
      return { name, codec: codecOf(type) };
    });
  return {
    size: members.reduce((sum, { codec }) => sum + codec.size, 0),
    read(reader) {
      const value: Record<string, unknown> = {};
      for (const { name, codec } of members) value[name] = codec.read(reader);
      return value;
    },
    write(writer, value) {
      if (typeof value !== 'object' || value === null) throw new FieldError(`must be an object, not ${kindOf(value)}`);
      for (const { name, codec } of members) {
        try {
          codec.write(writer, (value as Record<string, unknown>)[name]);
        } catch (error) {
          throw inside(name, error);
        }
      }
    },
  };
}

/** Discriminated unions: `{ type: name of the arm, value }` on our side. */
function union(rows: string): Codec {
  const arms = rows.split(' ').map((row) => {
    const [discriminant = '', name = '', type = ''] = row.split(':');
    return { discriminant: Number(discriminant), name, codec: codecOf(type) };
  });
  const byNumber = new Map(arms.map((arm) => [arm.discriminant, arm]));
  const byName = new Map(arms.map((arm) => [arm.name, arm]));
  return {
    size: 4 + Math.min(...arms.map(({ codec }) => codec.size)),
    read(reader) {
      const discriminant = reader.int();
      const arm = byNumber.get(discriminant);
      if (!arm) throw violation(`${discriminant} is no known kind of value`);
      return { type: arm.name, value: arm.codec.read(reader) };
    },
    write(writer, value) {
      const { type, value: inner } = (value ?? {}) as { type?: string; value?: unknown };
      const arm = byName.get(type ?? '');
      if (!arm) throw inside('type', new FieldError(`must be one of ${[...byName.keys()].join(', ')}`));
      writer.int(arm.discriminant);
      within('value', () => arm.codec.write(writer, inner));
    },
  };
}

function checkLength(length: number, limit: number, exact: boolean, unit: string): void {
  if (exact ? length !== limit : length > limit) {
    throw new FieldError(`has ${length} ${unit}, ${exact ? 'must have' : 'may have at most'} ${limit}`);
  }
}

function within(name: string | number, write: () => void): void {
  try {
    write();
  } catch (error) {
    throw inside(name, error);
  }
}

function inside(name: string | number, error: unknown): unknown {
  if (error instanceof FieldError) error.path.unshift(name);
  return error;
}
