import { type DomainAccess, unsavedDefinition } from '../apply/index.js';
import {
  type CallOptions,
  LibvirtError,
  VIR_DOMAIN_START_AUTODESTROY,
  VIR_DOMAIN_START_PAUSED,
} from '../connection/index.js';
// biome-ignore lint/style/noRestrictedImports: the one place that may start a domain from another document; the permit is not in the connection's front file.
import { startTransient } from '../connection/transient-permit.js';
import type { DomainDocument } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { destroy } from '../power/index.js';
import { children, type Element, parseElement, select, serialize } from '../xml/index.js';

/** Errors that say something of the document, and not of the host. */
const OF_THE_DOCUMENT = [
  'VIR_ERR_CONFIG_UNSUPPORTED',
  'VIR_ERR_XML_ERROR',
  'VIR_ERR_XML_DETAIL',
  'VIR_ERR_INVALID_ARG',
];
/** Devices that libvirt would connect to the host even to write a command line down. */
const NEEDS_THE_HOST = ['interface', 'hostdev'];

/**
 * Has libvirt check a document as a start would, without starting anything: virConnectDomainXMLToNative. Throws libvirt's own
 * objection. What makes a transient start fail early, and leave its document in memory, shows here.
 */
export async function rehearse({ connection }: DomainAccess, xml: string, options: CallOptions): Promise<void> {
  const root = parseElement(xml);
  for (const name of NEEDS_THE_HOST)
    for (const device of select(root, `devices/${name}`)) device.parentNode?.removeChild(device);
  const args = { nativeFormat: 'qemu-argv', domainXml: serialize(root), flags: 0 };
  try {
    await connection.call('CONNECT_DOMAIN_XML_TO_NATIVE', args, options);
  } catch (error) {
    // What this host cannot write a command line for may start all the same.
    if (error instanceof LibvirtError && !OF_THE_DOCUMENT.includes(error.errorName ?? '')) return;
    throw error;
  }
}

/** Starts a shut-off persistent domain from another document, with its vCPUs stopped. The canonical document stays. */
export async function startPausedFrom(reader: DomainAccess, xml: string, { signal }: CallOptions): Promise<void> {
  const { connection, handle } = reader;
  await startTransient(connection, xml, handle.uuid, VIR_DOMAIN_START_PAUSED, {
    signal,
    timeout: Number.POSITIVE_INFINITY,
  });
}

/**
 * Clears an unsaved definition without defining anything: the end of any transient run brings the canonical document back, so a
 * stand-in without devices is started, its vCPUs stopped, and destroyed. It opens no image of the domain.
 */
export async function clearUnsavedDefinition(reader: DomainAccess, options: CallOptions = {}): Promise<void> {
  if (!(await unsavedDefinition(reader, options))) return;
  const { connection, handle } = reader;
  const { canonical } = await reader.documents(options);
  try {
    const flags = VIR_DOMAIN_START_PAUSED | VIR_DOMAIN_START_AUTODESTROY;
    await startTransient(connection, standIn(canonical), handle.uuid, flags, {
      ...options,
      timeout: Number.POSITIVE_INFINITY,
    });
    await destroy(reader, options);
  } catch (cause) {
    throw notCleared(reader, cause);
  }
  if (await unsavedDefinition(reader, options)) throw notCleared(reader, undefined);
}

function notCleared({ handle }: DomainAccess, cause: unknown): LibvirtCanonicalError {
  return new LibvirtCanonicalError(
    'DOMAIN_STATE',
    `the document that a failed transient start of ${handle.name} left in libvirt's memory could not be cleared`,
    {
      ...(cause === undefined ? {} : { cause }),
      domain: handle.name,
      remedy: 'Restart libvirtd before anything of this domain is changed: the canonical document on disk is unharmed',
    },
  );
}

/** The smallest machine under the domain's name and UUID; emulated, so that it starts where KVM is what is missing. */
function standIn({ root }: DomainDocument): string {
  const copy = parseElement(serialize(root));
  const keep: Readonly<Record<string, readonly string[] | undefined>> = {
    name: undefined,
    uuid: undefined,
    os: ['type'],
    devices: ['emulator'],
  };
  for (const part of children(copy)) {
    const within = keep[part.nodeName];
    if (!(part.nodeName in keep)) copy.removeChild(part);
    else if (within) for (const each of children(part)) if (!within.includes(each.nodeName)) part.removeChild(each);
  }
  copy.setAttribute('type', 'qemu');
  for (const extra of ["<memory unit='MiB'>16</memory>", '<vcpu>1</vcpu>']) append(copy, extra);
  const devices = children(copy).find((each) => each.nodeName === 'devices') ?? append(copy, '<devices/>');
  append(devices, "<controller type='usb' model='none'/>");
  append(devices, "<memballoon model='none'/>");
  return serialize(copy);
}

function append(parent: Element, xml: string): Element {
  const owner = parent.ownerDocument as NonNullable<Element['ownerDocument']>;
  return parent.appendChild(owner.importNode(parseElement(xml), true)) as Element;
}
