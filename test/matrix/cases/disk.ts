import type { DeviceRequest, DeviceSpecs } from '../../../src/index.js';
import type { PrivateHost } from '../../../src/testing/index.js';
import type { KindCase } from '../case.js';

type DiskSpec = DeviceSpecs['disk'];

const scsi: DeviceRequest = { controller: { type: 'scsi', index: 0, model: 'virtio-scsi' } };
const iothreads = (xml: string) => xml.replace('<os>', '<iothreads>2</iothreads><os>');

/** A disk with an image of its own; `spec` says the rest. */
const imaged = (spec: DiskSpec) => async (host: PrivateHost) => {
  const name = `case-${Math.random().toString(36).slice(2, 8)}.qcow2`;
  return { disk: { file: await host.createDisk(name, { size: '1 MiB' }), format: 'qcow2', ...spec } } as const;
};

/** Sources that need a server, or hardware, that a private host does not have. */
function remote(sources: Readonly<Record<string, Partial<DiskSpec>>>): KindCase[] {
  return Object.entries(sources).map(([title, source]) => ({
    kind: 'disk',
    title,
    host: 'none',
    why: 'needs storage that a private host does not have',
    device: () => ({ disk: { target: 'vdb', ...source } }),
  }));
}

export const cases: readonly KindCase[] = [
  {
    kind: 'disk',
    title: 'virtio',
    host: 'session',
    device: imaged({ id: 'data', target: 'vdb', serial: 'S-1', driver: { cache: 'none', discard: 'unmap' } }),
    updates: [
      { set: { startupPolicy: 'optional' } },
      { set: { snapshot: 'no' } },
      { set: { serial: 'S-2' } },
      { set: { driver: { cache: 'writeback' } } },
      { set: { driver: { detectZeroes: 'on' } } },
      { set: { iotune: { totalIopsSec: 100 } } },
      { set: { boot: 7 } },
      { set: { readonly: true } },
    ],
  },
  {
    kind: 'disk',
    title: 'virtio with every driver option',
    host: 'session',
    domain: { xml: iothreads },
    device: imaged({
      id: 'tuned',
      target: 'vdb',
      boot: 2,
      driver: {
        cache: 'none',
        io: 'threads',
        discard: 'unmap',
        detectZeroes: 'unmap',
        errorPolicy: 'enospace',
        rerrorPolicy: 'report',
        ioeventfd: true,
        eventIdx: false,
        copyOnRead: false,
        iothread: 1,
        queues: 2,
        queueSize: 128,
        metadataCache: { maxSize: '1 MiB' },
        packed: true,
        ats: true,
        iommu: true,
      },
      iotune: { readBytesSec: '10 MiB', writeIopsSec: 200, writeIopsSecMax: 400, writeIopsSecMaxLength: 2000 },
      blockio: { logicalBlockSize: 512, physicalBlockSize: 4096 },
    }),
  },
  {
    kind: 'disk',
    title: 'virtio transient',
    host: 'session',
    device: imaged({ target: 'vdb', transient: true }),
  },
  {
    kind: 'disk',
    title: 'virtio-transitional',
    host: 'session',
    device: imaged({ target: 'vdb', model: 'virtio-transitional' }),
  },
  {
    kind: 'disk',
    title: 'scsi',
    host: 'session',
    domain: { devices: [scsi] },
    device: imaged({
      id: 'scsi',
      target: 'sdb',
      serial: 'S-1',
      wwn: '5000c50015ea71ad',
      vendor: 'ACME',
      product: 'DISK',
      rotationRate: 1,
    }),
    updates: [{ set: { rotationRate: 7200 } }, { set: { vendor: 'OTHER' } }],
  },
  {
    kind: 'disk',
    title: 'scsi cdrom',
    host: 'session',
    domain: { devices: [scsi] },
    device: async (host) => ({
      disk: {
        id: 'cd',
        target: 'sdc',
        device: 'cdrom',
        file: await host.createDisk('one.iso', { size: '1 MiB' }),
        format: 'raw',
        readonly: true,
      },
    }),
    updates: [{ set: { file: null } }, { set: { startupPolicy: 'optional' } }],
  },
  {
    kind: 'disk',
    title: 'scsi cdrom, empty',
    host: 'session',
    domain: { devices: [scsi] },
    device: () => ({ disk: { id: 'empty', target: 'sdc', device: 'cdrom', readonly: true } }),
  },
  {
    kind: 'disk',
    title: 'usb',
    host: 'session',
    device: imaged({ target: 'sdu', bus: 'usb', removable: true }),
    updates: [{ set: { removable: false } }],
  },
  { kind: 'disk', title: 'sata', host: 'session', device: imaged({ target: 'sdb', bus: 'sata', rotationRate: 5400 }) },
  {
    kind: 'disk',
    title: 'sata cdrom',
    host: 'session',
    device: () => ({ disk: { id: 'sata-cd', target: 'sdd', device: 'cdrom', bus: 'sata', readonly: true } }),
    updates: [{ set: { tray: 'open' } }],
  },
  {
    kind: 'disk',
    title: 'virtio cdrom',
    host: 'session',
    device: () => ({ disk: { target: 'vdc', device: 'cdrom' } }),
  },
  {
    kind: 'disk',
    title: 'floppy',
    host: 'session',
    device: () => ({ disk: { target: 'fda', device: 'floppy' } }),
  },
  ...remote({
    nbd: { network: { protocol: 'nbd', name: 'x', hosts: [{ name: '127.0.0.1', port: 10809 }], tls: false } },
    'nbd over a socket': { network: { protocol: 'nbd', hosts: [{ transport: 'unix', socket: '/run/nbd' }] } },
    rbd: {
      network: {
        protocol: 'rbd',
        name: 'pool/image',
        hosts: [{ name: 'mon1', port: 6789 }, { name: 'mon2' }],
        auth: { username: 'libvirt', type: 'ceph', secret: { uuid: '6e2f5a5c-1f0c-4f43-8a59-0e6a7f4ad001' } },
        snapshot: 's1',
        config: '/etc/ceph/ceph.conf',
      },
      encryption: { format: 'luks', engine: 'librbd', secret: { uuid: '6e2f5a5c-1f0c-4f43-8a59-0e6a7f4ad002' } },
    },
    iscsi: {
      network: {
        protocol: 'iscsi',
        name: 'iqn.2016-02.org.example:data/1',
        hosts: [{ name: 'san', port: 3260 }],
        auth: { username: 'me', type: 'iscsi', secret: { usage: 'san' } },
        initiator: 'iqn.2016-02.org.example:client',
      },
    },
    https: {
      readonly: true,
      network: {
        protocol: 'https',
        name: 'disk.img',
        query: 'a=b',
        hosts: [{ name: 'example.org', port: 443 }],
        sslVerify: false,
        cookies: [{ name: 'session', value: 'abc' }],
        readahead: 65536,
        timeout: 6000,
      },
    },
    gluster: {
      network: { protocol: 'gluster', name: 'vol/img', hosts: [{ name: 'g1', port: 24007, transport: 'tcp' }] },
    },
    nfs: {
      network: { protocol: 'nfs', name: '/a.img', hosts: [{ name: 'n' }], identity: { user: '+0', group: 'disk' } },
    },
    volume: { volume: { pool: 'default', volume: 'a.qcow2' } },
    nvme: { nvme: { host: '0000:01:00.0', namespace: 1, managed: true } },
    luks: {
      file: '/var/lib/libvirt/images/luks.qcow2',
      encryption: { format: 'luks', secret: { usage: 'disk' } },
    },
    lun: { device: 'lun', target: 'sdb', block: '/dev/sdz', rawio: true, reservations: true },
    'vhost-user': { vhostUser: { socket: '/run/spdk.sock', reconnect: { enabled: true, timeout: 5000 } } },
    'a directory as FAT': { dir: '/srv', format: 'fat', readonly: true },
  }),
];
