/** A file of an image: a plain name, and what it holds. */
export interface IsoFile {
  readonly name: string;
  readonly contents: Uint8Array;
}

const SECTOR = 2048;
/** Sectors: sixteen of the system's own, two volume descriptors and the end of them, four path tables, two directories. */
const PRIMARY = 16;
const JOLIET = 17;
const TABLES = 19;
const DIRECTORY = { primary: 23, joliet: 24 } as const;
const FIRST_FILE = 25;
/** A fixed moment, so that the same files make the same bytes: 1 January 2000, 00:00 UTC. */
const RECORD_DATE = [100, 1, 1, 0, 0, 0, 0];
const VOLUME_DATE = '2000010100000000';
/** Longest name that Joliet has room for. */
export const LONGEST_NAME = 64;

type Encoding = 'primary' | 'joliet';

/**
 * An ISO 9660 image (ECMA-119) with one flat directory, and the Joliet names that Linux and Windows read: names of any case,
 * longer than 8.3. Files whose directory does not fit one sector are too many: some thirty.
 */
export function iso9660(label: string, files: readonly IsoFile[]): Uint8Array {
  const placed: Array<IsoFile & { sector: number; short: string }> = [];
  let next = FIRST_FILE;
  for (const [index, file] of files.entries()) {
    placed.push({ ...file, sector: next, short: shortName(file.name, index) });
    next += Math.ceil(file.contents.length / SECTOR);
  }
  const image = new Uint8Array(Math.max(next, FIRST_FILE + 1) * SECTOR);
  const put = (sector: number, bytes: Uint8Array) => image.set(bytes, sector * SECTOR);
  for (const encoding of ['primary', 'joliet'] as const) {
    put(encoding === 'primary' ? PRIMARY : JOLIET, descriptor(encoding, label, image.length / SECTOR));
    put(DIRECTORY[encoding], directory(encoding, placed));
    const table = encoding === 'primary' ? TABLES : TABLES + 2;
    put(table, pathTable(encoding, true));
    put(table + 1, pathTable(encoding, false));
  }
  put(JOLIET + 1, Uint8Array.from([255, ...ascii('CD001'), 1]));
  for (const { sector, contents } of placed) put(sector, contents);
  return image;
}

/** Primary or supplementary volume descriptor (ECMA-119 8.4 and 8.5). */
function descriptor(encoding: Encoding, label: string, sectors: number): Uint8Array {
  const bytes = new Uint8Array(SECTOR);
  const at = (offset: number, values: ArrayLike<number>) => bytes.set(values, offset);
  const padded = (offset: number, text: string, length: number) => at(offset, textField(encoding, text, length));
  at(0, [encoding === 'primary' ? 1 : 2, ...ascii('CD001'), 1]);
  padded(8, '', 32);
  padded(40, label, 32);
  at(80, both32(sectors));
  if (encoding === 'joliet') at(88, ascii('%/E'));
  at(120, both16(1));
  at(124, both16(1));
  at(128, both16(SECTOR));
  at(132, both32(PATH_TABLE_SIZE));
  const table = encoding === 'primary' ? TABLES : TABLES + 2;
  at(140, little32(table));
  at(148, big32(table + 1));
  at(156, record(encoding, '\0', DIRECTORY[encoding], SECTOR, true));
  for (const offset of [190, 318, 446, 574]) padded(offset, '', 128);
  for (const offset of [702, 739, 776]) padded(offset, '', 37);
  for (const offset of [813, 830]) at(offset, [...ascii(VOLUME_DATE), 0]);
  for (const offset of [847, 864]) at(offset, [...ascii('0000000000000000'), 0]);
  bytes[881] = 1;
  return bytes;
}

/** The one directory: itself, its parent, which it is too, and the files in the order of their names. */
function directory(
  encoding: Encoding,
  files: ReadonlyArray<IsoFile & { readonly sector: number; readonly short: string }>,
): Uint8Array {
  const own = DIRECTORY[encoding];
  const named = files.map((file) => ({ ...file, shown: encoding === 'primary' ? `${file.short};1` : file.name }));
  const records = [
    record(encoding, '\0', own, SECTOR, true),
    record(encoding, '\u0001', own, SECTOR, true),
    ...named
      .sort((a, b) => (a.shown < b.shown ? -1 : 1))
      .map(({ shown, sector, contents }) => record(encoding, shown, sector, contents.length, false)),
  ];
  const length = records.reduce((sum, each) => sum + each.length, 0);
  if (length > SECTOR) throw new RangeError(`${files.length} files do not fit the one directory of the image`);
  const bytes = new Uint8Array(SECTOR);
  let offset = 0;
  for (const each of records) {
    bytes.set(each, offset);
    offset += each.length;
  }
  return bytes;
}

/** A directory record (9.1), of even length. */
function record(encoding: Encoding, name: string, sector: number, size: number, folder: boolean): Uint8Array {
  const special = name === '\0' || name === '\u0001';
  const text = special || encoding === 'primary' ? ascii(name) : utf16(name);
  const length = 33 + text.length + ((33 + text.length) % 2);
  const bytes = new Uint8Array(length);
  bytes.set([length, 0, ...both32(sector), ...both32(size), ...RECORD_DATE, folder ? 2 : 0, 0, 0, ...both16(1)], 0);
  bytes[32] = text.length;
  bytes.set(text, 33);
  return bytes;
}

const PATH_TABLE_SIZE = 10;

/** A path table (9.4) with the root alone. */
function pathTable(encoding: Encoding, little: boolean): Uint8Array {
  const sector = DIRECTORY[encoding];
  return Uint8Array.from([1, 0, ...(little ? little32(sector) : big32(sector)), ...(little ? [1, 0] : [0, 1]), 0, 0]);
}

/** An 8.3 name for systems that read no Joliet: what is left of the name, and a number to keep it apart. */
function shortName(name: string, index: number): string {
  const [stem = '', extension = ''] = name.toUpperCase().split('.');
  const plain = (text: string, length: number) => text.replace(/[^A-Z0-9_]/g, '_').slice(0, length);
  const number = String(index);
  return `${plain(stem, 8 - number.length)}${number}.${plain(extension, 3)}`;
}

/** Text padded with spaces, in the encoding of the descriptor. */
function textField(encoding: Encoding, text: string, length: number): number[] {
  if (encoding === 'primary') return ascii(text.toUpperCase().padEnd(length, ' ').slice(0, length));
  const units = utf16(text.padEnd(length, ' ').slice(0, Math.floor(length / 2)));
  return length % 2 ? [...units, 0] : [...units];
}

const ascii = (text: string): number[] => [...text].map((character) => character.charCodeAt(0));
const utf16 = (text: string): number[] =>
  [...text].flatMap((_, i) => [text.charCodeAt(i) >> 8, text.charCodeAt(i) & 255]);
const little32 = (n: number): number[] => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255];
const big32 = (n: number): number[] => little32(n).reverse();
const both32 = (n: number): number[] => [...little32(n), ...big32(n)];
const both16 = (n: number): number[] => [n & 255, n >> 8, n >> 8, n & 255];
