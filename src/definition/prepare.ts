import { randomUUID } from 'node:crypto';
import type { CallOptions, Connection } from '../connection/index.js';
import {
  assemble,
  assertKnownFields,
  DomainDocument,
  type DomainSpec,
  keepCallersMetadata,
  ownElement,
  readDevice,
  requestedDevices,
  specFields,
  specInvalid,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { filesOf, type HostFiles } from '../host/index.js';
import { Intent, StorageRecords } from '../plan/index.js';
import { child, type Element, parseElement, valueAt } from '../xml/index.js';
import { Draft } from './additions.js';
import { resolveBaseline } from './baseline.js';
import { bootOrderPerDevice } from './boot-order.js';
import { type DefineFinding, documentFindings } from './findings.js';
import { resolveFirmware } from './firmware.js';
import { hostFindings } from './host-findings.js';
import { addAliases, assertNoDuplicates, ensureUuid, fillMacs } from './names.js';
import { nvramInUse } from './nvram-in-use.js';
import { resolveOs } from './osinfo.js';
import { pinHostModel } from './pin-cpu.js';
import { addRoom, type XmlHotplug } from './room.js';

/** How a domain is defined. */
export interface DefineOptions extends CallOptions {
  /** Of XML: room for what comes later, as a spec has it. Without a word XML gets what a spec gets. */
  readonly hotplug?: XmlHotplug;
  /** Of XML: `false` leaves `host-model` to libvirt, which expands it again at each start. A spec says `cpu: { pin }`. */
  readonly pinCpu?: boolean;
  /** Of XML: `false` leaves devices without an alias as they are. Default true. */
  readonly aliases?: boolean;
  /** A way to the files of the host, when it is not this machine: descriptors of firmware, and paths that are checked. */
  readonly files?: HostFiles | undefined;
  /** Folder of the host for UEFI variables. Default: the one that libvirt uses. */
  readonly nvramDirectory?: string;
  /** `allow` defines a domain in spite of findings that refuse it. Default `refuse`. */
  readonly unstartable?: 'refuse' | 'allow';
  /** Told of each finding that does not keep the domain from being defined. */
  readonly onFinding?: (finding: DefineFinding) => void;
}

const OPTIONS = [
  'signal',
  'timeout',
  'hotplug',
  'pinCpu',
  'aliases',
  'files',
  'nvramDirectory',
  'unstartable',
  'onFinding',
];
/** Options that a spec has fields for. */
const OF_XML = ['hotplug', 'pinCpu', 'aliases'] as const;

/** A definition with everything done that comes before the define call. */
export interface PreparedDefinition {
  readonly draft: Draft;
  readonly findings: readonly DefineFinding[];
}

/** Reads, completes and checks a definition; the host is asked, and nothing is changed. */
export async function prepareDefinition(
  connection: Connection,
  definition: string | DomainSpec,
  options: DefineOptions,
): Promise<PreparedDefinition> {
  assertKnownFields(options, OPTIONS, 'options');
  const { files: given } = options;
  const call = callOptionsOf(options);
  const files = filesOf(connection, given);
  const draft =
    typeof definition === 'string' ? ofXml(definition, options) : await ofSpec(connection, definition, options, files);
  assertNoDuplicates(draft.document);
  // Before the names are made up that would hide it.
  const ofDocument = documentFindings(draft.document);
  bootOrderPerDevice(draft);
  fillMacs(draft);
  if (typeof definition === 'string' && options.aliases !== false) addAliases(draft);
  const ofFirmware = await resolveFirmware(connection, draft, {
    ...call,
    files,
    nvramDirectory: options.nvramDirectory,
    secureBoot: typeof definition === 'string' ? undefined : false,
  });
  if (isPinned(definition, options)) await pinHostModel(connection, draft, call);
  keepCallersMetadata(draft.root, uuidIn(draft));
  rememberIntent(draft, definition);
  if (typeof definition !== 'string') rememberStorage(draft, definition);
  const findings = [
    ...ofDocument,
    ...ofFirmware,
    ...(await nvramInUse(connection, draft, call)),
    ...(await hostFindings(connection, draft.document.toString(), { ...call, files })),
  ];
  return { draft, findings };
}

function ofXml(xml: string, { hotplug }: DefineOptions): Draft {
  const document = new DomainDocument(xml);
  const { root } = document;
  if (root.nodeName !== 'domain')
    throw new LibvirtCanonicalError('SPEC_INVALID', `the XML is a <${root.nodeName}>, not a <domain>`, {
      remedy: 'Give domain XML',
    });
  if (document.name === '')
    throw new LibvirtCanonicalError('SPEC_INVALID', 'the domain has no name', { path: 'name', remedy: 'Give it one' });
  const draft = new Draft(document);
  ensureUuid(draft);
  addRoom(draft, hotplug);
  return draft;
}

async function ofSpec(
  connection: Connection,
  spec: DomainSpec,
  options: DefineOptions,
  files: HostFiles,
): Promise<Draft> {
  for (const option of OF_XML)
    if (options[option] !== undefined)
      throw specInvalid(`options.${option}`, 'is for XML', 'A spec has fields of its own for it: hotplug, cpu, id');
  assertKnownFields(spec, specFields(), '');
  const resolved = await resolveOs(spec, files);
  const based = await resolveBaseline(connection, resolved.spec, callOptionsOf(options));
  const { xml, added } = assemble(based.spec, randomUUID());
  const draft = new Draft(new DomainDocument(xml));
  draft.added.push(...resolved.added, ...based.added, ...added);
  return draft;
}

function isPinned(definition: string | DomainSpec, { pinCpu }: DefineOptions): boolean {
  if (typeof definition === 'string') return pinCpu !== false;
  return typeof definition.cpu !== 'object' || definition.cpu.pin !== 'never';
}

/** The devices that the caller asked for are remembered in the document itself, so that a later desired state can leave one out. */
function rememberIntent(draft: Draft, definition: string | DomainSpec): void {
  const document = new DomainDocument(draft.document.toString());
  // A definition that was a domain's before remembers more: which devices were others', and where gone ones sat.
  if (ownElement(document, 'intent')) return;
  // The ports and controllers of a spec, and what its preset adds, are this library's own, not the caller's.
  const named =
    typeof definition === 'string'
      ? new DomainDocument(definition).devices
      : requestedDevices(definition).map(({ xml }) => readDevice(parseElement(xml)));
  const asked =
    typeof definition === 'string'
      ? document.devices.filter(
          ({ kind, name }) =>
            kind.element !== 'controller' || named.some((each) => each.kind === kind && each.name === name),
        )
      : document.devices.slice(0, named.length);
  addMetadata(draft.root, Intent.ofDefinition(asked, document).toDefinitionXml(uuidIn(draft)));
}

/** How the volumes of the disks were connected, as the spec says it. */
function rememberStorage(draft: Draft, { storage }: DomainSpec): void {
  if (storage === undefined) return;
  const { devices } = new DomainDocument(draft.document.toString());
  const disks = devices.filter(({ kind }) => kind.element === 'disk');
  const xml = new StorageRecords().with(storage, disks, 'storage').toDefinitionXml();
  if (xml !== undefined) addMetadata(draft.root, xml);
}

function addMetadata(root: Element, xml: string): void {
  const owner = root.ownerDocument as NonNullable<Element['ownerDocument']>;
  const metadata = child(root, 'metadata') ?? root.appendChild(owner.createElement('metadata'));
  metadata.appendChild(owner.importNode(parseElement(xml), true));
}

/** What of the options is for each call. */
export function callOptionsOf({ signal, timeout }: DefineOptions): CallOptions {
  return { ...(signal === undefined ? {} : { signal }), ...(timeout === undefined ? {} : { timeout }) };
}

/** The UUID that a prepared definition will have. */
export function uuidIn(draft: Draft): string {
  return valueAt(draft.root, 'uuid') as string;
}
