import { join } from 'node:path';
import { applyPhaseIn, type DomainReader } from '../apply/index.js';
import { type CallOptions, VIR_DOMAIN_XML_INACTIVE, VIR_DOMAIN_XML_SECURE } from '../connection/index.js';
import { type DomainContext, DomainDocument, guestAbi, withoutBookkeeping } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { filesOf } from '../host/index.js';
import { type ProgressOptions, refuseManagedSave } from '../power/index.js';
import { setAt, under } from '../xml/index.js';
import { BUNDLE_FORMAT_VERSION, type BundleFile, type DomainBundle, type LeftOutSecret } from './bundle.js';
import { nvramPath, packed, type StateOptions, tpmFolder } from './bundle-files.js';

/** Options of `export`. An abort leaves nothing behind: an export only reads. */
export interface ExportOptions extends StateOptions, Pick<ProgressOptions, 'signal'> {
  /**
   * Passwords and cookies that stand in the document: `leave-out` (default) names them in the bundle, `include` makes the
   * bundle a secret itself. Values of libvirt's secrets are never in it; the document names those.
   */
  readonly secrets?: 'include' | 'leave-out';
  /** What to do about a managed-save image, which is in no bundle: `refuse` (default), or export `without` it. */
  readonly managedSave?: 'refuse' | 'without';
}

/** All that makes the domain's machine the same one on another host, but for its disks. Nothing is changed. */
export async function exportDomain(reader: DomainReader, options: ExportOptions): Promise<DomainBundle> {
  const { signal, secrets = 'leave-out', managedSave = 'refuse' } = options;
  const { connection, handle: dom } = reader;
  const call: CallOptions = { signal };
  const context = await reader.context(call);
  if (!context.persistent) {
    throw new LibvirtCanonicalError('DOMAIN_STATE', `domain ${dom.name} is transient: it has no canonical document`, {
      domain: dom.name,
      remedy: 'Export a persistent domain',
    });
  }
  if (managedSave === 'refuse') await refuseManagedSave(reader, call);
  const { document, leftOut } =
    secrets === 'include'
      ? { document: new DomainDocument(await withSecrets(reader, call)), leftOut: undefined }
      : withoutSecrets(context.canonical.xml);
  const notes = await notesOf(reader, context, call);
  const nvram = await readNvram(connection, document, options, notes);
  const tpm = await readTpm(connection, document, options, notes);
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
    notes,
  };
}

/** A read-only connection sees no secrets: libvirt's refusal, rather than a bundle that says they are in it. */
async function withSecrets({ connection, handle: dom }: DomainReader, call: CallOptions): Promise<string> {
  const flags = VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE;
  return withoutBookkeeping((await connection.call('DOMAIN_GET_XML_DESC', { dom, flags }, call)).xml);
}

function withoutSecrets(xml: string): { document: DomainDocument; leftOut: LeftOutSecret[] } {
  const document = new DomainDocument(withoutBookkeeping(xml));
  const leftOut: LeftOutSecret[] = [];
  for (const { kind, leaves, identity, element } of document.devices) {
    for (const path of [...leaves.keys()].reverse()) {
      if (!kind.secret?.some((each) => under(path, each))) continue;
      leftOut.push({ subject: identity, path });
      setAt(element, path, undefined);
    }
  }
  return leftOut.length === 0 ? { document, leftOut } : { document: new DomainDocument(document.toString()), leftOut };
}

/** What the domain has that no bundle holds. */
async function notesOf(
  { connection, handle: dom }: DomainReader,
  { canonical, live, managedSave }: DomainContext,
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
  connection: DomainReader['connection'],
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
  connection: DomainReader['connection'],
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
