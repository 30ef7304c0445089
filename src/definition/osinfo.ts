import { type Addition, type DomainSpec, OS_NAMES, type OsName } from '../domain/index.js';
import type { HostFiles } from '../host/index.js';
import { child, children, type Element, parseElement, select, valueAt } from '../xml/index.js';

/** Where libosinfo looks for its database, its own copy last. */
const FOLDERS = ['/etc/osinfo', '/usr/share/osinfo'];
/** How an identifier of the database may look: `win11`, `debian12`, or its URI. */
const IDENTIFIER = /^(https?:\/\/[\w./-]+|[a-z][\w.-]*)$/;

/** What the database says of one operating system, with what it takes from those that it derives from. */
interface OsEntry {
  readonly id: string;
  readonly preset: OsName;
  /** `<firmware type='bios' supported='false'/>`. */
  readonly needsEfi: boolean;
}

/**
 * A spec whose `os` is a preset. An identifier of libosinfo's database is looked up there, on the host: it says which preset
 * fits, and whether the system boots without UEFI. The database is read as data; without it only the presets are known.
 */
export async function resolveOs(
  spec: DomainSpec,
  files: HostFiles,
): Promise<{ readonly spec: DomainSpec; readonly added: readonly Addition[] }> {
  const { os } = spec;
  if (os === undefined || typeof os !== 'string' || OS_NAMES.includes(os as OsName) || !IDENTIFIER.test(os))
    return { spec, added: [] };
  const entry = await lookUp(os, files);
  // Not an identifier of the database either: the presets refuse it, with the nearest name.
  if (!entry) return { spec, added: [] };
  const why = `osinfo-db has ${os} as ${entry.id}`;
  const added: Addition[] = [{ path: 'os', value: entry.preset, by: 'preset', why }];
  const efi = entry.needsEfi && spec.firmware === undefined && entry.preset === 'linux';
  if (efi) added.push({ path: 'firmware', value: '"efi"', by: 'preset', why: `${why}, which does not boot by BIOS` });
  return { spec: { ...spec, os: entry.preset, ...(efi ? { firmware: 'efi' as const } : {}) }, added };
}

async function lookUp(os: string, files: HostFiles): Promise<OsEntry | undefined> {
  for (const folder of FOLDERS) {
    const vendors = await files.list(`${folder}/os`).catch(() => []);
    for (const vendor of vendors) {
      const known = await files.list(`${folder}/os/${vendor}`).catch(() => []);
      for (const file of candidates(os, vendor, known)) {
        const entry = await entryOf(files, `${folder}/os`, `${vendor}/${file}`, os);
        if (entry) return entry;
      }
    }
  }
  return undefined;
}

/** Files that may hold the system: by its URI exactly one, by a short name those whose letters it begins with. */
function candidates(os: string, vendor: string, known: readonly string[]): string[] {
  const files = known.filter((name) => name.endsWith('.xml'));
  const uri = /^https?:\/\/([^/]+)\/(.+)$/.exec(os);
  if (uri) return uri[1] === vendor ? files.filter((name) => name === `${uri[2]?.replaceAll('/', '-')}.xml`) : [];
  const letters = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  return files.filter((name) => letters(name.slice(0, -4)) === letters(os));
}

async function entryOf(files: HostFiles, root: string, path: string, os: string): Promise<OsEntry | undefined> {
  const element = await osElement(files, `${root}/${path}`);
  if (!element) return undefined;
  const id = element.getAttribute('id') ?? '';
  const shortId = valueAt(element, 'short-id') ?? '';
  if (id !== os && shortId !== os) return undefined;
  return {
    id,
    preset: presetOf(element),
    needsEfi: select(element, 'firmware').some(
      (each) => each.getAttribute('type') === 'bios' && each.getAttribute('supported') === 'false',
    ),
  };
}

async function osElement(files: HostFiles, path: string): Promise<Element | undefined> {
  try {
    return child(parseElement(Buffer.from(await files.read(path)).toString('utf8')), 'os');
  } catch {
    return undefined;
  }
}

/** Windows from 10 on, by whom it is for; Linux; anything else is taken for a system that nothing is known of. */
function presetOf(element: Element): OsName {
  const family = valueAt(element, 'family');
  if (family === 'linux') return 'linux';
  if (family !== 'winnt' || Number.parseFloat(valueAt(element, 'version') ?? '0') < 10) return 'generic';
  const server = children(element, 'name').some(({ textContent }) => /Server/.test(textContent ?? ''));
  return server ? 'windows-server' : 'windows-11';
}
