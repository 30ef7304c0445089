import { dirname, join } from 'node:path';
import { DomainAccess, GuestAbiChangedError, sealAfter } from '../apply/index.js';
import {
  type CallOptions,
  type Connection,
  type DomainHandle,
  LibvirtError,
  VIR_DOMAIN_UNDEFINE_KEEP_NVRAM,
  VIR_DOMAIN_XML_INACTIVE,
} from '../connection/index.js';
import { assertNotAborted } from '../copies/index.js';
import {
  compareGuestAbi,
  DomainDocument,
  guestAbi,
  keepCallersMetadata,
  seenByGuest,
  specInvalid,
  unknownTo,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import {
  filesOf,
  type HostCheckOptions,
  type HostFiles,
  type HostFinding,
  hostCheck,
  mapHostPaths,
} from '../host/index.js';
import { removeImageFiles } from '../images/index.js';
import { type DomainBundle, parseBundle } from './bundle.js';
import { namedTpmFolder, nvramPath, type StateOptions, tpmFolder, unpacked } from './bundle-files.js';
import type { BundleProgress } from './export-disks.js';
import { assertNotRunningElsewhere, type ElsewhereOptions } from './find-running.js';
import { checkImages, type ImageToImport, importImages } from './import-disks.js';
import { trustFindings } from './trust.js';

/**
 * Options of `import`. An abort is heeded until the definition is sent, and leaves nothing behind; from then on the import
 * goes to its end, so that the domain is there, whole, or not at all.
 */
export interface ImportOptions extends StateOptions, ElsewhereOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * Where files are on this host: a path, or the folder above it, as the bundle has it, to what it is here. The longest that
   * fits is taken.
   */
  readonly paths?: Readonly<Record<string, string>>;
  /** What to do with a bundle that left secrets out: `refuse` (default), or import `without` them. */
  readonly leftOutSecrets?: 'refuse' | 'without';
  /**
   * Images that were exported beside the bundle: `leave` (default) them, since they are on this host by other means, or `include`
   * them, each from its file in `folder` to where the document has it, as `paths` say.
   */
  readonly disks?: 'leave' | 'include';
  /** Folder of this machine with the files of the images. */
  readonly folder?: string;
  /** Told how far the images are. */
  readonly onProgress?: ((progress: BundleProgress) => void) | undefined;
  /** Whether it starts with the host, when it did so before: `leave-off` (default), or `restore`. */
  readonly autostart?: 'restore' | 'leave-off';
  /**
   * Told once, before anything is changed, what to know of the domain on this host that does not keep it from coming: what it
   * gets of the host (devices, arguments of QEMU, an emulator of its own), that it started with its host, what is deprecated.
   * What it throws ends the import.
   */
  readonly onFindings?: (findings: readonly HostFinding[]) => void;
}

/** The host cannot have a domain. Nothing was changed. `code` is `IMPORT_REFUSED`. */
export class ImportRefusedError extends LibvirtCanonicalError {
  override readonly name = 'ImportRefusedError';
  /** All that stands in the way. */
  readonly findings: readonly HostFinding[];
  constructor(domain: string, findings: readonly HostFinding[]) {
    const all = findings.map(({ subject, problem, remedy }) => `${subject}: ${problem}. ${remedy}`).join('; ');
    super('IMPORT_REFUSED', `domain ${domain} cannot be imported here: ${all}`, { domain });
    this.findings = findings;
  }
}

/** Defines a document that another host had, once. Only `definition/` has such a function. */
export type DefineImported = (
  connection: Connection,
  document: DomainDocument,
  options: CallOptions,
) => Promise<DomainHandle>;

