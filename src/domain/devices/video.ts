import type { Leaves } from '../../xml/index.js';
import { type Size, specInvalid } from '../values.js';
import {
  deviceFields,
  flag,
  group,
  integer,
  oneOf,
  size,
  text,
  VIRTIO_ABI,
  type VirtioDriverSpec,
  virtioDriverFields,
} from './fields.js';
import type { BusRequirement, DeviceKind, DeviceSpecBase } from './kind.js';
import { defineOnly, NO_UPDATE, unread } from './rows.js';

/** A video card. libvirt: `<video>`. Only in the definition. */
export interface VideoSpec extends DeviceSpecBase {
  /** `none`: no card at all, where libvirt would add one for a display. */
  readonly model: 'virtio' | 'vga' | 'qxl' | 'bochs' | 'cirrus' | 'vmvga' | 'ramfb' | 'none';
  /** Video memory, a multiple of 1 KiB. libvirt rounds it up to what the card can have. */
  readonly vram?: Size | undefined;
  /** Of qxl: the primary memory bar, a multiple of 1 KiB. */
  readonly ram?: Size | undefined;
  /** Of qxl: the 64-bit memory bar, a multiple of 1 KiB. */
  readonly vram64?: Size | undefined;
  /** Of qxl: the size of the VGA framebuffer, a power of two from 1 MiB. */
  readonly vgamem?: Size | undefined;
  /** Screens of a virtio or qxl card. Default 1. */
  readonly heads?: number | undefined;
  /** The card that the firmware uses. libvirt takes the first one. */
  readonly primary?: boolean | undefined;
  /** `accel3d`: OpenGL of a virtio card. `rendernode`: of a vhost-user card, a path under `/dev/dri`. */
  readonly acceleration?:
    | {
        readonly accel3d?: boolean | undefined;
        readonly accel2d?: boolean | undefined;
        readonly rendernode?: string | undefined;
      }
    | undefined;
  /** Resolution at start, in pixels. */
  readonly resolution?: { readonly x: number; readonly y: number } | undefined;
  readonly driver?: VideoDriverSpec | undefined;
}

/** libvirt: attributes of `<driver>` of a video card; those of virtio for a virtio card only. */
export interface VideoDriverSpec extends VirtioDriverSpec {
  /** Who draws: QEMU itself (default), or a vhost-user process. */
  readonly name?: 'qemu' | 'vhostuser' | undefined;
  readonly vgaconf?: 'io' | 'on' | 'off' | undefined;
}

const kib = { fallback: 'KiB' };
/** qemuDomainDeviceCalculatePCIConnectFlags; a model that is not here is no PCI device. */
const SLOTS: Readonly<Record<string, BusRequirement>> = {
  virtio: { type: 'pci', slot: 'express', virtio: true },
  bochs: { type: 'pci', slot: 'express' },
  vga: { type: 'pci', slot: 'conventional' },
  cirrus: { type: 'pci', slot: 'conventional' },
  vmvga: { type: 'pci', slot: 'conventional' },
  qxl: { type: 'pci', slot: 'conventional' },
};
/** Fields that only some models have: qemuValidateDomainDeviceDefVideo, virDomainVideoDefValidate. */
const ONLY: Readonly<Record<string, readonly [field: string, ...models: string[]]>> = {
  'model/@ram': ['ram', 'qxl'],
  'model/@vram64': ['vram64', 'qxl'],
  'model/@vgamem': ['vgamem', 'qxl'],
  'model/resolution/@x': ['resolution', 'vga', 'qxl', 'virtio', 'bochs'],
  'driver/@name': ['driver.name', 'virtio'],
  ...Object.fromEntries(VIRTIO_ABI.map((leaf) => [leaf, ['driver', 'virtio'] as const])),
};

/** True when the document has the least power of two that is not below what was asked. */
function powerOfTwo(asked: Leaves, there: Leaves, path: string): boolean {
  return Number(there.get(path)) === 2 ** Math.ceil(Math.log2(Math.max(Number(asked.get(path)), 1)));
}

