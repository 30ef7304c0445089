import { join } from 'node:path';
import { applyPhaseIn, type DomainAccess } from '../apply/index.js';
import { type CallOptions, VIR_DOMAIN_XML_INACTIVE, VIR_DOMAIN_XML_SECURE } from '../connection/index.js';
import {
  DomainDocument,
  domainLeaves,
  guestAbi,
  type ObservedDomain,
  secretPaths,
  withoutBookkeeping,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { filesOf } from '../host/index.js';
import { assertNotSaved, type ProgressOptions } from '../power/index.js';
import { setAt } from '../xml/index.js';
import { BUNDLE_FORMAT_VERSION, type BundleFile, type DomainBundle, type LeftOutSecret } from './bundle.js';
import { nvramPath, packed, type StateOptions, tpmFolder } from './bundle-files.js';
import { type BundleProgress, type DisksToExport, exportDisks } from './export-disks.js';

/** Options of `export`. An abort leaves nothing behind: an export only reads. */
export interface ExportOptions extends StateOptions, Pick<ProgressOptions, 'signal'> {
  /**
   * Passwords and cookies that stand in the document: `leave-out` (default) names them in the bundle, `include` makes the
   * bundle a secret itself. Values of libvirt's secrets are never in it; the document names those.
   */
  readonly secrets?: 'include' | 'leave-out';
  /** What to do about a managed-save image, which is in no bundle: `refuse` (default), or export `without` it. */
  readonly managedSave?: 'refuse' | 'without';
  /**
   * Contents of the disks: `leave` (default) them where they are, `include` every disk that the guest writes and that is a file, or
   * those that are named, by id or target. The domain must be off. Each image, and those below it, becomes a file in `folder`;
   * disks on network storage stay where they are.
   */
  readonly disks?: 'leave' | 'include' | readonly string[];
  /** Folder of this machine that the images are written to; made when it is not there. */
  readonly folder?: string;
  /** Told how far the images are. */
  readonly onProgress?: ((progress: BundleProgress) => void) | undefined;
}

/** All that makes the domain's machine the same one on another host, with its disks when they are asked for. Nothing of it is changed. */
export async function exportDomain(reader: DomainAccess, options: ExportOptions): Promise<DomainBundle> {
  const { signal, secrets = 'leave-out', managedSave = 'refuse' } = options;
  const wanted = disksOf(options);
  const { connection, handle: dom } = reader;
  const call: CallOptions = { signal };
  const context = await reader.context(call);
  if (!context.persistent) {
    throw new LibvirtCanonicalError('DOMAIN_STATE', `domain ${dom.name} is transient: it has no canonical document`, {
      domain: dom.name,
      remedy: 'Export a persistent domain',
    });
  }
  if (managedSave === 'refuse') await assertNotSaved(reader, call);
  if (wanted && context.live)
    throw new LibvirtCanonicalError(
      'DOMAIN_STATE',
      `domain ${dom.name} runs, and its disks change while they are read`,
      {
        domain: dom.name,
        remedy: 'Shut it down first, or copy its disks by backup() or copyDisk() and export without them',
      },
    );
  const { document, leftOut } =
    secrets === 'include'
      ? { document: new DomainDocument(await withSecrets(reader, call)), leftOut: undefined }
      : withoutSecrets(context.canonical.xml);
  const notes = await notesOf(reader, context, call);
  const nvram = await readNvram(connection, document, options, notes);
  const tpm = await readTpm(connection, document, options, notes);
  // Last: they take their time, and are removed again by themselves when they fail.
  const disks =
    wanted && (await exportDisks(connection, document, { ...wanted, signal, onProgress: options.onProgress }));
  return {
    formatVersion: BUNDLE_FORMAT_VERSION,
    name: document.name,
    uuid: document.uuid,
    exportedAt: new Date().toISOString(),
    from: { libvirt: connection.libvirtVersion, qemu: connection.hypervisorVersion },
    document: document.xml,
    ...(leftOut ? { leftOut } : {}),
    abi: guestAbi(document),
    autostart: context.autostart,
    ...(nvram ? { nvram } : {}),
    ...(tpm ? { tpm } : {}),
    ...(disks ? { disks } : {}),
    notes,
  };
}

/** What is asked of the disks; undefined when they stay. */
function disksOf({ disks = 'leave', folder }: ExportOptions): Pick<DisksToExport, 'disks' | 'folder'> | undefined {
  const wrong = (path: string, problem: string, remedy: string) =>
    new LibvirtCanonicalError('ARGUMENT_INVALID', `${path}: ${problem}`, { path, remedy });
  if (disks === 'leave') {
    if (folder === undefined) return undefined;
    throw wrong('folder', 'it is of disks, and none are exported', "Ask for disks: 'include' as well");
  }
  if (folder === undefined || folder === '')
    throw wrong('folder', 'the disks need one', 'Name a folder of this machine for the files of their images');
  if (typeof disks !== 'string' && disks.length === 0)
    throw wrong('disks', 'the list is empty', "Name disks, or leave them with disks: 'leave'");
  return { disks, folder };
}

/** A read-only connection sees no secrets: libvirt's refusal, rather than a bundle that says they are in it. */
async function withSecrets({ connection, handle: dom }: DomainAccess, call: CallOptions): Promise<string> {
  const flags = VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE;
  return withoutBookkeeping((await connection.call('DOMAIN_GET_XML_DESC', { dom, flags }, call)).xml);
}

function withoutSecrets(xml: string): { document: DomainDocument; leftOut: LeftOutSecret[] } {
  const document = new DomainDocument(withoutBookkeeping(xml));
  const leftOut: LeftOutSecret[] = [];
  for (const { kind, leaves, identity, element } of document.devices) {
    for (const path of secretPaths(kind, leaves).reverse()) {
      leftOut.push({ subject: identity, path });
      setAt(element, path, undefined);
    }
  }
  for (const path of secretPaths('domain', domainLeaves(document)).reverse()) {
    leftOut.push({ subject: 'domain', path });
    // An argument without its value is none, and one out of a row makes others of the rest: they go together.
    setAt(document.root, path.replace(/(commandline)\/.*/, '$1'), undefined);
  }
  return leftOut.length === 0 ? { document, leftOut } : { document: new DomainDocument(document.toString()), leftOut };
}

/** What the domain has that no bundle holds. */
async function notesOf(
  { connection, handle: dom }: DomainAccess,
  { canonical, live, managedSave }: ObservedDomain,
  call: CallOptions,
): Promise<string[]> {
  const [snapshots, checkpoints] = await Promise.all([
    connection.call('DOMAIN_SNAPSHOT_NUM', { dom, flags: 0 }, call),
    connection.call('DOMAIN_LIST_ALL_CHECKPOINTS', { dom, need_results: 0, flags: 0 }, call),
  ]);
  return [
    ...(applyPhaseIn(canonical) === 'none'
      ? []
      : ['an apply to it was under way or interrupted: the document is of the midst of it']),
    ...(live ? ['the domain was running: this is its next boot, and its files are those of that moment'] : []),
    ...(managedSave ? ['its managed-save image stays on the host'] : []),
    ...(snapshots.num > 0 ? [`the metadata of ${snapshots.num} snapshots stays on the host`] : []),
    ...(checkpoints.ret > 0 ? [`the metadata of ${checkpoints.ret} checkpoints stays on the host`] : []),
  ];
}

async function readNvram(
  connection: DomainAccess['connection'],
  document: DomainDocument,
  options: ExportOptions,
  notes: string[],
): Promise<BundleFile | undefined> {
  const path = nvramPath(document);
  const files = filesOf(connection, options.files);
  // Before its first start a domain has a path and no file.
  if (path === undefined || (await files.look(path)) === 'missing') return undefined;
  try {
    return packed(path, await files.read(path));
  } catch (error) {
    notes.push(`its UEFI variables, ${path}, could not be read: ${(error as Error).message}`);
    return undefined;
  }
}

async function readTpm(
  connection: DomainAccess['connection'],
  document: DomainDocument,
  options: ExportOptions,
  notes: string[],
): Promise<BundleFile[] | undefined> {
  const folder = tpmFolder(connection, document, options.tpmFolder);
  const files = filesOf(connection, options.files);
  if (folder === undefined || (await files.look(folder)) === 'missing') return undefined;
  try {
    const names = (await files.list(folder)).filter((name) => !name.startsWith('.lock'));
    return await Promise.all(names.map(async (name) => packed(name, await files.read(join(folder, name)))));
  } catch (error) {
    notes.push(`the state of its TPM, in ${folder}, could not be read: ${(error as Error).message}`);
    return undefined;
  }
}
