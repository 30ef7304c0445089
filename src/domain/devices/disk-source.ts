import type { Size } from '../values.js';
import { type Field, flag, group, integer, list, oneOf, seconds, size, text, whole } from './fields.js';
import { hostPci, type SecretRef, secretRef } from './references.js';

/** Where the data of a disk is: one of these at most. libvirt: `type=` of `<disk>` and its `<source>`. */
export interface DiskSourceSpec {
  /** Path of an image file. */
  readonly file?: string | undefined;
  /** Path of a block device. */
  readonly block?: string | undefined;
  /** A directory that the guest sees as a FAT file system; needs `format: 'fat'`. */
  readonly dir?: string | undefined;
  /** A volume of a libvirt storage pool. */
  readonly volume?: DiskVolumeSpec | undefined;
  /** An image that QEMU reads over the network by itself. Given whole: an update replaces all of it. */
  readonly network?: DiskNetworkSpec | undefined;
  /** An NVMe drive of the host, driven by QEMU. libvirt 6.0.0 */
  readonly nvme?:
    | {
        /** PCI address of the drive, `'0000:01:00.0'`. */
        readonly host: string;
        /** Namespace, from 1. */
        readonly namespace: number;
        /** libvirt takes the drive from its host driver at start and gives it back after. */
        readonly managed?: boolean | undefined;
      }
    | undefined;
  /** A vhost-user-blk daemon, such as SPDK. Needs shared guest memory. libvirt 7.1.0 */
  readonly vhostUser?: DiskVhostUserSpec | undefined;
  /** Path of a vDPA block device, `/dev/vhost-vdpa-0`. libvirt 9.8.0 */
  readonly vdpa?: string | undefined;
}

export interface DiskVolumeSpec {
  readonly pool: string;
  readonly volume: string;
  /** How an iSCSI pool's volume is reached: by the host's block device, or by QEMU itself. */
  readonly mode?: 'host' | 'direct' | undefined;
}

export interface DiskVhostUserSpec {
  /** Path of the daemon's UNIX socket. */
  readonly socket: string;
  /** Connects again when the daemon goes away: after so many milliseconds (whole seconds), or never. */
  readonly reconnect?: { readonly enabled: boolean; readonly timeout?: number | undefined } | undefined;
}

/** libvirt: `<disk type='network'><source>`. */
export interface DiskNetworkSpec {
  readonly protocol:
    | 'nbd'
    | 'rbd'
    | 'iscsi'
    | 'http'
    | 'https'
    | 'ftp'
    | 'ftps'
    | 'tftp'
    | 'gluster'
    | 'nfs'
    | 'sheepdog'
    | 'ssh'
    | 'vxhs';
  /** Export, image (`pool/image`), `target/lun` or path, by protocol. */
  readonly name?: string | undefined;
  /** Query string of http and https, without `?`. libvirt 6.2.0 */
  readonly query?: string | undefined;
  /** Servers; rbd may leave them to its configuration file. */
  readonly hosts?:
    | ReadonlyArray<{
        readonly name?: string | undefined;
        readonly port?: number | undefined;
        readonly transport?: 'tcp' | 'unix' | 'rdma' | undefined;
        /** Path of a UNIX socket, with `transport: 'unix'`. */
        readonly socket?: string | undefined;
      }>
    | undefined;
  readonly tls?: boolean | undefined;
  /** Name that the server's certificate is checked against. libvirt 8.2.0 */
  readonly tlsHostname?: string | undefined;
  /** Whom to log in as; the password or key is one of libvirt's secrets. */
  readonly auth?:
    | { readonly username: string; readonly type: 'ceph' | 'iscsi'; readonly secret: SecretRef }
    | undefined;
  /** iSCSI initiator, an IQN. */
  readonly initiator?: string | undefined;
  /** Snapshot of an rbd image. */
  readonly snapshot?: string | undefined;
  /** Path of a Ceph configuration file. */
  readonly config?: string | undefined;
  /** Check the server's certificate (https, ftps). libvirt 6.2.0 */
  readonly sslVerify?: boolean | undefined;
  /** Cookies for http and https. Secret: never shown in plans or errors. libvirt 6.2.0 */
  readonly cookies?: ReadonlyArray<{ readonly name: string; readonly value: string }> | undefined;
  /** Read-ahead buffer (http, ftp …). libvirt 6.2.0 */
  readonly readahead?: Size | undefined;
  /** How long to wait for the server, in milliseconds, whole seconds (http, ftp …). libvirt 6.2.0 */
  readonly timeout?: number | undefined;
  /** Who QEMU is towards an NFS server: names, or `+` and a number. libvirt 7.0.0 */
  readonly identity?: { readonly user?: string | undefined; readonly group?: string | undefined } | undefined;
}

