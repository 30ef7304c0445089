import { basename, dirname } from 'node:path/posix';
import { type CallOptions, type Connection, LibvirtError } from '../connection/index.js';
import { domainCapabilitiesIfAny, type HostFiles, kindOf } from '../host/index.js';
import { buildElement, type Element, removeAll, select, setAt, valueAt } from '../xml/index.js';
import type { Draft } from './additions.js';
import type { DefineFinding } from './findings.js';
import { descriptorsOf, type FirmwareDescriptor, type FirmwareWish, matching } from './firmware-descriptors.js';

/** What the resolution needs from the caller. */
export interface FirmwareOptions extends CallOptions {
  readonly files: HostFiles;
  /** Folder of the host for UEFI variables. Default: the one that libvirt uses. */
  readonly nvramDirectory: string | undefined;
  /** Secure boot where the definition says nothing of it; undefined for libvirt's own choice. */
  readonly secureBoot: false | undefined;
}

/**
 * Finds the firmware that `<os firmware='efi'>` asks for and writes it out: code, template of the variables, the path of the
 * variables by the domain's UUID. libvirt 9.0 would choose again at each start, and would name the variables by the domain's
 * name, which a rename leaves to the next domain of the old one.
 */
export async function resolveFirmware(
  connection: Connection,
  draft: Draft,
  options: FirmwareOptions,
): Promise<DefineFinding[]> {
  const { root } = draft;
  if (valueAt(root, 'os/@firmware') === 'efi' && !valueAt(root, 'os/loader')?.trim()) {
    const wish = wishOf(root, options.secureBoot);
    const found = await findFirmware(connection, root, wish, options);
    if (typeof found === 'string') {
      nameFeatures(draft, wish);
      await addNvramPath(connection, draft, options);
      const severity = found === NONE_FITS ? 'refuses' : 'warns';
      return [{ severity, subject: 'firmware', path: 'os/@firmware', problem: found, remedy: REMEDY }];
    }
    writeOut(draft, found);
  } else await addTemplate(draft, options.files);
  await addNvramPath(connection, draft, options);
  return [];
}

const NONE_FITS =
  'no descriptor of firmware on the host fits, so the domain would not start, and libvirt since 9.2 does not define it';
const REMEDY = 'Give the firmware by path: firmware: { loader, nvram: { template } }, or a way to the host’s files';

function wishOf(root: Element, otherwise: false | undefined): FirmwareWish {
  const feature = (name: string) => {
    const element = select(root, 'os/firmware/feature').find((each) => each.getAttribute('name') === name);
    return element && element.getAttribute('enabled') === 'yes';
  };
  const secureBoot = feature('secure-boot') ?? (valueAt(root, 'os/loader/@secure') === 'yes' || otherwise);
  return {
    secureBoot,
    enrolledKeys: feature('enrolled-keys') ?? (otherwise === undefined ? undefined : secureBoot),
    stateless: valueAt(root, 'os/loader/@stateless') === 'yes',
    format: valueAt(root, 'os/nvram/@format'),
    smm: valueAt(root, 'features/smm/@state'),
  };
}

/** Where libvirt is left to choose, it is told of both features: without a word it takes secure boot with Microsoft's keys. */
function nameFeatures({ root }: Draft, { secureBoot, enrolledKeys }: FirmwareWish): void {
  if (secureBoot === undefined || select(root, 'os/firmware/feature').length > 0) return;
  const word = (value: boolean | undefined) => (value ? 'yes' : 'no');
  setAt(root, 'os/firmware/feature/@enabled', word(secureBoot));
  setAt(root, 'os/firmware/feature/@name', 'secure-boot');
  setAt(root, 'os/firmware/feature[2]/@enabled', word(enrolledKeys));
  setAt(root, 'os/firmware/feature[2]/@name', 'enrolled-keys');
}

/** The template that belongs to code given by path: which one libvirt takes differs by version. */
async function addTemplate(draft: Draft, files: HostFiles): Promise<void> {
  const { root } = draft;
  const code = valueAt(root, 'os/loader')?.trim() || undefined;
  const given = ['@template', '@templateFormat'].some((name) => valueAt(root, `os/nvram/${name}`) !== undefined);
  if (code === undefined || valueAt(root, 'os/loader/@type') !== 'pflash' || given) return;
  if (valueAt(root, 'os/loader/@stateless') === 'yes' || valueAt(root, 'os/loader/@readonly') === 'no') return;
  const descriptor = (await descriptorsOf(files)).find((each) => each.code === code);
  if (descriptor?.template === undefined) return;
  writeTemplate(root, descriptor.template, draft, 'which template libvirt takes for a path differs by its version');
}

