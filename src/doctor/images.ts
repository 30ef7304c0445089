import type { DomainAccess } from '../apply/index.js';
import { type CallOptions, LibvirtError } from '../connection/index.js';
import type { Device, DomainDocument } from '../domain/index.js';
import { type Found, found } from './finding.js';

/** Formats by what their images begin with. Raw has no such sign. */
const MAGIC: ReadonlyArray<readonly [format: string, bytes: Buffer]> = [
  ['qcow2', Buffer.from('QFI\xfb', 'latin1')],
  ['qed', Buffer.from('QED\0', 'latin1')],
  ['vmdk', Buffer.from('KDMV', 'latin1')],
  ['vhdx', Buffer.from('vhdxfile', 'latin1')],
  ['luks', Buffer.from('LUKS\xba\xbe', 'latin1')],
];
const LONGEST = 8;

const disksOf = ({ devices }: DomainDocument): Device[] => devices.filter(({ kind }) => kind.element === 'disk');

/** What a disk writes to: a file, a block device, a volume of a pool, an image over the network. */
function imageOf({ leaves }: Device): string | undefined {
  const at = (name: string) => leaves.get(`source/@${name}`);
  const local = at('file') ?? at('dev') ?? at('dir');
  if (local !== undefined) return local;
  if (at('pool') !== undefined) return `${at('volume')} of pool ${at('pool')}`;
  return at('protocol') && `${at('protocol')}:${at('name')}`;
}

/**
 * Images that are written by two domains, per domain. Disks that are read-only or shareable do not count, nor does an image
 * twice in one domain.
 */
export function checkShared(documents: ReadonlyMap<string, DomainDocument>): Map<string, Found[]> {
  const users = new Map<string, Set<string>>();
  for (const [uuid, document] of documents) {
    for (const disk of disksOf(document)) {
      const image = imageOf(disk);
      if (image === undefined || disk.leaves.has('readonly') || disk.leaves.has('shareable')) continue;
      users.set(image, (users.get(image) ?? new Set()).add(uuid));
    }
  }
  const results = new Map<string, Found[]>();
  for (const [image, uuids] of users) {
    if (uuids.size < 2) continue;
    for (const uuid of uuids) {
      const others = [...uuids].filter((each) => each !== uuid).map((each) => documents.get(each)?.name ?? each);
      const here = found(
        'disk-shared',
        `it writes to ${image}, and so does ${others.join(', ')}`,
        'Give each an image of its own; a cluster file system needs shareable on both',
      );
      results.set(uuid, [...(results.get(uuid) ?? []), here]);
    }
  }
  return results;
}

/**
 * Disks whose format is not said. libvirt writes `raw` where nothing is said, so that a disk of format raw whose image has
 * the header of another format is one of them. virDomainBlockPeek reads the first bytes.
 */
export async function checkFormats(
  reader: DomainAccess,
  document: DomainDocument,
  options: CallOptions,
): Promise<Found[]> {
  const all = await Promise.all(
    disksOf(document).map(async (disk): Promise<Found[]> => {
      const { leaves, identity } = disk;
      const image = imageOf(disk);
      if (image === undefined || leaves.get('@type') === 'dir' || leaves.get('@type') === 'vhostuser') return [];
      const remedy = `Say it: define another domain with format, or detach the disk and attach it with its format`;
      const format = leaves.get('driver/@type');
      if (format === undefined) return [found('disk-format-unsaid', `${identity} has no format for ${image}`, remedy)];
      const real = format === 'raw' ? await peeked(reader, leaves.get('target/@dev') ?? '', options) : undefined;
      return real
        ? [found('disk-format-unsaid', `${identity} is raw in the document, and ${image} is ${real}`, remedy)]
        : [];
    }),
  );
  return all.flat();
}

/** The format that the image of a raw disk has a header of; undefined where it has none, or cannot be read. */
async function peeked(
  { connection, handle: dom }: DomainAccess,
  path: string,
  options: CallOptions,
): Promise<string | undefined> {
  try {
    const { buffer } = await connection.call(
      'DOMAIN_BLOCK_PEEK',
      { dom, path, offset: 0n, size: LONGEST, flags: 0 },
      options,
    );
    return MAGIC.find(([, bytes]) => Buffer.from(buffer).subarray(0, bytes.length).equals(bytes))?.[0];
  } catch (error) {
    if (error instanceof LibvirtError) return undefined;
    throw error;
  }
}
