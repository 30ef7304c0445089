import { randomBytes, randomUUID } from 'node:crypto';
import { DomainReader, sealAfter } from '../apply/index.js';
// biome-ignore lint/style/noRestrictedImports: the one place that may define; the permit is not in the connection's front file.
import { defineOnce } from '../connection/define-permit.js';
import {
  type CallOptions,
  type Connection,
  type DomainHandle,
  LibvirtError,
  VIR_DOMAIN_DEFINE_VALIDATE,
} from '../connection/index.js';
import {
  type Device,
  DomainDocument,
  type DomainSpec,
  definitionOf,
  readDevice,
  requestedDevices,
  uuidOf,
} from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { Intent, StorageRecords } from '../plan/index.js';
import { child, type Element, parseElement, serialize, setAt, valueAt } from '../xml/index.js';
import { pinHostModel } from './pin-cpu.js';

/** A name or UUID is taken on this host. `code` is `DOMAIN_EXISTS`; `existing` is the domain that has it. */
export class DomainExistsError extends LibvirtCanonicalError {
  override readonly name = 'DomainExistsError';
  readonly existing: { readonly name: string; readonly uuid: string };
  constructor(what: string, existing: DomainHandle) {
    super('DOMAIN_EXISTS', `${what} is taken by domain ${existing.name} (${existing.uuid})`, {
      domain: existing.name,
      remedy: 'A domain is defined once: get it and plan a change, or choose another name and UUID',
    });
    this.existing = { name: existing.name, uuid: existing.uuid };
  }
}

/**
 * Defines a domain that does not exist, in the one define call of its life: with VALIDATE, a UUID, boot order per device,
 * room for hot-plug, and the CPU pinned. Everything is checked before that call.
 */
export async function defineDomain(
  connection: Connection,
  definition: string | DomainSpec,
  options: CallOptions,
): Promise<DomainHandle> {
  const document = definitionOf(definition, randomUUID());
  const root = document.root;
  if (root.nodeName !== 'domain')
    throw new LibvirtCanonicalError('SPEC_INVALID', `the XML is a <${root.nodeName}>, not a <domain>`, {
      remedy: 'Give domain XML',
    });
  if (document.name === '')
    throw new LibvirtCanonicalError('SPEC_INVALID', 'the domain has no name', { path: 'name', remedy: 'Give it one' });
  if (document.uuid === '') setAt(root, 'uuid', randomUUID());
  else uuidOf(document.uuid, 'uuid');
  refuseDuplicates(document);
  bootOrderPerDevice(document);
  fillMacs(document);
  rememberIntent(root, definition);
  if (typeof definition !== 'string') rememberStorage(root, definition);
  const name = document.name;
  const uuid = valueAt(root, 'uuid') as string;
  await refuseExisting(connection, name, uuid, options);
  const pin = typeof definition === 'string' || typeof definition.cpu !== 'object' || definition.cpu.pin !== 'never';
  if (pin) await pinHostModel(connection, root, options);
  const handle = await defineOnce(connection, serialize(root), uuid, VIR_DOMAIN_DEFINE_VALIDATE, options);
  // What libvirt made of the definition is known only now.
  await sealAfter(new DomainReader(connection, handle));
  return handle;
}

/**
 * Defines a domain that another host had, from its canonical document as it stands: nothing is filled in or pinned. On this
 * host it is the first definition; `DOMAIN_EXISTS` otherwise.
 */
export async function defineImported(
  connection: Connection,
  { xml, name, uuid }: DomainDocument,
  options: CallOptions,
): Promise<DomainHandle> {
  await refuseExisting(connection, name, uuid, options);
  return defineOnce(connection, xml, uuid, VIR_DOMAIN_DEFINE_VALIDATE, options, 'again');
}

/**
 * The one redefinition there is, for abiUpgrade alone: libvirt puts the document in the place of the old one at once, or
 * refuses it and keeps that.
 */
export function redefineForAbiUpgrade(
  connection: Connection,
  { xml, uuid }: DomainDocument,
  options: CallOptions,
): Promise<DomainHandle> {
  return defineOnce(connection, xml, uuid, VIR_DOMAIN_DEFINE_VALIDATE, options, 'again');
}

/** The devices that the caller asked for are remembered in the document itself, so that a later desired state can leave one out. */
function rememberIntent(root: Element, definition: string | DomainSpec): void {
  const { devices } = new DomainDocument(serialize(root));
  const named =
    typeof definition === 'string'
      ? devices
      : requestedDevices(definition).map(({ xml }) => readDevice(parseElement(xml)));
  // The ports and controllers that a spec leads to are this library's own, not the caller's.
  const asked = devices.filter(
    ({ kind, name }) => kind.element !== 'controller' || named.some((each) => each.kind === kind && each.name === name),
  );
  addMetadata(root, new Intent().after(asked, []).toDefinitionXml());
}