/** The descriptor that fits, or why none is known. */
async function findFirmware(
  connection: Connection,
  root: Element,
  wish: FirmwareWish,
  { files, nvramDirectory: _, secureBoot: __, ...call }: FirmwareOptions,
): Promise<FirmwareDescriptor | string> {
  const kind = kindOf(root);
  const capabilities = await domainCapabilitiesIfAny(connection, kind, call);
  if (!capabilities)
    return 'the host tells nothing of such a domain, so libvirt chooses the firmware again at each start';
  const machine = valueAt(capabilities, 'machine') ?? kind.machine ?? '';
  const arch = valueAt(capabilities, 'arch') ?? kind.arch ?? '';
  const offered = new Set(select(capabilities, 'os/loader/value').map(({ textContent }) => textContent ?? ''));
  // Descriptors of another release than the daemon's name code that it does not offer.
  const known = (await descriptorsOf(files)).filter(({ code }) => offered.has(code));
  if (known.length === 0)
    return 'the descriptors of firmware cannot be read there, so libvirt 9.0 and older choose the firmware again at each start';
  const found = matching(known, { ...wish, machine, arch });
  return found ?? NONE_FITS;
}

function writeOut(draft: Draft, { code, format, template, features, file }: FirmwareDescriptor): void {
  const { root } = draft;
  const secure = features.includes('secure-boot');
  const why = `firmware is chosen once, from ${basename(file)}: libvirt 9.0 would choose again at each start`;
  setAt(root, 'os/@firmware', undefined);
  removeAll(root, 'os/firmware');
  const stateless = valueAt(root, 'os/loader/@stateless');
  removeAll(root, 'os/loader');
  draft.add('os/loader', code, why);
  draft.add('os/loader/@readonly', 'yes', why);
  draft.add('os/loader/@type', 'pflash', why);
  if (secure) {
    draft.add('os/loader/@secure', 'yes', why);
    draft.add('features/smm/@state', 'on', 'secure boot needs system management mode');
  }
  if (format === 'qcow2') draft.add('os/loader/@format', format, why);
  if (stateless === 'yes') draft.add('os/loader/@stateless', 'yes', why);
  else if (template !== undefined) writeTemplate(root, template, draft, why);
}

/** The template, beside a path that the caller gave. */
function writeTemplate(root: Element, template: string, draft: Draft, why: string): void {
  if (valueAt(root, 'os/nvram') === undefined) setAt(root, 'os/nvram', '');
  draft.add('os/nvram/@template', template, why);
}

/** A path of the variables that no rename can lead another domain to. */
async function addNvramPath(
  connection: Connection,
  draft: Draft,
  { files: _, nvramDirectory, secureBoot: __, ...call }: FirmwareOptions,
): Promise<void> {
  const { root, document } = draft;
  const efi = valueAt(root, 'os/loader/@type') === 'pflash' || valueAt(root, 'os/@firmware') === 'efi';
  const readonly = valueAt(root, 'os/loader/@readonly') !== 'no';
  const given = valueAt(root, 'os/nvram')?.trim() || select(root, 'os/nvram/source').length > 0;
  if (!efi || !readonly || given || valueAt(root, 'os/loader/@stateless') === 'yes') return;
  const directory = nvramDirectory ?? (await libvirtsNvramDirectory(connection, root, call));
  if (directory === undefined) return;
  const why = 'by UUID: a name can be taken by another domain after a rename, which would share the variables';
  draft.add('os/nvram', `${directory}/${document.uuid}_VARS.fd`, why);
}

/**
 * The folder in which libvirt keeps the variables. No call tells it, but the command line of a domain without a path has it.
 * virConnectDomainXMLToNative, which changes nothing.
 */
async function libvirtsNvramDirectory(
  connection: Connection,
  root: Element,
  call: CallOptions,
): Promise<string | undefined> {
  const { arch, virttype, emulatorbin } = kindOf(root);
  const loader = valueAt(root, 'os/loader')?.trim() || undefined;
  const domainXml = buildElement('domain', [
    ['@type', virttype ?? 'kvm'],
    ['name', 'nvram'],
    ['memory', '65536'],
    ...(loader === undefined ? [['os/@firmware', 'efi'] as const] : []),
    ...(arch === null ? [] : [['os/type/@arch', arch] as const]),
    ['os/type/@machine', valueAt(root, 'os/type/@machine') ?? 'q35'],
    ['os/type', 'hvm'],
    ...(loader === undefined
      ? []
      : ([
          ['os/loader/@readonly', 'yes'],
          ['os/loader/@type', 'pflash'],
          ['os/loader', loader],
        ] as const)),
    ['features/acpi', ''],
    ...(emulatorbin === null ? [] : [['devices/emulator', emulatorbin] as const]),
  ]);
  try {
    const args = { nativeFormat: 'qemu-argv', domainXml, flags: 0 };
    const { nativeConfig } = await connection.call('CONNECT_DOMAIN_XML_TO_NATIVE', args, call);
    const path = /"filename":"([^"]+\/nvram_VARS\.[^"]+)"/.exec(nativeConfig)?.[1];
    return path === undefined ? undefined : dirname(path);
  } catch (error) {
    if (error instanceof LibvirtError) return undefined;
    throw error;
  }
}
