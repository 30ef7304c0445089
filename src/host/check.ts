import type { CallOptions, Connection } from '../connection/index.js';
import type { DomainDocument } from '../domain/index.js';
import { type Element, select, valueAt } from '../xml/index.js';
import { checkCpu } from './cpu.js';
import { checkDevices, checkUnlisted } from './devices.js';
import { type DomainKind, domainCapabilitiesIfAny, kindOf } from './domain-capabilities.js';
import { filesOf, type HostFiles } from './files.js';
import type { HostFinding } from './finding.js';
import { checkMachine } from './machine.js';
import { hostPaths } from './paths.js';
import { checkPrograms } from './programs.js';
import { checkReferences } from './references.js';

/** Options of `domain.hostCheck` and `manager.hostCheck`. */
export interface HostCheckOptions extends CallOptions {
  /** A way to the files of the host, when it is not this machine. */
  readonly files?: HostFiles | undefined;
  /** Paths of files that are brought there before it starts, such as disks to be copied: that they are missing is no finding. */
  readonly brought?: readonly string[] | undefined;
}

const ORDER = ['blocks', 'warns', 'unknown', 'benign'] as const;

/** Whether the host of a connection can run a domain, as a list, worst first; empty when there is nothing to say. */
export async function hostCheck(
  connection: Connection,
  document: DomainDocument,
  { files: given, brought = [], ...call }: HostCheckOptions,
): Promise<HostFinding[]> {
  const files = filesOf(connection, given);
  const kind = kindOf(document.root);
  const paths = await checkPaths(document, files, new Set(brought));
  const references = await checkReferences(connection, document, call);
  const { found, usable } = await checkEmulator(connection, kind, files, call);
  const capabilities = usable && (await domainCapabilitiesIfAny(connection, usable, call));
  const machine = await checkMachine(connection, usable ?? kind, capabilities !== undefined, call);
  const rest =
    usable && capabilities
      ? [
          ...(await checkCpu(connection, document.root, usable, capabilities, call)),
          ...checkFirmware(document, capabilities),
          ...checkDevices(document, capabilities),
        ]
      : [];
  const all = [
    ...found,
    ...machine,
    ...rest,
    ...checkUnlisted(document, connection.libvirtVersion),
    ...(await checkPrograms(document, files)),
    ...paths,
    ...references,
  ];
  return ORDER.flatMap((severity) => all.filter((each) => each.severity === severity));
}

/** The emulator that the document names, or the one that the host would run instead of a missing one. */
async function checkEmulator(
  connection: Connection,
  kind: DomainKind,
  files: HostFiles,
  call: CallOptions,
): Promise<{ found: HostFinding[]; usable: DomainKind | undefined }> {
  const machineless = { ...kind, machine: null };
  if (kind.emulatorbin === null || (await domainCapabilitiesIfAny(connection, machineless, call)))
    return { found: [], usable: kind };
  const usable = { ...kind, emulatorbin: null };
  const others = await domainCapabilitiesIfAny(connection, { ...usable, machine: null }, call);
  const there = await files.look(kind.emulatorbin);
  const instead = others && valueAt(others, 'path');
  return {
    found: [
      {
        severity: 'blocks',
        subject: 'emulator',
        problem: `the host ${there === 'there' ? 'cannot run' : 'has no'} ${kind.emulatorbin}${instead ? `; it has ${instead}` : ` and no QEMU for ${kind.virttype} domains of ${kind.arch}`}`,
        remedy: instead ? 'Install it, or map the path at import' : 'Install QEMU there',
      },
    ],
    usable: others && usable,
  };
}

/** Firmware that libvirt is to choose by its word; a path is looked at with the other paths. */
function checkFirmware({ root }: DomainDocument, capabilities: Element): HostFinding[] {
  const wanted = valueAt(root, 'os/@firmware');
  const [list] = select(capabilities, 'os/enum[@name="firmware"]');
  if (wanted === undefined || !list || select(list, 'value').some((each) => each.textContent === wanted)) return [];
  return [
    {
      severity: 'blocks',
      subject: 'firmware',
      problem: `the host has no ${wanted} firmware for such a domain`,
      remedy: 'Install it, e.g. the package ovmf',
    },
  ];
}

/** Files that the start needs, as far as they can be looked at. */
async function checkPaths(
  document: DomainDocument,
  files: HostFiles,
  brought: ReadonlySet<string>,
): Promise<HostFinding[]> {
  const found = await Promise.all(
    hostPaths(document).map(async ({ subject, value, must, what, startupPolicy }): Promise<HostFinding[]> => {
      const seen = brought.has(value) ? 'there' : await files.look(value);
      if (seen === 'there') return [];
      const about = {
        subject,
        problem: `${what}, ${value}, ${seen === 'missing' ? 'is not there' : 'could not be looked at'}`,
      };
      if (seen === 'unknown')
        return must === 'there' ? [{ ...about, severity: 'unknown', remedy: 'Look on the host itself' }] : [];
      if (what === 'the UEFI variables')
        return [
          { ...about, severity: 'warns', remedy: 'libvirt makes them anew from the template: boot entries are lost' },
        ];
      if (must === 'made') return [];
      return startupPolicy === 'mandatory'
        ? [{ ...about, severity: 'blocks', remedy: 'Bring it there, or map the path at import' }]
        : [{ ...about, severity: 'warns', remedy: `With startupPolicy ${startupPolicy} it starts without` }];
    }),
  );
  return found.flat();
}
