import {
  type CallOptions,
  type Connection,
  LibvirtError,
  type ProcedureArgs,
  VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA,
} from '../connection/index.js';
import { assertKnownFields, bytesOf, formatValue, notOneOf, type Size, specInvalid, uuidOf } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { buildElement, parseElement, valueAt } from '../xml/index.js';
import { type ImagePlace, type Pool, withPool } from './pool.js';

type Volume = ProcedureArgs<'STORAGE_VOL_GET_PATH'>['vol'];

/** A disk image to be made: empty, a clone of another, or an overlay that keeps only what differs from its base. */
export interface ImageRequest extends ImagePlace {
  /** Name of the file, which must not be taken. */
  readonly name: string;
  /** What the guest sees. Default of a clone or overlay: that of the other image. */
  readonly size?: Size;
  /** Default `qcow2`. */
  readonly format?: 'qcow2' | 'raw';
  /** Path of the image to copy, all of it. */
  readonly clone?: string;
  /** Path of the image that this one is an overlay of, and that must not be written to from then on. */
  readonly base?: string;
  /** Format of the base. Default: as the host's pool tells it, else `qcow2` or `raw` by the end of its name. */
  readonly baseFormat?: 'qcow2' | 'raw';
  /**
   * What is taken of the host at once: nothing (`none`, default of qcow2), the tables of a qcow2 image (`metadata`), or room
   * for all of its size (`full`, default of raw). Not with `base`.
   */
  readonly preallocation?: 'none' | 'metadata' | 'full';
  /** Encrypts the image by LUKS. `secret` is the UUID of a secret of libvirt's that holds the passphrase. */
  readonly encryption?: { readonly secret: string };
}

/** An image that was made. */
export interface CreatedImage {
  readonly path: string;
  readonly format: 'qcow2' | 'raw';
  /** What the guest sees, in bytes. */
  readonly size: bigint;
}

const KEYS = [
  'pool',
  'directory',
  'name',
  'size',
  'format',
  'clone',
  'base',
  'baseFormat',
  'preallocation',
  'encryption',
];
const FORMATS = ['qcow2', 'raw'];
const PREALLOCATIONS = ['none', 'metadata', 'full'];

/** Makes a disk image through libvirt's storage driver. virStorageVolCreateXML, virStorageVolCreateXMLFrom. */
export async function createImage(
  connection: Connection,
  request: ImageRequest,
  call: CallOptions = {},
): Promise<CreatedImage> {
  const { format = 'qcow2', clone, base } = request;
  const size = checkedSize(request);
  return withPool(connection, request, call, async (pool) => {
    const other = clone ?? base;
    const source = other === undefined ? undefined : await volumeAt(connection, other, call);
    const capacity = size ?? source?.capacity;
    if (clone !== undefined && !source) throw notInPool(clone);
    if (source && size !== undefined && size < source.capacity)
      throw specInvalid(
        'size',
        `is less than the ${source.capacity} bytes of ${other}`,
        'Give as much, or leave it out',
      );
    const xml = volumeXml({ ...request, format }, capacity, source?.format);
    // Of qcow2 libvirt takes this flag for all of the image when its allocation is its size.
    const tables = format === 'qcow2' && (request.preallocation ?? 'none') !== 'none';
    const flags = tables ? VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA : 0;
    const vol = await create(connection, { pool, xml, flags }, clone === undefined ? undefined : source?.vol, call);
    const [{ name: path }, info] = await Promise.all([
      connection.call('STORAGE_VOL_GET_PATH', { vol }, call),
      connection.call('STORAGE_VOL_GET_INFO', { vol }, call),
    ]);
    return { path, format, size: info.capacity };
  });
}