export const video: DeviceKind<VideoSpec> = {
  element: 'video',
  fields: {
    ...deviceFields,
    model: oneOf('model/@type', ['virtio', 'vga', 'qxl', 'bochs', 'cirrus', 'vmvga', 'ramfb', 'none']),
    vram: size('model/@vram', kib),
    ram: size('model/@ram', kib),
    vram64: size('model/@vram64', kib),
    vgamem: size('model/@vgamem', kib),
    heads: integer('model/@heads', { min: 1 }),
    primary: flag('model/@primary'),
    acceleration: group({
      accel3d: flag('model/acceleration/@accel3d'),
      accel2d: flag('model/acceleration/@accel2d'),
      rendernode: text('model/acceleration/@rendernode', { pattern: /^\//, expected: 'an absolute path' }),
    }),
    resolution: group({
      x: integer('model/resolution/@x', { min: 1 }),
      y: integer('model/resolution/@y', { min: 1 }),
    }),
    driver: group<VideoDriverSpec>({
      name: oneOf('driver/@name', ['qemu', 'vhostuser']),
      vgaconf: oneOf('driver/@vgaconf', ['io', 'on', 'off']),
      ...virtioDriverFields,
    }),
  },
  required: ['model'],
  check(leaves, where) {
    const model = leaves.get('model/@type') ?? '';
    for (const [leaf, [field, ...models]] of Object.entries(ONLY)) {
      if (leaves.has(leaf) && !models.includes(model))
        throw specInvalid(`${where}.${field}`, `a ${model} card has none`, `Only ${models.join(', ')}`);
    }
    if (Number(leaves.get('model/@heads') ?? 1) > 1 && model !== 'qxl' && model !== 'virtio')
      throw specInvalid(`${where}.heads`, `a ${model} card has one screen`, 'Only qxl and virtio have more');
    for (const side of ['x', 'y'])
      if (leaves.has('model/resolution/@x') !== leaves.has(`model/resolution/@${side}`))
        throw specInvalid(`${where}.resolution`, 'has both x and y, or neither');
  },
  names: () => [],
  unique: {},
  support: defineOnly('video cards'),
  ...NO_UPDATE,
  implicit: [{ only: true, source: 'virDomainDefAddImplicitVideo' }],
  abi: [
    'model/@type',
    'model/@ram',
    'model/@vram',
    'model/@vram64',
    'model/@vgamem',
    'model/@heads',
    'model/@primary',
    'model/acceleration/@accel2d',
    'model/acceleration/@accel3d',
    'model/resolution',
    ...VIRTIO_ABI,
  ],
  // QEMU raises what is too little, and libvirt writes down what it has (qemuMonitorJSONUpdateVideoMemorySize).
  liveOnly: ['ram', 'vram', 'vram64', 'vgamem'].map(
    (name) => ({ path: `model/@${name}`, persistable: true, raised: true }) as const,
  ),
  normal: [
    { path: 'model/@primary', asked: /^no$/, there: ['yes'], source: 'virDomainDefPostParseVideo: the only one is' },
    ...unread('virDomainVideoDriverDefFormat: no card that QEMU has takes it', ['driver/@vgaconf']),
    { path: 'model/@vram', where: { 'model/@type': ['cirrus'] }, there: ['16384'], source: 'virDomainVideoDefaultRAM' },
    ...['ram', 'vram', 'vram64', 'vgamem'].map((name) => ({
      path: `model/@${name}`,
      asked: /^\d{1,9}$/,
      there: powerOfTwo,
      source: 'qemuDomainDeviceVideoDefPostParse: the next power of two',
    })),
    { path: 'model/@primary', asked: /^no$/, there: 'nothing', source: 'virDomainVideoDefFormat' },
  ],
  bus: (leaves) => SLOTS[leaves.get('model/@type') ?? ''],
};
