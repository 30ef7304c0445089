import type { DomainAccess } from '../apply/index.js';
import type { CallOptions, Connection } from '../connection/index.js';
import { type Device, type DomainDocument, diskPlace, isWrittenDisk } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { meant } from '../nearest.js';
import { coldSource } from './cold-source.js';
import { hostFinding } from './disk-findings.js';
import { blocks, type MigrationFinding, unknown } from './findings.js';
import type { MigrationRequest } from './options.js';
import type { Shared, SharedStorage } from './sharing.js';

/** A disk of the domain, and what becomes of it. */
export interface MigrationDisk {
  readonly identity: string;
  readonly target: string;
  /** Where its data is at the source and at the destination, as a document writes it; undefined for an empty drive. */
  readonly source: string | undefined;
  readonly destination: string | undefined;
  /** `stays`: read-only or empty, it only has to be there. `shared`: both hosts have it. `copied`: its contents are sent. */
  readonly how: 'stays' | 'shared' | 'copied';
  /** Of a copied one: what it looks like to the guest, and what it takes, in bytes. */
  readonly capacity: number | undefined;
  readonly allocation: number | undefined;
  readonly format: string | undefined;
  /** Of one that is copied cold: the length of its file, holes included. */
  readonly bytes: number | undefined;
  /** Of one that is copied incrementally: the image below it at the destination. */
  readonly backing: { readonly path: string; readonly format: string | undefined } | undefined;
}

/** What {@link migrationDisks} looks at. */
export interface DisksToMigrate {
  readonly reader: DomainAccess;
  readonly destination: Connection;
  /** The document that runs, else the canonical one, and the one that the destination gets. */
  readonly document: DomainDocument;
  readonly edited: DomainDocument;
  readonly running: boolean;
  readonly request: MigrationRequest;
  readonly sharing: SharedStorage;
}

/** What becomes of each disk: whether its storage is shared is held against what is to be copied. */
export async function migrationDisks(
  of: DisksToMigrate,
  options: CallOptions,
): Promise<{ disks: MigrationDisk[]; findings: MigrationFinding[] }> {
  const { document, edited, request } = of;
  const devices = document.devices.filter(({ kind }) => kind.element === 'disk');
  const findings: MigrationFinding[] = [];
  const named = (field: 'disks' | 'shared') =>
    new Set((request[field] ?? []).map((name, at) => diskNamed(devices, name, `${field}[${at}]`).identity));
  const [asked, vouched] = [named('disks'), named('shared')];
  const disks: MigrationDisk[] = [];
  for (const device of devices) {
    const there = edited.devices.find(({ identity }) => identity === device.identity) ?? device;
    const word = vouched.has(device.identity);
    // A domain that is off may have had its image brought there; else the caller's word stands where nothing can be told.
    const looked = word && request.mode === 'cold' ? 'shared' : await sharedDisk(device, there, of.sharing, options);
    const shared = word && typeof looked === 'object' ? 'shared' : looked;
    const needed = isWrittenDisk(device);
    const named = asked.has(device.identity);
    // Of a domain that is off, only what is asked for: its images may be on their way by other means.
    const copied =
      request.mode === 'block'
        ? request.disks
          ? named
          : needed && shared === 'separate'
        : request.mode === 'cold' && named;
    findings.push(...findingsOf(device, there, { shared, needed, copied, mode: request.mode }));
    const cold =
      copied && request.mode === 'cold' && diskPlace(device) !== undefined
        ? await coldSource(
            of.reader.connection,
            of.destination,
            {
              identity: device.identity,
              path: diskPlace(device),
              moved: diskPlace(there),
              chained: backingOf(there) !== undefined,
            },
            options,
          )
        : undefined;
    findings.push(...(cold?.findings ?? []));
    const size = cold
      ? cold.file
      : copied && of.running && diskPlace(device) !== undefined
        ? await sizeOf(of.reader, device, options)
        : undefined;
    const backing = copied && request.copy === 'incremental' ? backingOf(there) : undefined;
    if (copied && request.copy === 'incremental' && !backing)
      findings.push(
        blocks('source', device.identity, 'it has no image below it to copy only the top of', "Ask for copy: 'all'"),
      );
    disks.push({
      identity: device.identity,
      target: device.leaves.get('target/@dev') ?? '',
      source: diskPlace(device),
      destination: diskPlace(there),
      how: copied ? 'copied' : needed ? 'shared' : 'stays',
      capacity: size?.capacity,
      allocation: size?.allocation,
      format: device.leaves.get('driver/@type'),
      bytes: cold?.file?.bytes,
      backing,
    });
  }
  return { disks, findings };
}