/** Refuses a request that says something wrongly, and returns its size in bytes if it has one. */
function checkedSize(request: ImageRequest): bigint | undefined {
  assertKnownFields(request, KEYS, '');
  const { name, format, clone, base, size } = request;
  if (typeof name !== 'string' || !/^[^/\0\n]+$/.test(name) || name.startsWith('.'))
    throw specInvalid('name', `${formatValue(name)} is not a plain file name`);
  for (const key of ['format', 'baseFormat'] as const)
    if (request[key] !== undefined && !FORMATS.includes(request[key] as string))
      throw notOneOf(key, request[key], FORMATS);
  for (const key of ['clone', 'base'] as const)
    if (request[key] !== undefined && !/^\//.test(String(request[key])))
      throw specInvalid(key, `${formatValue(request[key])} is not an absolute path`);
  if (clone !== undefined && base !== undefined)
    throw specInvalid('base', 'does not go with clone', 'Give one of them');
  if (base !== undefined && format === 'raw')
    throw specInvalid('format', 'a raw image has no base', 'Leave format out');
  assertPreallocation(request);
  if (size !== undefined) return bytesOf(size, 'size');
  if (clone === undefined && base === undefined)
    throw specInvalid('size', 'is missing', 'An empty image has to have a size');
  return undefined;
}

function assertPreallocation({ preallocation = 'none', encryption, format, base }: ImageRequest): void {
  if (!PREALLOCATIONS.includes(preallocation)) throw notOneOf('preallocation', preallocation, PREALLOCATIONS);
  if (preallocation !== 'none' && base !== undefined)
    throw specInvalid('preallocation', 'does not go with base', 'An overlay takes room for what is written to it');
  if (preallocation === 'metadata' && format === 'raw')
    throw specInvalid('preallocation', 'a raw image has no tables', "Give 'full', or leave it out");
  if (encryption === undefined) return;
  assertKnownFields(encryption, ['secret'], 'encryption');
  uuidOf(encryption.secret, 'encryption.secret');
}

function volumeXml(request: ImageRequest, capacity: bigint | undefined, sourceFormat: string | undefined): string {
  const { name, format = 'qcow2', base, baseFormat, encryption } = request;
  const known = FORMATS.includes(sourceFormat ?? '') ? sourceFormat : undefined;
  const byName = base !== undefined && /\.(qcow2|qcow)$/.test(base) ? 'qcow2' : 'raw';
  return buildElement('volume', [
    ['name', name],
    ...(capacity === undefined ? [] : ([['capacity', String(capacity)]] as const)),
    // libvirt takes room for all of a raw image that does not say, and for what `allocation` says of a qcow2 one.
    ...allocationOf(request, capacity),
    ['target/format/@type', format],
    ...(encryption === undefined
      ? []
      : ([
          ['target/encryption/@format', 'luks'],
          ['target/encryption/secret/@type', 'passphrase'],
          ['target/encryption/secret/@uuid', encryption.secret],
        ] as const)),
    ...(base === undefined
      ? []
      : ([
          ['backingStore/path', base],
          ['backingStore/format/@type', baseFormat ?? known ?? byName],
        ] as const)),
  ]);
}

function allocationOf({ format = 'qcow2', preallocation }: ImageRequest, capacity: bigint | undefined) {
  if (preallocation === 'full' && capacity !== undefined) return [['allocation', String(capacity)]] as const;
  return format === 'raw' && preallocation === undefined ? [] : ([['allocation', '0']] as const);
}

async function create(
  connection: Connection,
  made: { readonly pool: Pool; readonly xml: string; readonly flags: number },
  clonevol: Volume | undefined,
  call: CallOptions,
): Promise<Volume> {
  // A copy takes as long as it takes: given up it would go on unseen.
  const options = { ...call, timeout: call.timeout ?? 0 };
  const { vol } = clonevol
    ? await connection.call('STORAGE_VOL_CREATE_XML_FROM', { ...made, clonevol }, options)
    : await connection.call('STORAGE_VOL_CREATE_XML', made, options);
  return vol;
}

/** An image that a pool of the host knows; undefined for one that none does. */
async function volumeAt(
  connection: Connection,
  path: string,
  call: CallOptions,
): Promise<{ vol: Volume; capacity: bigint; format: string | undefined } | undefined> {
  try {
    const { vol } = await connection.call('STORAGE_VOL_LOOKUP_BY_PATH', { path }, call);
    const [{ capacity }, { xml }] = await Promise.all([
      connection.call('STORAGE_VOL_GET_INFO', { vol }, call),
      connection.call('STORAGE_VOL_GET_XML_DESC', { vol, flags: 0 }, call),
    ]);
    return { vol, capacity, format: valueAt(parseElement(xml), 'target/format/@type') };
  } catch (error) {
    if (error instanceof LibvirtError && error.errorName === 'VIR_ERR_NO_STORAGE_VOL') return undefined;
    throw error;
  }
}

function notInPool(path: string): LibvirtCanonicalError {
  return new LibvirtCanonicalError('SPEC_INVALID', `${path} is in no storage pool of the host`, {
    path: 'clone',
    remedy: 'Put it into the folder or the pool that the clone goes to, or make an overlay of it',
  });
}
