import type { HostFiles } from '../host/index.js';

/** A firmware of the host, as one of its descriptors tells of it (QEMU's docs/interop/firmware.json). */
export interface FirmwareDescriptor {
  /** Path of the descriptor. */
  readonly file: string;
  readonly code: string;
  readonly format: string;
  /** Undefined for a firmware without variables. */
  readonly template: string | undefined;
  readonly templateFormat: string | undefined;
  readonly features: readonly string[];
  readonly targets: ReadonlyArray<{ readonly architecture: string; readonly machines: readonly string[] }>;
}

/** What a definition wants of its firmware; undefined where it leaves the choice. */
export interface FirmwareWish {
  readonly secureBoot: boolean | undefined;
  readonly enrolledKeys: boolean | undefined;
  readonly stateless: boolean;
  readonly format: string | undefined;
  /** State of system management mode in the document. */
  readonly smm: string | undefined;
}

/** Folders of descriptors, the most important first: a file hides one of the same name further down. */
const FOLDERS = ['/etc/qemu/firmware', '/usr/share/qemu/firmware'];

/** Every descriptor of flash firmware on the host, in the order in which libvirt tries them; none when they cannot be read. */
export async function descriptorsOf(files: HostFiles): Promise<FirmwareDescriptor[]> {
  const byName = new Map<string, string>();
  for (const folder of FOLDERS)
    for (const name of await files.list(folder).catch(() => []))
      if (name.endsWith('.json') && !byName.has(name)) byName.set(name, `${folder}/${name}`);
  const sorted = [...byName].sort(([a], [b]) => (a < b ? -1 : 1));
  const read = await Promise.all(sorted.map(([, file]) => descriptorAt(files, file)));
  return read.filter((each) => each !== undefined);
}

/** One descriptor; undefined for an empty file, which hides one, for what is not flash, and for what is not JSON. */
async function descriptorAt(files: HostFiles, file: string): Promise<FirmwareDescriptor | undefined> {
  try {
    const json = JSON.parse(Buffer.from(await files.read(file)).toString('utf8')) as Json;
    const { mapping } = json;
    const code = mapping?.executable?.filename;
    if (!json['interface-types']?.includes('uefi') || mapping?.device !== 'flash' || typeof code !== 'string')
      return undefined;
    const template = mapping.mode === 'stateless' ? undefined : mapping['nvram-template'];
    return {
      file,
      code,
      format: mapping.executable?.format ?? 'raw',
      template: template?.filename,
      templateFormat: template?.format,
      features: json.features ?? [],
      targets: json.targets ?? [],
    };
  } catch {
    return undefined;
  }
}

interface Json {
  readonly 'interface-types'?: readonly string[];
  readonly mapping?: {
    readonly device?: string;
    readonly mode?: string;
    readonly executable?: { readonly filename?: string; readonly format?: string };
    readonly 'nvram-template'?: { readonly filename?: string; readonly format?: string };
  };
  readonly features?: readonly string[];
  readonly targets?: FirmwareDescriptor['targets'];
}

/** The first descriptor that has what is wanted, as libvirt itself chooses (qemuFirmwareMatchDomain). */
export function matching(
  descriptors: readonly FirmwareDescriptor[],
  wish: FirmwareWish & { readonly machine: string; readonly arch: string },
): FirmwareDescriptor | undefined {
  return descriptors.find(({ features, targets, template, templateFormat }) => {
    const has = (feature: string) => features.includes(feature);
    const agrees = (wanted: boolean | undefined, feature: string) => wanted === undefined || wanted === has(feature);
    return (
      targets.some(
        ({ architecture, machines }) => architecture === wish.arch && machines.some((each) => glob(each, wish.machine)),
      ) &&
      agrees(wish.secureBoot, 'secure-boot') &&
      agrees(wish.enrolledKeys, 'enrolled-keys') &&
      wish.stateless === (template === undefined) &&
      (wish.format === undefined || wish.format === templateFormat) &&
      !(has('requires-smm') && wish.smm === 'off')
    );
  });
}

/** True when a machine fits a pattern such as `pc-q35-*`. */
function glob(pattern: string, machine: string): boolean {
  const parts = pattern.split(/([*?])/).map((part) => {
    if (part === '*') return '.*';
    return part === '?' ? '.' : part.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`).test(machine);
}
