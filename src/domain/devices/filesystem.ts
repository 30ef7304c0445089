import { specInvalid } from '../values.js';
import {
  deviceFields,
  flag,
  group,
  integer,
  oneOf,
  present,
  text,
  VIRTIO_ABI,
  type VirtioDriverSpec,
  virtioDriverFields,
} from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { CONFIG, can, cannot, defaultValue, NO_UPDATE, unread } from './rows.js';
import { VIRTIO_MODELS, virtioSlot } from './virtio.js';

/** A directory of the host in the guest. libvirt: `<filesystem type='mount'>`. Exactly one of `dir` and `socket`. */
export interface FilesystemSpec extends DeviceSpecBase {
  /** Directory on the host. */
  readonly dir?: string | undefined;
  /** Socket of a virtiofsd that somebody else runs. libvirt 6.2.0 */
  readonly socket?: string | undefined;
  /** Tag that the guest mounts it by. */
  readonly target: string;
  readonly driver?: FilesystemDriverSpec | undefined;
  /** How files' owners and modes are kept (9p). */
  readonly accessMode?: 'passthrough' | 'mapped' | 'squash' | undefined;
  /** Mode of new files, octal, `'0644'` (9p mapped). libvirt 6.10.0 */
  readonly fmode?: string | undefined;
  /** Mode of new directories (9p mapped). libvirt 6.10.0 */
  readonly dmode?: string | undefined;
  /** More than one device of the host below the directory (9p). libvirt 5.2.0 */
  readonly multidevs?: 'default' | 'remap' | 'forbid' | 'warn' | undefined;
  readonly model?: (typeof VIRTIO_MODELS)[number] | undefined;
  readonly readonly?: boolean | undefined;
  /** The virtiofsd that libvirt starts. libvirt 6.2.0 */
  readonly binary?: VirtiofsdSpec | undefined;
}

/** libvirt: `<driver>` of a file system. */
export interface FilesystemDriverSpec extends VirtioDriverSpec {
  /** 9p (`path`, `handle`) or virtiofs, which needs shared guest memory. */
  readonly type?: 'path' | 'handle' | 'virtiofs' | undefined;
  readonly wrpolicy?: 'immediate' | undefined;
  /** Length of the queue (virtiofs). */
  readonly queue?: number | undefined;
}

/** libvirt: `<binary>`. */
export interface VirtiofsdSpec {
  readonly path?: string | undefined;
  readonly xattr?: boolean | undefined;
  readonly cache?: 'none' | 'always' | undefined;
  readonly sandbox?: 'namespace' | 'chroot' | undefined;
  readonly lock?: { readonly posix?: boolean | undefined; readonly flock?: boolean | undefined } | undefined;
  /** libvirt 8.5.0 */
  readonly threadPool?: number | undefined;
}

const ONLY_VIRTIOFS = 'only virtiofs can be hot-plugged';
const virtiofs = { 'driver/@type': ['virtiofs'] };
const mode = { pattern: /^0?[0-7]{3}$/, expected: "an octal mode such as '0644'" };

export const filesystem: DeviceKind<FilesystemSpec> = {
  element: 'filesystem',
  plural: 'filesystems',
  fields: {
    ...deviceFields,
    dir: text('source/@dir'),
    socket: text('source/@socket'),
    target: text('target/@dir'),
    driver: group<FilesystemDriverSpec>({
      type: oneOf('driver/@type', ['path', 'handle', 'virtiofs']),
      wrpolicy: oneOf('driver/@wrpolicy', ['immediate']),
      queue: integer('driver/@queue', { min: 1, max: 1024 }),
      ...virtioDriverFields,
    }),
    accessMode: oneOf('@accessmode', ['passthrough', 'mapped', 'squash']),
    fmode: text('@fmode', mode),
    dmode: text('@dmode', mode),
    multidevs: oneOf('@multidevs', ['default', 'remap', 'forbid', 'warn']),
    model: oneOf('@model', VIRTIO_MODELS),
    readonly: present('readonly'),
    binary: group<VirtiofsdSpec>({
      path: text('binary/@path'),
      xattr: flag('binary/@xattr', 'on', 'off'),
      cache: oneOf('binary/cache/@mode', ['none', 'always']),
      sandbox: oneOf('binary/sandbox/@mode', ['namespace', 'chroot']),
      lock: group({
        posix: flag('binary/lock/@posix', 'on', 'off'),
        flock: flag('binary/lock/@flock', 'on', 'off'),
      }),
      threadPool: integer('binary/thread_pool/@size', { max: 0xffffffff }),
    }),
  },
  required: ['target'],
  exclusive: [['dir', 'socket']],
  defaults: [['@type', 'mount']],
  check(leaves, where) {
    if (!leaves.has('source/@dir') && !leaves.has('source/@socket'))
      throw specInvalid(where, 'has no source', 'Give dir or socket');
    if (leaves.has('source/@socket') && leaves.get('driver/@type') !== 'virtiofs')
      throw specInvalid(`${where}.socket`, 'is of virtiofs alone', "Give driver: { type: 'virtiofs' }");
  },
  names: (leaves) => [leaves.get('target/@dir')],
  unique: { 'target/@dir': 'target' },
  support: [
    can('attach', 'live', 'qemuDomainAttachFSDevice', { where: virtiofs, since: '7.9.0' }),
    cannot('attach', 'live', ONLY_VIRTIOFS, 'qemuDomainAttachFSDevice'),
    can('detach', 'live', 'qemuDomainDetachPrepFS', { where: virtiofs, since: '7.9.0' }),
    cannot('detach', 'live', ONLY_VIRTIOFS, 'qemuDomainDetachPrepFS'),
    ...CONFIG,
  ],
  requires: [
    {
      where: virtiofs,
      domain: "memoryBacking/access/@mode[.='shared'] | cpu/numa/cell/@memAccess[.='shared']",
      reason: 'virtiofs needs guest memory that is shared',
      remedy: "Define the domain with <memoryBacking><access mode='shared'/></memoryBacking>",
      source: 'qemuValidateDomainDefVhostUserRequireSharedMemory',
    },
  ],
  ...NO_UPDATE,
  abi: ['target/@dir', 'readonly', '@model', '@type', 'driver/@type', 'driver/@queue', ...VIRTIO_ABI],
  liveOnly: [],
  normal: [
    ...unread('virDomainFSDefParseXML: of virtiofs', ['binary'], { 'driver/@type': ['virtiofs'] }),
    ...unread('virDomainFSDefFormat', ['driver/@format'], { 'driver/@type': ['loop', 'nbd', 'ploop'] }),
    ...unread('virDomainFSDefFormat', ['driver/@wrpolicy'], { 'driver/@type': ['path', 'handle'] }),
    ...defaultValue('virDomainFSDefFormat', {
      '@multidevs': /^default$/,
      space_hard_limit: /^0+$/,
      space_soft_limit: /^0+$/,
    }),
  ],
  bus: (leaves) => virtioSlot(leaves.get('@model')),
};
