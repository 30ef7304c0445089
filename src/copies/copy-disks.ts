import { type Documents, type DomainAccess, GuestAbiChangedError, sealAfter } from '../apply/index.js';
import { compareGuestAbi, type Device, guestAbi, meantDevice, sealBaseline } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';

/** A disk of a domain that is to be copied, as both documents have it. */
export interface CopiedDisk {
  readonly canonical: Device | undefined;
  readonly live: Device | undefined;
  /** `disk root`. */
  readonly identity: string;
  /** `vda`: what libvirt knows it by. */
  readonly target: string;
  /** Path of the image that it uses now; undefined when it is no local file or device. */
  readonly file: string | undefined;
}

/** The disk that a caller names by id, user alias or target. Errors: `DEVICE_NOT_FOUND`, `DEVICE_AMBIGUOUS`. */
export function diskOf({ canonical, live }: Documents, name: string): CopiedDisk {
  const document = live ?? canonical;
  const found = document.find('disk', name);
  const [disk] = found;
  if (!disk || found.length > 1)
    throw new LibvirtCanonicalError(
      disk ? 'DEVICE_AMBIGUOUS' : 'DEVICE_NOT_FOUND',
      disk
        ? `${name} names ${found.length} disks of ${document.name}: ${found.map(({ identity }) => identity).join(', ')}`
        : `there is no disk ${name} in domain ${document.name}`,
      {
        domain: document.name,
        device: name,
        remedy: disk
          ? 'Name it by a user alias'
          : `${meantDevice([document], 'disk', name)}devices() lists what there is`,
      },
    );
  return {
    canonical: live ? canonical.counterpart(disk) : disk,
    live: live && disk,
    identity: disk.identity,
    target: disk.leaves.get('target/@dev') ?? name,
    file: fileOf(disk),
  };
}

/** Path of a disk's image. */
export function fileOf({ leaves }: Device): string | undefined {
  return leaves.get('source/@file') ?? leaves.get('source/@dev');
}

/** The images below a disk's own, nearest first, as the document lists them. */
export function chainOf({ leaves }: Device): string[] {
  const chain: string[] = [];
  for (let path = 'backingStore'; ; path += '/backingStore') {
    const file = leaves.get(`${path}/source/@file`) ?? leaves.get(`${path}/source/@dev`);
    if (file === undefined) return chain;
    chain.push(file);
  }
}

/**
 * libvirt carries a new source over to the canonical document only when that names the same image as the running guest.
 * `DOMAIN_STATE` when it does not: the next boot would take the other one.
 */
export function assertSameSource({ canonical, live, identity }: CopiedDisk, domain: string): void {
  if (!canonical || !live || fileOf(canonical) === fileOf(live)) return;
  throw new LibvirtCanonicalError(
    'DOMAIN_STATE',
    `${identity} of ${domain} runs on ${fileOf(live)}, and on ${fileOf(canonical)} from its next boot`,
    { domain, device: identity, remedy: 'Boot it cold first, so that both documents name one image' },
  );
}

/** What the calls here take, when the guest is off. */
export function notRunning(domain: string, what: string): LibvirtCanonicalError {
  return new LibvirtCanonicalError('DOMAIN_STATE', `domain ${domain} is shut off and ${what}`, {
    domain,
    remedy: 'Start it first; paused is enough',
  });
}

/**
 * Reads both documents after disks were given other images and compares: nothing that the guest sees has changed, and
 * the disks in `images` (identity → path) have theirs. Errors: `GUEST_ABI_CHANGED`, `JOB_FAILED`.
 */
export async function verifyImages(
  reader: DomainAccess,
  before: Documents,
  images: ReadonlyMap<string, string>,
): Promise<Documents> {
  const after = await reader.documents();
  const { name } = reader.handle;
  for (const side of ['canonical', 'live'] as const) {
    const [a, b] = [before[side], after[side]];
    if (!a || !b) continue;
    const moved = compareGuestAbi(guestAbi(a), guestAbi(b));
    if (moved.length > 0) throw new GuestAbiChangedError(`the ${side} document has changed`, moved, name);
    for (const disk of a.devices.filter(({ kind }) => kind.element === 'disk')) {
      const now = b.counterpart(disk);
      const expected = images.get(disk.identity) ?? fileOf(disk);
      if (!now || fileOf(now) === expected) continue;
      throw new LibvirtCanonicalError(
        'JOB_FAILED',
        `libvirt has done it, but ${disk.identity} is on ${fileOf(now)} in the ${side} document, not on ${expected}`,
        { domain: name, device: disk.identity, remedy: 'Compare both documents before the domain is started again' },
      );
    }
  }
  // Where an image stands now is this library's doing, and no drift.
  if (images.size > 0) await sealAfter(reader, sealBaseline(before.canonical), after.canonical);
  return after;
}