/** How an encrypted image is opened. libvirt: `<source><encryption>`. */
export interface DiskEncryptionSpec {
  /** `luks2` and the engine `librbd` are Ceph's own; `luks-any` from libvirt 9.3.0 on. */
  readonly format: 'luks' | 'luks2' | 'luks-any' | 'qcow';
  readonly engine?: 'qemu' | 'librbd' | undefined;
  /** The passphrase, one of libvirt's secrets. */
  readonly secret: SecretRef;
}

type SourceFields = { readonly [K in keyof Required<DiskSourceSpec>]: Field<NonNullable<DiskSourceSpec[K]>> };

const network = whole<DiskNetworkSpec>(
  {
    protocol: oneOf('source/@protocol', [
      'nbd',
      'rbd',
      'iscsi',
      'http',
      'https',
      'ftp',
      'ftps',
      'tftp',
      'gluster',
      'nfs',
      'sheepdog',
      'ssh',
      'vxhs',
    ]),
    name: text('source/@name'),
    query: text('source/@query'),
    hosts: list('source/host', {
      name: text('@name'),
      port: integer('@port', { min: 1, max: 65535 }),
      transport: oneOf('@transport', ['tcp', 'unix', 'rdma']),
      socket: text('@socket'),
    }),
    tls: flag('source/@tls'),
    tlsHostname: text('source/@tlsHostname'),
    auth: whole<NonNullable<DiskNetworkSpec['auth']>>(
      {
        username: text('source/auth/@username'),
        type: oneOf('source/auth/secret/@type', ['ceph', 'iscsi']),
        secret: secretRef('source/auth/secret'),
      },
      { required: ['username', 'type', 'secret'] },
    ),
    initiator: text('source/initiator/iqn/@name'),
    snapshot: text('source/snapshot/@name'),
    config: text('source/config/@file'),
    sslVerify: flag('source/ssl/@verify'),
    cookies: list('source/cookies/cookie', { name: text('@name'), value: text('') }),
    readahead: size('source/readahead/@size'),
    timeout: seconds('source/timeout/@seconds'),
    identity: group({ user: text('source/identity/@user'), group: text('source/identity/@group') }),
  },
  { alongside: [['@type', 'network']], required: ['protocol'] },
);

/** The alternatives of a disk's source, one field each. */
export const diskSourceFields: SourceFields = {
  file: text('source/@file', { alongside: ['@type', 'file'] }),
  block: text('source/@dev', { alongside: ['@type', 'block'] }),
  dir: text('source/@dir', { alongside: ['@type', 'dir'] }),
  volume: whole<DiskVolumeSpec>(
    {
      pool: text('source/@pool'),
      volume: text('source/@volume'),
      mode: oneOf('source/@mode', ['host', 'direct']),
    },
    { alongside: [['@type', 'volume']], required: ['pool', 'volume'] },
  ),
  network,
  nvme: whole<NonNullable<DiskSourceSpec['nvme']>>(
    {
      host: hostPci('source/address'),
      namespace: integer('source/@namespace', { min: 1, max: 0xffffffff }),
      managed: flag('source/@managed'),
    },
    {
      alongside: [
        ['@type', 'nvme'],
        ['source/@type', 'pci'],
      ],
      required: ['host', 'namespace'],
    },
  ),
  vhostUser: whole<DiskVhostUserSpec>(
    {
      socket: text('source/@path'),
      reconnect: whole<NonNullable<DiskVhostUserSpec['reconnect']>>(
        { enabled: flag('source/reconnect/@enabled'), timeout: seconds('source/reconnect/@timeout') },
        { required: ['enabled'] },
      ),
    },
    {
      alongside: [
        ['@type', 'vhostuser'],
        ['source/@type', 'unix'],
      ],
      required: ['socket'],
    },
  ),
  vdpa: text('source/@dev', { alongside: ['@type', 'vhostvdpa'] }),
};

/** Opening an encrypted image; setting it takes the place of the older form, `<encryption>` below `<disk>`, too. */
export const encryptionField: Field<DiskEncryptionSpec> = {
  ...whole<DiskEncryptionSpec>(
    {
      format: oneOf('source/encryption/@format', ['luks', 'luks2', 'luks-any', 'qcow']),
      engine: oneOf('source/encryption/@engine', ['qemu', 'librbd']),
      secret: secretRef('source/encryption/secret', [['source/encryption/secret/@type', 'passphrase']]),
    },
    { required: ['format', 'secret'] },
  ),
  paths: ['source/encryption', 'encryption'],
};
