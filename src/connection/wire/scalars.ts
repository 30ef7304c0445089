import { FieldError, type XdrReader, type XdrWriter } from './xdr.js';

/** Both directions of one wire type. `size` is the least number of bytes a value takes. */
export interface Codec {
  readonly size: number;
  read(reader: XdrReader): unknown;
  write(writer: XdrWriter, value: unknown): void;
}

function integer(min: number, max: number, put: (writer: XdrWriter, value: number) => void, get: Codec['read']): Codec {
  return {
    size: 4,
    read: get,
    write(writer, value) {
      if (typeof value !== 'number' || !Number.isInteger(value))
        throw new FieldError(`must be an integer, not ${kindOf(value)}`);
      if (value < min || value > max) throw new FieldError(`is ${value}, outside ${min} … ${max}`);
      put(writer, value);
    },
  };
}

function wide(min: bigint, max: bigint, get: Codec['read']): Codec {
  return {
    size: 8,
    read: get,
    write(writer, value) {
      if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) {
        throw new FieldError(`must be a bigint or a safe integer, not ${kindOf(value)}`);
      }
      const wideValue = BigInt(value as number | bigint);
      if (wideValue < min || wideValue > max) throw new FieldError(`is ${wideValue}, outside ${min} … ${max}`);
      writer.hyper(wideValue);
    },
  };
}

const int = (min: number, max: number) =>
  integer(
    min,
    max,
    (writer, value) => writer.int(value),
    (reader) => reader.int(),
  );
const uint = (max: number) =>
  integer(
    0,
    max,
    (writer, value) => writer.uint(value),
    (reader) => reader.uint(),
  );

const UUID = /^[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}$/i;

/** The types that have no parts. */
export const SCALARS: Record<string, Codec> = {
  int: int(-0x80000000, 0x7fffffff),
  uint: uint(0xffffffff),
  // JavaScript's | gives a signed number once bit 31 is set; the flags meant are the same bits.
  flags: integer(
    -0x80000000,
    0xffffffff,
    (writer, value) => writer.uint(value >>> 0),
    (reader) => reader.uint(),
  ),
  remote_auth_type: int(-0x80000000, 0x7fffffff),
  char: int(-128, 127),
  uchar: uint(0xff),
  ushort: uint(0xffff),
  hyper: wide(-(1n << 63n), (1n << 63n) - 1n, (reader) => reader.hyper()),
  uhyper: wide(0n, (1n << 64n) - 1n, (reader) => reader.uhyper()),
  double: {
    size: 8,
    read: (reader) => reader.double(),
    write(writer, value) {
      if (typeof value !== 'number') throw new FieldError(`must be a number, not ${kindOf(value)}`);
      writer.double(value);
    },
  },
  bool: {
    size: 4,
    read: (reader) => reader.int() !== 0,
    write(writer, value) {
      if (typeof value !== 'boolean') throw new FieldError(`must be a boolean, not ${kindOf(value)}`);
      writer.int(value ? 1 : 0);
    },
  },
  string: {
    size: 4,
    read: (reader) => reader.string(),
    write(writer, value) {
      if (typeof value !== 'string') throw new FieldError(`must be a string, not ${kindOf(value)}`);
      writer.string(value);
    },
  },
  uuid: {
    size: 16,
    read(reader) {
      const hex = reader.fixed(16).toString('hex');
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    },
    write(writer, value) {
      if (typeof value !== 'string' || !UUID.test(value)) throw new FieldError('is not a UUID');
      writer.fixed(Buffer.from(value.replaceAll('-', ''), 'hex'));
    },
  },
};

/** Names the kind of a value without showing it: it may be a secret. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'number' ? 'a number with a fraction or out of range' : typeof value;
}