function diskNamed(devices: readonly Device[], name: string, path: string): Device {
  const found = devices.find(({ names }) => names.includes(name));
  if (found) return found;
  throw new LibvirtCanonicalError('DEVICE_NOT_FOUND', `${path}: there is no disk ${JSON.stringify(name)}`, {
    path,
    device: name,
    remedy: `${meant(
      name,
      devices.flatMap(({ names }) => names),
    )}There are ${devices.map(({ identity }) => identity).join(', ') || 'none'}`,
  });
}

/** Whether both hosts have a disk's data in the same place. */
async function sharedDisk(here: Device, there: Device, sharing: SharedStorage, options: CallOptions): Promise<Shared> {
  const type = here.leaves.get('@type');
  const [a, b] = [here, there].map((each) => each.leaves.get('source/@file') ?? each.leaves.get('source/@dir'));
  if (a !== undefined && b !== undefined) return sharing.sameFile(a, b, options);
  if (diskPlace(here) === undefined) return 'shared';
  if (type === 'network') return samePlace(here, there) ? 'shared' : 'separate';
  if (type === 'volume') return { unknown: 'it is a volume of a storage pool, which each host has for itself' };
  if (type === 'block') return { unknown: 'libvirt does not tell whether two block devices are the same one' };
  return { unknown: `libvirt does not tell it of a disk of type ${type}` };
}

/** Images that QEMU reads over the network are the same ones where server and name are. */
export function samePlace(a: Device, b: Device): boolean {
  const sources = [a, b].map(({ leaves }) =>
    JSON.stringify([...leaves].filter(([path]) => path.startsWith('source/'))),
  );
  return sources[0] === sources[1];
}

function findingsOf(
  device: Device,
  there: Device,
  {
    shared,
    needed,
    copied,
    mode,
  }: { shared: Shared; needed: boolean; copied: boolean; mode: MigrationRequest['mode'] },
): MigrationFinding[] {
  const { identity, leaves } = device;
  const at = diskPlace(there);
  const own = hostFinding(device);
  if (own) return [own];
  if (copied && diskPlace(device) === undefined)
    return [blocks('source', identity, 'it is empty: there is nothing to copy', 'Leave it out of disks')];
  if (copied && shared === 'shared')
    return [
      blocks(
        'both',
        identity,
        `both hosts have ${at}: a copy would write it onto itself`,
        'Leave it out of disks, or give it another place by paths or sources',
      ),
    ];
  if (copied) return [];
  if (!needed) return [];
  if (shared === 'separate')
    return [
      blocks(
        'both',
        identity,
        `the destination does not have the storage of ${diskPlace(device)}${at === diskPlace(device) ? '' : ` at ${at}`}`,
        mode === 'block'
          ? 'Name it in disks too'
          : mode === 'live'
            ? "Ask for mode: 'block', which copies it"
            : 'Name it in disks, which copies it, or bring it there first and say so in shared',
      ),
    ];
  if (shared !== 'shared')
    return [
      blocks(
        'both',
        identity,
        `it cannot be told whether both hosts have its storage: ${shared.unknown}`,
        'Say so in shared when they do, or have it copied',
      ),
    ];
  const cache = leaves.get('driver/@cache');
  if (
    cache !== undefined &&
    !['none', 'directsync', 'default'].includes(cache) &&
    leaves.get('source/@protocol') !== 'rbd'
  )
    return [
      unknown(
        'both',
        identity,
        `its cache mode is ${cache}`,
        'QEMU before 4.0 must have none or directsync to migrate it safely',
      ),
    ];
  return [];
}

async function sizeOf({ connection, handle: dom }: DomainAccess, device: Device, options: CallOptions) {
  const path = device.leaves.get('target/@dev') ?? '';
  const { capacity, allocation } = await connection.call('DOMAIN_GET_BLOCK_INFO', { dom, path, flags: 0 }, options);
  return { capacity: Number(capacity), allocation: Number(allocation) };
}

function backingOf({ leaves }: Device): MigrationDisk['backing'] {
  const path = leaves.get('backingStore/source/@file') ?? leaves.get('backingStore/source/@dev');
  return path === undefined ? undefined : { path, format: leaves.get('backingStore/format/@type') };
}