/** Defines a bundle's domain, once, and holds it to the bundle's guest ABI. */
export async function importDomain(
  connection: Connection,
  value: unknown,
  options: ImportOptions,
  define: DefineImported,
): Promise<DomainHandle> {
  const { signal, autostart = 'leave-off' } = options;
  const call: CallOptions = { signal };
  const bundle = parseBundle(value);
  await assertNotRunningElsewhere(bundle.uuid, options, { signal });
  const { document, files, state, images, checked, blocking } = await lookAt(connection, bundle, options, call);
  if (blocking.length > 0) throw new ImportRefusedError(bundle.name, blocking);
  options.onFindings?.(withTrust(checked, document, bundle.autostart));
  const what = `import of ${bundle.name}`;
  const written: string[] = [];
  const made: string[] = [];
  let handle: DomainHandle;
  try {
    if (images.length > 0) {
      const { folder = '', onProgress } = options;
      await importImages(connection, images, { domain: bundle.name, folder, signal, onProgress, made });
    }
    for (const [path, contents] of state) {
      assertNotAborted(what, signal, 'nothing is left of it');
      await files.write(path, contents);
      written.push(path);
    }
    assertNotAborted(what, signal, 'nothing is left of it');
    handle = await define(connection, document, {});
    await verify(connection, handle, document);
    await sealAfter(new DomainAccess(connection, handle));
  } catch (error) {
    // Whoever may have been defined needs its files.
    const stands = await isThere(connection, bundle.uuid);
    if (stands) throw error;
    for (const path of written) await files.remove(path).catch(() => {});
    await removeImageFiles(connection, made).catch(() => {});
    throw error;
  }
  if (bundle.autostart && autostart === 'restore')
    await connection.call('DOMAIN_SET_AUTOSTART', { dom: handle, autostart: 1 });
  return handle;
}

/** What an import is made of, and what would meet it on this host. Nothing is changed. */
async function lookAt(connection: Connection, bundle: DomainBundle, options: ImportOptions, call: CallOptions) {
  const document = mapped(bundle, connection.libvirtVersion, options.paths ?? {});
  const files = filesOf(connection, options.files);
  const state = stateFiles(connection, bundle, document, options);
  const images = imagesOf(bundle, options);
  const brought = images.map(({ to }) => to);
  const checked = await hostCheck(connection, document, { ...call, files: options.files, brought });
  const blocking = [
    ...(await taken(connection, document, call)),
    ...leftOut(bundle, options),
    ...(await inTheWay(state, files)),
    ...(await checkImages(connection, images, options.folder ?? '', call)),
    ...checked.filter(({ severity }) => severity === 'blocks'),
  ];
  return { document, files, state, images, checked, blocking };
}

/** The images that go along, and where they go. */
function imagesOf({ disks }: DomainBundle, options: ImportOptions): ImageToImport[] {
  const { disks: asked = 'leave', folder, paths = {} } = options;
  const wrong = (path: string, problem: string, remedy: string) =>
    new LibvirtCanonicalError('ARGUMENT_INVALID', `${path}: ${problem}`, { path, remedy });
  if (asked === 'leave') {
    if (folder === undefined) return [];
    throw wrong('folder', 'it is of disks, and none are imported', "Ask for disks: 'include' as well");
  }
  if (folder === undefined || folder === '')
    throw wrong('folder', 'the disks need one', 'Name the folder that they were exported to');
  if (!disks)
    throw wrong('disks', 'the bundle lists no images', "Export with disks: 'include', or import without them");
  const place = (path: string) => mapPath(path, paths);
  return disks.map((disk) => ({
    disk,
    to: place(disk.path),
    below: disk.backing === undefined ? undefined : place(disk.backing),
  }));
}

/** What an import of a bundle would find on this host, the worst first, without importing it. */
export async function checkImport(
  connection: Connection,
  bundle: DomainBundle,
  options: ImportOptions,
  call: CallOptions,
): Promise<HostFinding[]> {
  const { document, checked, blocking } = await lookAt(connection, bundle, options, call);
  const others = withTrust(checked, document, bundle.autostart).filter(({ severity }) => severity !== 'blocks');
  return [...blocking, ...others];
}

