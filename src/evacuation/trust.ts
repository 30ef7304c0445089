import type { DomainDocument } from '../domain/index.js';
import type { HostFinding } from '../host/index.js';
import { select, valueAt } from '../xml/index.js';

/** Where distributions keep their emulators. */
const PACKAGED = /^\/usr(\/local)?\/(s?bin|libexec|lib\/[\w/-]+)\/(qemu-system-[\w-]+|qemu-kvm|kvm)$/;

/** Devices that are the host's own: the leaf that tells, and what it may say. */
const OF_THE_HOST: Readonly<Record<string, readonly [path: string, says: RegExp]>> = {
  hostdev: ['@mode', /./],
  interface: ['@type', /^(hostdev|direct|bridge|ethernet|vdpa)$/],
  disk: ['@type', /^(block|nvme|dir|vhostvdpa)$/],
  filesystem: ['@type', /^(mount|block|file)$/],
  tpm: ['backend/@type', /^passthrough$/],
  memory: ['@model', /^nvdimm$/],
};

/**
 * What a domain of another host gets of this one beyond a machine of its own, each `warns`: a bundle is trusted as domain
 * XML is, and whoever made it chose all of this.
 */
export function trustFindings(document: DomainDocument, autostart: boolean): HostFinding[] {
  const { root, devices } = document;
  const found: HostFinding[] = devices.flatMap(({ identity, kind, leaves }) => {
    const [path, says] = OF_THE_HOST[kind.element] ?? [];
    const value =
      path === undefined ? undefined : (leaves.get(path) ?? (kind.element === 'hostdev' ? 'subsystem' : undefined));
    if (value === undefined || !says?.test(value)) return [];
    const what =
      kind.element === 'hostdev'
        ? `a device of the host (${leaves.get('@type') ?? value})`
        : `of type ${value}: it reaches into the host`;
    return [warning(identity, `it is ${what}`, 'Import it only when whoever made the bundle may have it')];
  });
  for (const element of select(root, '*'))
    if (element.namespaceURI)
      found.push(
        warning(
          'domain',
          `it has <${element.nodeName}>, which is handed to QEMU as it is`,
          'Read what it asks for before it is started',
        ),
      );
  const emulator = valueAt(root, 'devices/emulator');
  if (emulator !== undefined && !PACKAGED.test(emulator))
    found.push(
      warning(
        'emulator',
        `the host would run ${emulator} for it`,
        'See that this program is the emulator it should be',
      ),
    );
  if (autostart)
    found.push(warning('domain', 'it started with its host', "Import restores that with autostart: 'restore' only"));
  return found;
}

function warning(subject: string, problem: string, remedy: string): HostFinding {
  return { severity: 'warns', subject, problem, remedy };
}
