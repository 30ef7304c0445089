import { type Documents, type DomainAccess, inDomainQueue } from '../apply/index.js';
import {
  VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC,
  VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY,
  VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA,
  VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE,
} from '../connection/index.js';
import { specInvalid } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { GuestAgent, isRefusal, isSilence, noAgent, stateError } from '../power/index.js';
import { buildElement } from '../xml/index.js';
import { withApplyClaim } from './apply-claim.js';
import { assertNotAborted } from './block-job.js';
import { assertSameSource, type CopiedDisk, diskOf, verifyImages } from './copy-disks.js';
import { type Consistency, frozenAlready, type Quiesce, wanted } from './quiesce.js';

/** Which disks go on to an image of their own, and how. */
export interface SnapshotRequest {
  /** Part of the names of files that libvirt chooses itself. */
  readonly name: string;
  /**
   * The disks to snapshot, by id or target, and the file that each writes to from now on; left out, libvirt puts it beside
   * the image, with the name of the snapshot for an extension. Disks that are not named here go on as they are.
   */
  readonly disks: Readonly<Record<string, { readonly file?: string }>>;
  /** Freeze the guest's file systems meanwhile; libvirt does it, and thaws them even if this program dies. Default `if-available`. */
  readonly quiesce?: Quiesce;
  /** Heeded until the call is sent. It is one call: the snapshot is made of all disks or of none. */
  readonly signal?: AbortSignal | undefined;
}

/** A snapshot: the images as they were, and those that the guest writes to now. */
export interface SnapshotResult {
  readonly name: string;
  readonly disks: readonly {
    /** Identity of the disk. */
    readonly disk: string;
    /** What was: nobody writes to it until it is committed to. */
    readonly base: string | undefined;
    /** What the disk is on now, a qcow2 over the base. */
    readonly file: string | undefined;
  }[];
  readonly consistency: Consistency;
}

/**
 * virDomainSnapshotCreateXML, DISK_ONLY, ATOMIC and NO_METADATA. libvirt's metadata of a snapshot is a second document of
 * the domain, which a revert would bring back; it blocks undefine, rename and migration; and the backing chain stands in
 * both documents anyway.
 */
export async function snapshot(reader: DomainAccess, request: SnapshotRequest): Promise<SnapshotResult> {
  const { name, signal } = request;
  const { handle: dom } = reader;
  return inDomainQueue(
    dom.uuid,
    async () => {
      // What cannot be is refused before anything is written.
      chosenOf(reader, await reader.documents({ signal }), request);
      assertNotAborted(`snapshot ${name} of ${dom.name}`, signal);
      return withApplyClaim(reader, { signal }, (before) => take(reader, before, request));
    },
    signal,
  );
}

/** The disks to snapshot, each with the file that it is to be on. */
function chosenOf(
  { handle: dom }: DomainAccess,
  documents: Documents,
  request: SnapshotRequest,
): { readonly disk: CopiedDisk; readonly file: string | undefined }[] {
  const chosen = Object.entries(request.disks).map(([key, { file }]) => ({ disk: diskOf(documents, key), file }));
  if (chosen.length === 0)
    throw specInvalid('disks', 'a snapshot of no disk', 'Name the disks, for example { root: {} }');
  for (const { disk } of chosen) assertSameSource(disk, dom.name);
  return chosen;
}

async function take(reader: DomainAccess, before: Documents, request: SnapshotRequest): Promise<SnapshotResult> {
  const { name, quiesce = 'if-available', signal } = request;
  const { connection, handle: dom } = reader;
  const asked = chosenOf(reader, before, request);
  const chosen = new Map(asked.map(({ disk, file }) => [disk.target, file]));
  const all = (before.live ?? before.canonical).devices.filter(({ kind }) => kind.element === 'disk');
  const xml_desc = buildElement('domainsnapshot', [
    ['name', name],
    ...all.flatMap(({ leaves }, index): [string, string][] => {
      const target = leaves.get('target/@dev') ?? '';
      const at = `disks/disk[${index + 1}]`;
      if (!chosen.has(target))
        return [
          [`${at}/@name`, target],
          [`${at}/@snapshot`, 'no'],
        ];
      const file = chosen.get(target);
      return [
        [`${at}/@name`, target],
        [`${at}/@snapshot`, 'external'],
        [`${at}/driver/@type`, 'qcow2'],
        ...(file === undefined ? [] : [[`${at}/source/@file`, file] as [string, string]]),
      ];
    }),
  ]);
  const flags =
    VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY | VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC | VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA;
  const call = (more: number) =>
    connection.call(
      'DOMAIN_SNAPSHOT_CREATE_XML',
      { dom, xml_desc, flags: flags | more },
      { timeout: Number.POSITIVE_INFINITY },
    );
  let frozen = before.live !== undefined && (await wanted(reader, new GuestAgent(reader), quiesce, signal));
  assertNotAborted(`snapshot ${name} of ${dom.name}`, signal);
  try {
    await call(frozen ? VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE : 0);
  } catch (error) {
    if (frozen && isRefusal(error)) throw await frozenAlready(reader, error);
    if (!frozen || !isSilence(error)) throw stateError(reader, 'be snapshot', error);
    if (quiesce === 'agent') throw noAgent(dom.name, error);
    frozen = false;
    await call(0);
  }
  const after = await reader.documents();
  const images = new Map<string, string>();
  const disks = asked.map(({ disk, file: wish }) => {
    const now = diskOf(after, disk.target);
    const file = wish ?? now.file;
    if (file === disk.file)
      throw new LibvirtCanonicalError('JOB_FAILED', `libvirt accepted it, but ${disk.identity} is still on ${file}`, {
        domain: dom.name,
        device: disk.identity,
      });
    if (file !== undefined) images.set(disk.identity, file);
    return { disk: disk.identity, base: disk.file, file };
  });
  await verifyImages(reader, before, images);
  return { name, disks, consistency: frozen ? 'filesystem' : 'crash' };
}