/** The bundle's document with this host's paths, and without what its libvirt does not list though every such machine has it. */
function mapped(bundle: DomainBundle, libvirt: string, paths: Readonly<Record<string, string>>): DomainDocument {
  for (const [from, to] of Object.entries(paths))
    if (!from.startsWith('/') || !to.startsWith('/'))
      throw specInvalid(`paths[${JSON.stringify(from)}]`, 'both must be absolute paths');
  const document = new DomainDocument(bundle.document);
  const left = unknownTo(document, libvirt).filter(({ equivalentWithout }) => equivalentWithout);
  const devices = document.devices.map(({ element }) => element);
  keepCallersMetadata(document.root, bundle.uuid);
  mapHostPaths(document.root, devices, (path) => mapPath(path, paths));
  for (const { device } of left) device.element.parentNode?.removeChild(device.element);
  return new DomainDocument(document.toString());
}

/** A path by the longest entry that is the path itself or a folder above it. */
function mapPath(path: string, paths: Readonly<Record<string, string>>): string {
  const [best] = Object.entries(paths)
    .map(([from, to]) => [from.replace(/\/+$/, ''), to.replace(/\/+$/, '')] as const)
    .filter(([from]) => path === from || path.startsWith(`${from}/`))
    .sort(([a], [b]) => b.length - a.length);
  return best ? best[1] + path.slice(best[0].length) : path;
}

/** Files of the bundle that go to this host, with their paths. */
function stateFiles(
  connection: Connection,
  bundle: DomainBundle,
  document: DomainDocument,
  options: ImportOptions,
): Array<readonly [path: string, contents: Uint8Array]> {
  const state: Array<readonly [string, Uint8Array]> = [];
  const nvram = nvramPath(document);
  if (bundle.nvram && nvram !== undefined) {
    const chosen = nvram !== bundle.nvram.path;
    // A bundle from anywhere names the path: it is to be where libvirt keeps such files, unless the caller chose it.
    if (!chosen && !/\/libvirt\/qemu\/nvram\/[^/]+$/.test(nvram))
      throw specInvalid(
        'bundle.nvram.path',
        `${nvram} is not where libvirt keeps UEFI variables`,
        'Say by paths where it goes',
      );
    state.push([nvram, unpacked(bundle.nvram)]);
  }
  const folder = tpmFolder(connection, document, options.tpmFolder);
  if (bundle.tpm && folder !== undefined && folder === namedTpmFolder(new DomainDocument(bundle.document)))
    throw specInvalid('bundle.document', `it chooses ${folder} for the state of its TPM`, 'Say by paths where it goes');
  if (folder !== undefined) for (const file of bundle.tpm ?? []) state.push([join(folder, file.path), unpacked(file)]);
  return state;
}

async function inTheWay(state: ReturnType<typeof stateFiles>, files: HostFiles): Promise<HostFinding[]> {
  const seen = await Promise.all(state.map(async ([path]) => [path, await files.look(path)] as const));
  return seen.flatMap(([path, look]): HostFinding[] =>
    look === 'missing'
      ? []
      : [
          {
            severity: 'blocks',
            subject: 'domain',
            problem: `${path} ${look === 'there' ? 'is there already' : 'cannot be looked at'}`,
            remedy:
              look === 'there'
                ? `Move it out of ${dirname(path)} when it is of no domain`
                : 'Give `files`, a way to the files of this host, or run where it is',
          },
        ],
  );
}

function leftOut({ leftOut: secrets = [] }: DomainBundle, { leftOutSecrets }: ImportOptions): HostFinding[] {
  if (leftOutSecrets === 'without') return [];
  return secrets.map(({ subject, path }) => ({
    severity: 'blocks',
    subject,
    problem: `its ${path} was left out of the bundle`,
    remedy: "Export with secrets: 'include', or import with leftOutSecrets: 'without'",
  }));
}

