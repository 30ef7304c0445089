import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '../connection/index.js';
import type { DomainDocument } from '../domain/index.js';
import type { HostFiles } from '../host/index.js';
import { valueAt } from '../xml/index.js';
import type { BundleFile } from './bundle.js';

/** Where a domain keeps what is neither in its document nor on its disks. */
export interface StateOptions {
  /** A way to the files of the host, when it is not this machine. */
  readonly files?: HostFiles | undefined;
  /**
   * Folder of libvirt's TPM states. Default: `/var/lib/libvirt/swtpm`, or of a session daemon the calling user's
   * `libvirt/qemu/swtpm` below `$XDG_CONFIG_HOME`.
   */
  readonly tpmFolder?: string;
}

/** The file of UEFI variables that a document names. */
export function nvramPath(document: DomainDocument): string | undefined {
  const named = document.value('os/nvram/source/@file') ?? document.value('os/nvram');
  return named?.startsWith('/') ? named : undefined;
}

const emulatedTpm = ({ devices }: DomainDocument) =>
  devices.find(({ kind, leaves }) => kind.element === 'tpm' && leaves.get('backend/@type') === 'emulator');

/** Where the document itself says that the state of its TPM is; libvirt chooses when it does not. */
export function namedTpmFolder(document: DomainDocument): string | undefined {
  const tpm = emulatedTpm(document);
  return tpm && valueAt(tpm.element, 'backend/source/@path');
}

/** The folder with the state of the domain's emulated TPM; undefined when it has none. */
export function tpmFolder(connection: Connection, document: DomainDocument, given?: string): string | undefined {
  const tpm = emulatedTpm(document);
  if (!tpm) return undefined;
  const named = namedTpmFolder(document);
  if (named !== undefined) return named;
  const session = /\/session(\?|$)/.test(connection.uri);
  const all =
    given ??
    (session
      ? join(process.env.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'libvirt/qemu/swtpm')
      : '/var/lib/libvirt/swtpm');
  return join(all, document.uuid, tpm.leaves.get('backend/@version') === '1.2' ? 'tpm1.2' : 'tpm2');
}

/** A file as a bundle holds it. */
export function packed(path: string, contents: Uint8Array): BundleFile {
  return { path, base64: Buffer.from(contents).toString('base64') };
}

/** The contents of a bundle's file. */
export function unpacked({ base64 }: BundleFile): Uint8Array {
  return Buffer.from(base64, 'base64');
}