/** How the volumes of the disks were connected, as the spec says it. */
function rememberStorage(root: Element, { storage }: DomainSpec): void {
  if (storage === undefined) return;
  const { devices } = new DomainDocument(serialize(root));
  const disks = devices.filter(({ kind }) => kind.element === 'disk');
  const xml = new StorageRecords().with(storage, disks, 'storage').toDefinitionXml();
  if (xml !== undefined) addMetadata(root, xml);
}

function addMetadata(root: Element, xml: string): void {
  const owner = root.ownerDocument as NonNullable<Element['ownerDocument']>;
  const metadata = child(root, 'metadata') ?? root.appendChild(owner.createElement('metadata'));
  metadata.appendChild(owner.importNode(parseElement(xml), true));
}

/** Looks for a domain that stands in the way, by name and by UUID. */
async function refuseExisting(connection: Connection, name: string, uuid: string, options: CallOptions): Promise<void> {
  const [byUuid, byName] = await Promise.all([
    connection.call('DOMAIN_LOOKUP_BY_UUID', { uuid }, options).catch(nothing),
    connection.call('DOMAIN_LOOKUP_BY_NAME', { name }, options).catch(nothing),
  ]);
  if (byUuid) throw new DomainExistsError(`UUID ${uuid}`, byUuid.dom);
  if (byName) throw new DomainExistsError(`the name "${name}"`, byName.dom);
}

function nothing(error: unknown): undefined {
  if (error instanceof LibvirtError && error.errorName === 'VIR_ERR_NO_DOMAIN') return undefined;
  throw error;
}

/** libvirt takes a second NIC with the same MAC and keeps the last of two boot orders for its own error: both are refused here by name. */
function refuseDuplicates({ devices }: DomainDocument): void {
  const seen = new Map<string, Device>();
  for (const device of devices) {
    const claims: Array<[what: string, value: string | undefined]> = [
      ...Object.entries(device.kind.unique).map(([leaf, what]): [string, string | undefined] => [
        `${device.kind.element} ${what}`,
        device.leaves.get(leaf)?.toLowerCase(),
      ]),
      ['alias', device.userAlias],
      ['boot order', device.leaves.get('boot/@order')],
    ];
    for (const [what, value] of claims) {
      if (value === undefined) continue;
      const holder = seen.get(`${what} ${value}`);
      if (holder) {
        throw new LibvirtCanonicalError(
          'DEVICE_DUPLICATE',
          `${what} ${value} is used twice, by ${holder.identity} and ${device.identity}`,
          {
            device: device.identity,
            remedy: 'Give each its own',
          },
        );
      }
      seen.set(`${what} ${value}`, device);
    }
  }
}

/**
 * `<os><boot>` would shut out per-device boot order for good, and so would having none at all: what it says is written to
 * the devices it means, the first of each kind, as libvirt itself reads it.
 */
function bootOrderPerDevice(document: DomainDocument): void {
  const { root, devices } = document;
  const ordered = devices.some((device) => device.leaves.has('boot/@order'));
  const words: string[] = [];
  for (let word = valueAt(root, 'os/boot/@dev'); word !== undefined; word = valueAt(root, 'os/boot/@dev')) {
    words.push(word);
    setAt(root, 'os/boot', undefined);
  }
  if (ordered) return;
  const bootable = (word: string) =>
    devices.find(({ kind, leaves }) => {
      const device = leaves.get('@device') ?? 'disk';
      if (word === 'network') return kind.element === 'interface';
      return kind.element === 'disk' && device === { hd: 'disk', cdrom: 'cdrom', fd: 'floppy' }[word];
    });
  const wanted = [...new Set(words.length > 0 ? words : ['hd', 'cdrom', 'network'])]
    .map(bootable)
    .filter((device) => device !== undefined);
  // Without a word from the caller one order is enough to keep <os><boot> out.
  for (const [index, device] of (words.length > 0 ? wanted : wanted.slice(0, 1)).entries())
    setAt(device.element, 'boot/@order', String(index + 1));
}

/** A MAC that libvirt makes up is unique by chance only within this domain's document; ours are checked against it. */
function fillMacs({ devices }: DomainDocument): void {
  const used = new Set(devices.map((device) => device.leaves.get('mac/@address')?.toLowerCase()));
  for (const device of devices) {
    if (device.kind.element !== 'interface' || device.leaves.has('mac/@address')) continue;
    let mac: string;
    do mac = `52:54:00:${(randomBytes(3).toString('hex').match(/../g) as string[]).join(':')}`;
    while (used.has(mac));
    used.add(mac);
    setAt(device.element, 'mac/@address', mac);
  }
}
