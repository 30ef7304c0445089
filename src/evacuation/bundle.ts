import {
  compareGuestAbi,
  DomainDocument,
  formatValue,
  type GuestAbi,
  guestAbi,
  specInvalid,
  uuidOf,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { meant } from '../nearest.js';

/** The form of {@link DomainBundle}. Another number is another form. */
export const BUNDLE_FORMAT_VERSION = 1;

/** Longest contents of one file in a bundle, in bytes: UEFI variables are half a megabyte, a TPM's state less. */
const LARGEST_FILE = 16 * 1024 * 1024;
/** Longest text of a bundle, in characters. */
const LARGEST_TEXT = 64 * 1024 * 1024;

/** A file in a bundle. */
export interface BundleFile {
  /** Of the UEFI variables the whole path on the host it came from; of TPM state the path below its folder. */
  readonly path: string;
  readonly base64: string;
}

/** An image that was exported beside the bundle. */
export interface BundleDisk {
  /** Identity of the first disk that needs it; an image below others may be needed by several. */
  readonly subject: string;
  /** Path on the host that it came from. */
  readonly path: string;
  /** Name of its file in the folder that it was exported to. */
  readonly file: string;
  /** Length of the file, holes included. */
  readonly bytes: number;
  /** SHA-256 of the file in hexadecimal, as `sha256sum` tells it. */
  readonly sha256: string;
  /** Path of the image below it, which its header names. */
  readonly backing?: string;
}

/** A value that the bundle leaves out. */
export interface LeftOutSecret {
  /** Identity of the device. */
  readonly subject: string;
  readonly path: string;
}

/**
 * A domain as one JSON value: all that makes its machine the same one on another host. The contents of its disks are not in it; it
 * lists the files that they were exported to, if they were. Made by `domain.export()`, read by `manager.import()`.
 */
export interface DomainBundle {
  readonly formatVersion: typeof BUNDLE_FORMAT_VERSION;
  readonly name: string;
  readonly uuid: string;
  /** ISO 8601. */
  readonly exportedAt: string;
  /** What it was exported from. */
  readonly from: { readonly libvirt: string; readonly qemu: string };
  /** The canonical document. */
  readonly document: string;
  /** Secrets in the document that were left out; undefined when they are in it. */
  readonly leftOut?: readonly LeftOutSecret[];
  /** What the guest sees: import compares what it defined with it. */
  readonly abi: GuestAbi;
  readonly autostart: boolean;
  /** The file of UEFI variables. */
  readonly nvram?: BundleFile;
  /** State of an emulated TPM, below its folder. */
  readonly tpm?: readonly BundleFile[];
  /** Images that were exported beside it; undefined when none were asked for. */
  readonly disks?: readonly BundleDisk[];
  /** What is not in the bundle though the domain has it, for people. */
  readonly notes: readonly string[];
}

const FIELDS = [
  ...['formatVersion', 'name', 'uuid', 'exportedAt', 'from', 'document', 'leftOut', 'abi', 'autostart', 'nvram', 'tpm'],
  ...['disks', 'notes'],
];

/**
 * Reads a bundle from anywhere: a value or its JSON text. `SPEC_INVALID` and `SPEC_UNKNOWN_FIELD` name the path of what is
 * wrong; `XML_…` what is wrong with the document. A bundle whose document was changed by hand no longer fits its ABI record.
 */
export function parseBundle(value: unknown): DomainBundle {
  const bundle = object(typeof value === 'string' ? json(value) : value, 'bundle', FIELDS);
  if (bundle.formatVersion !== BUNDLE_FORMAT_VERSION) {
    throw specInvalid(
      'bundle.formatVersion',
      `${formatValue(bundle.formatVersion)} is not the form that this release reads, ${BUNDLE_FORMAT_VERSION}`,
      'Read it with the release that wrote it, or export again',
    );
  }
  const from = object(bundle.from, 'bundle.from', ['libvirt', 'qemu']);
  const { nvram, tpm, leftOut, disks } = bundle;
  const parsed: DomainBundle = {
    formatVersion: BUNDLE_FORMAT_VERSION,
    name: text(bundle.name, 'bundle.name'),
    uuid: uuidOf(bundle.uuid, 'bundle.uuid'),
    exportedAt: text(bundle.exportedAt, 'bundle.exportedAt'),
    from: { libvirt: text(from.libvirt, 'bundle.from.libvirt'), qemu: text(from.qemu, 'bundle.from.qemu') },
    document: text(bundle.document, 'bundle.document'),
    abi: abiOf(bundle.abi),
    autostart: boolean(bundle.autostart, 'bundle.autostart'),
    notes: list(bundle.notes, 'bundle.notes').map((each, at) => text(each, `bundle.notes[${at}]`)),
    ...(nvram === undefined ? {} : { nvram: file(nvram, 'bundle.nvram', /^\//) }),
    ...(tpm === undefined
      ? {}
      : { tpm: list(tpm, 'bundle.tpm').map((each, at) => file(each, `bundle.tpm[${at}]`, /^\w[\w.-]*$/)) }),
    ...(disks === undefined ? {} : { disks: list(disks, 'bundle.disks').map(diskOf) }),
    ...(leftOut === undefined ? {} : { leftOut: list(leftOut, 'bundle.leftOut').map(leftOutOf) }),
  };
  fits(parsed);
  return parsed;
}

/** Holds the parts of a bundle against each other: all are of the one domain. */
function fits({ name, uuid, document: xml, abi, nvram, tpm = [], disks = [] }: DomainBundle): void {
  const document = new DomainDocument(xml);
  if (document.root.nodeName !== 'domain')
    throw specInvalid('bundle.document', `it is a <${document.root.nodeName}>, not a <domain>`);
  if (document.isLive) throw specInvalid('bundle.document', 'it is the document of a running domain', 'Export again');
  for (const [path, said, is] of [
    ['bundle.name', name, document.name],
    ['bundle.uuid', uuid, document.uuid],
  ] as const)
    if (said !== is) throw specInvalid(path, `${formatValue(said)} is not that of the document, ${formatValue(is)}`);
  if (nvram && document.value('os/nvram') !== nvram.path && document.value('os/nvram/source/@file') !== nvram.path)
    throw specInvalid('bundle.nvram.path', `${formatValue(nvram.path)} is not what the document names`);
  for (const [at, { path }] of tpm.entries())
    if (tpm.findIndex((each) => each.path === path) < at)
      throw specInvalid(`bundle.tpm[${at}].path`, `${formatValue(path)} is in it twice`);
  for (const field of ['path', 'file'] as const)
    for (const [at, each] of disks.entries())
      if (disks.findIndex((other) => other[field] === each[field]) < at)
        throw specInvalid(`bundle.disks[${at}].${field}`, `${formatValue(each[field])} is in it twice`);
  const [difference] = compareGuestAbi(abi, guestAbi(document), { volatile: 'compare' });
  if (!difference) return;
  const { subject, field, before, after } = difference;
  throw specInvalid(
    'bundle.abi',
    `${subject} ${field} is ${formatValue(before)} in the record and ${formatValue(after)} in the document`,
    'The bundle was changed by hand: export again, and change the domain by plans or abiUpgrade',
  );
}

function abiOf(value: unknown): GuestAbi {
  const abi = object(value, 'bundle.abi', ['machine', 'domain', 'devices']);
  text(abi.machine, 'bundle.abi.machine');
  texts(abi.domain, 'bundle.abi.domain');
  for (const [at, each] of list(abi.devices, 'bundle.abi.devices').entries()) {
    const where = `bundle.abi.devices[${at}]`;
    const device = object(each, where, ['identity', 'kind', 'name', 'address', 'bootOrder', 'fields']);
    for (const field of ['identity', 'kind', 'name'] as const) text(device[field], `${where}.${field}`);
    if (device.address !== undefined) text(device.address, `${where}.address`);
    if (device.bootOrder !== undefined && !Number.isSafeInteger(device.bootOrder))
      throw specInvalid(`${where}.bootOrder`, `${formatValue(device.bootOrder)} is not a whole number`);
    texts(device.fields, `${where}.fields`);
  }
  return value as GuestAbi;
}

function leftOutOf(value: unknown, at: number): LeftOutSecret {
  const where = `bundle.leftOut[${at}]`;
  const { subject, path } = object(value, where, ['subject', 'path']);
  return { subject: text(subject, `${where}.subject`), path: text(path, `${where}.path`) };
}

function diskOf(value: unknown, at: number): BundleDisk {
  const where = `bundle.disks[${at}]`;
  const disk = object(value, where, ['subject', 'path', 'file', 'bytes', 'sha256', 'backing']);
  const { bytes, backing } = disk;
  const image = (field: 'path' | 'backing') => {
    const path = text(disk[field], `${where}.${field}`);
    if (isPlain(path) && path.startsWith('/') && !path.endsWith('/')) return path;
    throw specInvalid(`${where}.${field}`, `${formatValue(path)} is not the absolute path of a file`);
  };
  const file = text(disk.file, `${where}.file`);
  if (!isPlain(file) || file.includes('/'))
    throw specInvalid(`${where}.file`, `${formatValue(file)} is not the name of a file`);
  if (!Number.isSafeInteger(bytes) || (bytes as number) < 0)
    throw specInvalid(`${where}.bytes`, `${formatValue(bytes)} is not a number of bytes`);
  const sha256 = text(disk.sha256, `${where}.sha256`);
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw specInvalid(`${where}.sha256`, 'it is not a SHA-256 in hexadecimal');
  return {
    subject: text(disk.subject, `${where}.subject`),
    path: image('path'),
    file,
    bytes: bytes as number,
    sha256,
    ...(backing !== undefined && { backing: image('backing') }),
  };
}

/** A path without parts that lead elsewhere. */
const isPlain = (path: string): boolean =>
  !path.includes('\0') && path.split('/').every((part) => part !== '..' && part !== '.');

function file(value: unknown, where: string, shape: RegExp): BundleFile {
  const { path, base64 } = object(value, where, ['path', 'base64']);
  const name = text(path, `${where}.path`);
  if (!shape.test(name) || !isPlain(name))
    throw specInvalid(`${where}.path`, `${formatValue(name)} is not a path that a bundle may hold`);
  const contents = text(base64, `${where}.base64`);
  if (contents.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(contents))
    throw specInvalid(`${where}.base64`, 'it is not Base64');
  if ((contents.length / 4) * 3 > LARGEST_FILE)
    throw specInvalid(`${where}.base64`, `it is longer than ${LARGEST_FILE} bytes`);
  return { path: name, base64: contents };
}

function json(value: string): unknown {
  if (value.length > LARGEST_TEXT)
    throw specInvalid('bundle', `the text has ${value.length} characters, more than ${LARGEST_TEXT}`);
  try {
    return JSON.parse(value);
  } catch {
    // Without its cause: that quotes the text, which may hold a secret.
    throw new LibvirtCanonicalError('SPEC_INVALID', 'bundle: the text is no JSON', { path: 'bundle' });
  }
}

function object(value: unknown, where: string, fields: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw specInvalid(where, `${formatValue(value)} is not an object`);
  const unknown = Object.keys(value).find((field) => !fields.includes(field));
  if (unknown === undefined) return value as Record<string, unknown>;
  throw new LibvirtCanonicalError('SPEC_UNKNOWN_FIELD', `${where}.${unknown} is no field of a bundle`, {
    path: `${where}.${unknown}`,
    remedy: `${meant(unknown, fields)}There are ${fields.join(', ')}`,
  });
}

function texts(value: unknown, where: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw specInvalid(where, `${formatValue(value)} is not an object`);
  for (const [field, each] of Object.entries(value)) text(each, `${where}.${field}`);
}

function text(value: unknown, where: string): string {
  if (typeof value === 'string' && value !== '') return value;
  if (value === '' && /\.abi\.|base64$/.test(where)) return value;
  throw specInvalid(where, `${formatValue(value)} is not a text`);
}

function boolean(value: unknown, where: string): boolean {
  if (typeof value === 'boolean') return value;
  throw specInvalid(where, `${formatValue(value)} is neither true nor false`);
}

function list(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw specInvalid(where, `${formatValue(value)} is not a list`);
}