/** Name, UUID and MAC addresses that domains of this host have. */
async function taken(connection: Connection, document: DomainDocument, call: CallOptions): Promise<HostFinding[]> {
  const macs = new Set(macsOf(document));
  const { domains } = await connection.call('CONNECT_LIST_ALL_DOMAINS', { need_results: 1, flags: 0 }, call);
  const found: HostFinding[] = [];
  for (const dom of domains) {
    const remedy = 'It is there already, or another domain is in its place: look at both';
    for (const [what, value, is] of [
      ['UUID', document.uuid, dom.uuid],
      ['name', document.name, dom.name],
    ] as const)
      if (value === is)
        found.push({
          severity: 'blocks',
          subject: 'domain',
          problem: `its ${what} is taken by domain ${dom.name}`,
          remedy,
        });
    if (macs.size === 0) continue;
    const xml = await documentOf(connection, dom, call);
    for (const mac of xml === undefined ? [] : macsIn(xml))
      if (macs.has(mac))
        found.push({
          severity: 'blocks',
          subject: `interface ${mac}`,
          problem: `its MAC is taken by domain ${dom.name}`,
          remedy,
        });
  }
  return found;
}

async function documentOf(connection: Connection, dom: DomainHandle, call: CallOptions): Promise<string | undefined> {
  try {
    return (await connection.call('DOMAIN_GET_XML_DESC', { dom, flags: VIR_DOMAIN_XML_INACTIVE }, call)).xml;
  } catch (error) {
    if (error instanceof LibvirtError && error.errorName === 'VIR_ERR_NO_DOMAIN') return undefined;
    throw error;
  }
}

function macsOf({ devices }: DomainDocument): string[] {
  return devices.flatMap(({ kind, leaves }) =>
    kind.element === 'interface' ? (leaves.get('mac/@address')?.toLowerCase() ?? []) : [],
  );
}

/** Of a neighbour whose document no parser takes, whatever looks like one counts: it keeps no other domain from coming. */
function macsIn(xml: string): string[] {
  try {
    return macsOf(new DomainDocument(xml));
  } catch (error) {
    if (!(error instanceof LibvirtCanonicalError)) throw error;
    return [...xml.matchAll(/<mac\s[^>]*\baddress=['"]([^'"]+)/g)].map(([, mac = '']) => mac.toLowerCase());
  }
}

/** What was defined sees what the bundle says, or is undefined again: it has never run. */
async function verify(connection: Connection, dom: DomainHandle, asked: DomainDocument): Promise<void> {
  const { canonical } = await new DomainAccess(connection, dom).documents();
  const differences = seenByGuest(compareGuestAbi(guestAbi(asked), guestAbi(canonical), { volatile: 'compare' }));
  if (differences.length === 0) return;
  await connection.call('DOMAIN_UNDEFINE_FLAGS', { dom, flags: VIR_DOMAIN_UNDEFINE_KEEP_NVRAM });
  throw new GuestAbiChangedError(
    `${dom.name} would be another machine on this host and was not imported`,
    differences,
    dom.name,
  );
}

async function isThere(connection: Connection, uuid: string): Promise<boolean> {
  try {
    await connection.call('DOMAIN_LOOKUP_BY_UUID', { uuid });
    return true;
  } catch (error) {
    return !(error instanceof LibvirtError && error.errorName === 'VIR_ERR_NO_DOMAIN');
  }
}

/** What to know of a domain of another host before it runs on this one: what the host lacks, and what the domain gets of it. */
export async function checkForeign(
  connection: Connection,
  { document: xml, autostart = false }: { readonly document: string; readonly autostart?: boolean },
  options: HostCheckOptions,
): Promise<HostFinding[]> {
  const document = new DomainDocument(xml);
  return withTrust(await hostCheck(connection, document, options), document, autostart);
}

/** What blocks says enough of its subject. */
function withTrust(checked: readonly HostFinding[], document: DomainDocument, autostart: boolean): HostFinding[] {
  const blocks = (subject: string) => checked.some((each) => each.severity === 'blocks' && each.subject === subject);
  return [
    ...checked,
    ...trustFindings(document, autostart).filter(({ subject }) => subject === 'domain' || !blocks(subject)),
  ];
}
