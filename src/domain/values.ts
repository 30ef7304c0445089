import { LibvirtCanonicalError } from '../errors.js';
import { meant } from '../nearest.js';

/** Units of a {@link Size}: `KiB` and the like are powers of 1024, `KB` and the like of 1000. */
export type SizeUnit = keyof typeof UNITS;

/**
 * An amount of memory or storage: `'2 GiB'`, `'512 MiB'`, `'1 GB'`, or bytes as number or bigint. A text that comes from outside is
 * one after {@link isSize} has said so.
 */
export type Size = `${number}${'' | ' '}${SizeUnit}` | number | bigint;

const UNITS = {
  B: 1n,
  KB: 1000n,
  MB: 1000n ** 2n,
  GB: 1000n ** 3n,
  TB: 1000n ** 4n,
  KiB: 1024n,
  MiB: 1024n ** 2n,
  GiB: 1024n ** 3n,
  TiB: 1024n ** 4n,
} as const satisfies Readonly<Record<string, bigint>>;

/** libvirt's spellings of `unit=`, in lower case: it does not tell upper and lower apart (virScaleInteger). */
const XML_UNITS: Readonly<Record<string, bigint>> = Object.fromEntries([
  ['b', 1n],
  ['bytes', 1n],
  ...['k', 'm', 'g', 't', 'p', 'e'].flatMap((prefix, index) => {
    const power = BigInt(index + 1);
    return [
      [prefix, 1024n ** power],
      [`${prefix}ib`, 1024n ** power],
      [`${prefix}b`, 1000n ** power],
    ] as const;
  }),
]);

/** Bytes of a {@link Size}; `SPEC_INVALID` naming `path` when it is none. */
export function bytesOf(size: Size, path: string): bigint {
  if (typeof size === 'bigint' && size >= 0n) return size;
  if (typeof size === 'number' && Number.isSafeInteger(size) && size >= 0) return BigInt(size);
  if (typeof size === 'string') {
    const match = /^\s*(\d{1,15})(?:\.(\d{1,6}))?\s*([A-Za-z]+)\s*$/.exec(size);
    const unit = match?.[3] === undefined ? undefined : (UNITS as Readonly<Record<string, bigint>>)[match[3]];
    if (match?.[1] !== undefined && unit !== undefined) {
      const fraction = match[2] ?? '';
      const [scaled, parts] = [BigInt(match[1] + fraction) * unit, 10n ** BigInt(fraction.length)];
      if (scaled % parts === 0n) return scaled / parts;
    }
  }
  throw specInvalid(path, `${formatValue(size)} is not a size`, "Give bytes or a string such as '2 GiB' or '512 MiB'");
}

/** Whether a value of unknown origin is a {@link Size}: how a text from a file or a user becomes one. */
export function isSize(value: unknown): value is Size {
  try {
    bytesOf(value as Size, '');
    return true;
  } catch {
    return false;
  }
}

/** Bytes of a number with libvirt's `unit` attribute; `fallback` is the unit that the element has without one. */
export function bytesOfXml(value: string, unit: string | undefined, fallback: string): bigint {
  const digits = value.trim();
  if (!/^\d+$/.test(digits))
    throw specInvalid('the XML', `${formatValue(value)} is not an amount`, 'Give a whole number');
  return BigInt(digits) * (XML_UNITS[(unit ?? fallback).toLowerCase()] ?? 1n);
}

/** `KiB` of a size for libvirt's memory calls; `SPEC_INVALID` when it is no whole, positive number of them. */
export function kibOf(size: Size, path: string): number {
  const bytes = bytesOf(size, path);
  if (bytes === 0n || bytes % 1024n !== 0n || bytes / 1024n > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw specInvalid(path, `${formatValue(size)} is not a positive multiple of 1 KiB`, 'libvirt counts memory in KiB');
  }
  return Number(bytes / 1024n);
}

/** `KiB` of a machine's memory. No machine has less than 1 MiB: a bare number below that was meant in another unit. */
export function memoryKibOf(size: Size, path: string): number {
  const bytes = bytesOf(size, path);
  if (typeof size === 'string' || bytes === 0n || bytes >= UNITS.MiB) return kibOf(size, path);
  throw specInvalid(
    path,
    `${size} is in bytes, ${formatBytes(bytes)}`,
    `Did you mean '${size} MiB'? Give the unit with it`,
  );
}

/** Bytes as a person reads them: `2 GiB`, `1536 MiB`, `65537 B`. */
export function formatBytes(bytes: bigint): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB'] as const) {
    const size = UNITS[unit];
    if (bytes >= size && bytes % size === 0n) return `${bytes / size} ${unit}`;
  }
  return `${bytes} B`;
}

const MAC = /^([0-9a-f]{2}):([0-9a-f]{2}:){4}[0-9a-f]{2}$/i;

/** A MAC address in libvirt's lower-case form; `SPEC_INVALID` for one that is malformed or multicast. */
export function macOf(value: unknown, path: string): string {
  const match = typeof value === 'string' ? MAC.exec(value) : null;
  if (!match || Number.parseInt(match[1] as string, 16) & 1) {
    throw specInvalid(path, `${formatValue(value)} is not a unicast MAC address`, "Give it as '52:54:00:12:34:56'");
  }
  return (value as string).toLowerCase();
}

const UUID = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

/** True for a UUID as libvirt reads one, with hyphens or without. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** A UUID in lower case with hyphens; `SPEC_INVALID` when it is none. */
export function uuidOf(value: unknown, path: string): string {
  if (typeof value !== 'string' || !UUID.test(value))
    throw specInvalid(path, `${formatValue(value)} is not a UUID`, 'Give 32 hex digits, with or without hyphens');
  const hex = value.replaceAll('-', '').toLowerCase();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The error for a value that a request must not have, at `path` of the request. */
export function specInvalid(path: string, problem: string, remedy?: string): LibvirtCanonicalError {
  return new LibvirtCanonicalError(
    'SPEC_INVALID',
    `${path}: ${problem}`,
    remedy === undefined ? { path } : { path, remedy },
  );
}

/** The error for a value that is none of some words, with the nearest of them. */
export function notOneOf(path: string, value: unknown, words: readonly string[]): LibvirtCanonicalError {
  const hint = meant(value, words).trim();
  return specInvalid(
    path,
    `${formatValue(value)} is not one of ${words.join(', ')}`,
    hint === '' ? 'Give one of these' : hint,
  );
}

/** A caller's value as a message may show it. */
export function formatValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
  if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean' || value == null)
    return String(value);
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}
