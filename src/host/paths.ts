import type { DomainDocument } from '../domain/index.js';
import { type Element, leaves, setAt } from '../xml/index.js';

/** Where a document names a path of the host. */
interface HostPathRow {
  /** Element below `<devices>`, `*` for any of them, or `domain` for what stands outside. */
  readonly of: string;
  /** The leaf, without the numbers of repeated elements. */
  readonly path: RegExp;
  /** `there`: the start fails without it. `made`: libvirt, QEMU or another program makes it. */
  readonly must: 'there' | 'made';
  /** How people call it. */
  readonly what: string;
}

const ROWS: readonly HostPathRow[] = [
  { of: 'domain', path: /^os\/loader$/, must: 'there', what: 'the firmware' },
  { of: 'domain', path: /^os\/nvram(\/source\/@file)?$/, must: 'made', what: 'the UEFI variables' },
  { of: 'domain', path: /^os\/nvram\/@template$/, must: 'there', what: 'the template of the UEFI variables' },
  { of: 'domain', path: /^os\/(kernel|initrd|dtb|shim)$/, must: 'there', what: 'what it boots from' },
  { of: 'domain', path: /^os\/acpi\/table$/, must: 'there', what: 'an ACPI table' },
  { of: 'disk', path: /^(backingStore\/)*source\/@(file|dev|dir)$/, must: 'there', what: 'the image' },
  { of: 'disk', path: /^(backingStore\/)*source\/(dataStore\/source\/@(file|dev))$/, must: 'there', what: 'the image' },
  { of: 'filesystem', path: /^source\/@(file|dev|dir)$/, must: 'there', what: 'the source' },
  { of: 'filesystem', path: /^binary\/@path$/, must: 'there', what: 'virtiofsd' },
  { of: 'filesystem', path: /^source\/@socket$/, must: 'made', what: 'the socket' },
  { of: 'memory', path: /^source\/path$/, must: 'there', what: 'the backing file' },
  { of: 'rng', path: /^backend$/, must: 'there', what: 'the source of entropy' },
  { of: 'tpm', path: /^backend\/source\/@path$/, must: 'made', what: 'the TPM state' },
  { of: 'tpm', path: /^backend\/device\/@path$/, must: 'there', what: 'the device' },
  { of: 'input', path: /^source\/@(dev|evdev)$/, must: 'there', what: 'the device' },
  { of: '*', path: /^rom\/@file$/, must: 'there', what: 'the ROM' },
  { of: '*', path: /^script\/@path$/, must: 'there', what: 'the script' },
  { of: '*', path: /^source\/@(path|file)$/, must: 'made', what: 'the other end' },
  { of: '*', path: /^log\/@file$/, must: 'made', what: 'the log' },
  { of: '*', path: /^(listen\/)?@socket$/, must: 'made', what: 'the socket' },
];

/** One path of the host in a document. */
export interface HostPath extends Pick<HostPathRow, 'must' | 'what'> {
  /** `domain`, or the identity of the device. */
  readonly subject: string;
  /** What a `<disk>` says of a missing source; `mandatory` without a word. */
  readonly startupPolicy: string;
  readonly value: string;
}

/** Every path of the host that a document names, but for the emulator. */
export function hostPaths({ root, devices }: DomainDocument): HostPath[] {
  const found: HostPath[] = [];
  for (const [, value, row] of pathLeaves(root, 'domain'))
    found.push({ subject: 'domain', startupPolicy: 'mandatory', value, must: row.must, what: row.what });
  for (const { element, kind, identity, leaves: all } of devices) {
    const startupPolicy = all.get('source/@startupPolicy') ?? 'mandatory';
    for (const [, value, row] of pathLeaves(element, kind.element))
      found.push({ subject: identity, startupPolicy, value, must: row.must, what: row.what });
  }
  return found;
}

/** Rewrites every path of the host in a `<domain>` that is to be rewritten, the emulator's too. */
export function mapHostPaths(domain: Element, devices: readonly Element[], map: (path: string) => string): void {
  for (const [path, value] of [...pathLeaves(domain, 'domain'), ...emulator(domain)]) setAt(domain, path, map(value));
  for (const device of devices)
    for (const [path, value] of pathLeaves(device, device.nodeName)) setAt(device, path, map(value));
}

function emulator(domain: Element): Array<readonly [string, string]> {
  return [...leaves(domain)].filter(([path]) => path === 'devices/emulator');
}

function pathLeaves(element: Element, of: string): Array<readonly [path: string, value: string, row: HostPathRow]> {
  const rows = ROWS.filter((row) => row.of === of || (row.of === '*' && of !== 'domain'));
  return [...leaves(element)].flatMap(([path, value]) => {
    const plain = path.replace(/\[\d+\]/g, '');
    const row = value.startsWith('/') ? rows.find((each) => each.path.test(plain)) : undefined;
    return row ? [[path, value, row] as const] : [];
  });
}
