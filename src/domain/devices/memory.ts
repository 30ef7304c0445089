import type { Leaves } from '../../xml/index.js';
import { bytesOfXml, type Size, specInvalid } from '../values.js';
import { deviceFields, flag, group, integer, oneOf, present, size, text, uuid } from './fields.js';
import type { DeviceKind, DeviceSpecBase } from './kind.js';
import { CONFIG, can, cannot, defaultValue, plainNumber, unread } from './rows.js';

/**
 * A memory module. libvirt: `<memory>` below `<devices>`. The domain must be defined with `<maxMemory>` and a NUMA cell.
 * libvirt counts it into the domain's own `<memory>` when it comes and goes.
 */
export interface MemoryDeviceSpec extends DeviceSpecBase {
  /** `sgx-epc` has no hot-plug. */
  readonly model: 'dimm' | 'nvdimm' | 'virtio-mem' | 'virtio-pmem' | 'sgx-epc';
  /** Of a virtio-mem: the most it can hold. */
  readonly size: Size;
  /** NUMA node of the guest. A virtio-pmem has none. */
  readonly node?: number | undefined;
  /** Of a virtio-mem: how much of `size` the guest is to have now. The one field that can change, and does so live. */
  readonly requested?: Size | undefined;
  /** Of a virtio-mem: the step by which it grows and shrinks, a power of two from 2 MiB on a PC. */
  readonly block?: Size | undefined;
  /** Where the memory comes from on the host. */
  readonly source?: MemorySourceSpec | undefined;
  /** Of an nvdimm: size of its label area. */
  readonly label?: Size | undefined;
  /** Of an nvdimm: the guest cannot write. */
  readonly readonly?: boolean | undefined;
  /** Of a virtio-mem: takes slots only for what is requested. Since libvirt 10.1.0. */
  readonly dynamicMemslots?: boolean | undefined;
  /** Whether the host file sees what the guest writes. A virtio-pmem is `shared`. */
  readonly access?: 'shared' | 'private' | undefined;
  /** Gives the memory back to the host when the guest stops. */
  readonly discard?: boolean | undefined;
  /** Of an nvdimm on POWER. */
  readonly uuid?: string | undefined;
}

/** libvirt: `<source>` of a memory device: pages of the host, or for nvdimm and virtio-pmem a file. */
export interface MemorySourceSpec {
  readonly pagesize?: Size | undefined;
  /** NUMA nodes of the host: `0-1,3`. */
  readonly nodemask?: string | undefined;
  readonly path?: string | undefined;
  readonly alignsize?: Size | undefined;
  /** The file is real persistent memory. */
  readonly pmem?: boolean | undefined;
}

const sized = (path: string) => size(path, { unitPath: `${path}/@unit`, fallback: 'KiB' });

/** Fields that only some models have, after virDomainMemoryDefValidate and the schema. */
const ONLY: ReadonlyArray<readonly [field: string, path: string, ...models: string[]]> = [
  ['requested', 'target/requested', 'virtio-mem'],
  ['block', 'target/block', 'virtio-mem'],
  ['dynamicMemslots', 'target/@dynamicMemslots', 'virtio-mem'],
  ['label', 'target/label/size', 'nvdimm'],
  ['readonly', 'target/readonly', 'nvdimm'],
  ['uuid', 'uuid', 'nvdimm'],
  ['source.path', 'source/path', 'nvdimm', 'virtio-pmem'],
  ['source.alignsize', 'source/alignsize', 'nvdimm'],
  ['source.pmem', 'source/pmem', 'nvdimm'],
  ['source.pagesize', 'source/pagesize', 'dimm', 'virtio-mem'],
  ['source.nodemask', 'source/nodemask', 'dimm', 'virtio-mem', 'sgx-epc'],
];
const VIRTIO = { '@model': ['virtio-mem', 'virtio-pmem'] };
const PMEM = { '@model': ['virtio-pmem'] };
const SGX = { '@model': ['sgx-epc'] };
const MEMSLOTS = { 'target/@dynamicMemslots': ['yes', 'no'] };
const PLUGGED = { '@model': ['dimm', 'nvdimm', 'virtio-mem', 'virtio-pmem'] };

const PARSED = 'virDomainMemoryDefParseXML: each model has parts of its own';
const PMEM_REASON = 'libvirt before 9.4.0 cannot start a domain that has a virtio-pmem';

/** True when the document has the amount that is asked for in whole KiB. */
function isRoundedUp(asked: Leaves, there: Leaves, path: string): boolean {
  const amount = path.replace(/\/@unit$/, '');
  const [wanted, stands] = [asked, there].map((leaves) => {
    const value = leaves.get(amount);
    return value !== undefined && /^\d+$/.test(value)
      ? bytesOfXml(value, leaves.get(`${amount}/@unit`), 'KiB')
      : undefined;
  });
  return wanted !== undefined && ((wanted + 1023n) / 1024n) * 1024n === stands;
}

export const memoryDevice: DeviceKind<MemoryDeviceSpec> = {
  element: 'memory',
  fields: {
    ...deviceFields,
    model: oneOf('@model', ['dimm', 'nvdimm', 'virtio-mem', 'virtio-pmem', 'sgx-epc']),
    size: sized('target/size'),
    node: integer('target/node'),
    requested: sized('target/requested'),
    block: sized('target/block'),
    source: group<MemorySourceSpec>({
      pagesize: sized('source/pagesize'),
      nodemask: text('source/nodemask', { pattern: /^[\d,^-]+$/, expected: "node numbers such as '0-1,3'" }),
      path: text('source/path', { pattern: /^\//, expected: 'an absolute path' }),
      alignsize: sized('source/alignsize'),
      pmem: present('source/pmem'),
    }),
    label: sized('target/label/size'),
    readonly: present('target/readonly'),
    dynamicMemslots: flag('target/@dynamicMemslots'),
    access: oneOf('@access', ['shared', 'private']),
    discard: flag('@discard'),
    uuid: uuid('uuid'),
  },
  required: ['model', 'size'],
  check(leaves, where) {
    const model = leaves.get('@model') ?? '';
    for (const [field, path, ...models] of ONLY) {
      if (leaves.has(path) && !models.includes(model))
        throw specInvalid(`${where}.${field}`, `a ${model} has none`, `Only ${models.join(', ')}`);
    }
    const needed = [
      ...(model === 'nvdimm' || model === 'virtio-pmem' ? (['source.path', 'source/path'] as const) : []),
      ...(model === 'virtio-mem' ? (['block', 'target/block'] as const) : []),
    ];
    const [field, path] = needed;
    if (field && path && !leaves.has(path)) throw specInvalid(`${where}.${field}`, 'is missing', `A ${model} needs it`);
    if (model === 'virtio-pmem' && leaves.has('target/node'))
      throw specInvalid(`${where}.node`, 'a virtio-pmem has none');
    if (model === 'virtio-pmem' && leaves.get('@access') === 'private')
      throw specInvalid(`${where}.access`, 'a virtio-pmem is shared');
    const amount = (leaf: string) => memoryDevice.fields[leaf as 'size'].decode(leaves);
    const [most, requested, block] = [amount('size'), amount('requested'), amount('block')].map((each) =>
      each === undefined ? undefined : BigInt(each),
    );
    if (most === undefined || requested === undefined) return;
    if (requested > most) throw specInvalid(`${where}.requested`, 'is more than size', 'Lower it');
    if (block && requested % block !== 0n) throw specInvalid(`${where}.requested`, 'is not a multiple of block');
  },
  // A slot's number is the module's name: its base address is there only while the guest runs.
  names: (leaves) => [
    leaves.get('address/@type') === 'dimm' ? `dimm ${plainNumber(leaves.get('address/@slot'))}` : undefined,
  ],
  unique: {},
  support: [
    cannot('attach', 'live', 'sgx-epc memory has no hot-plug', 'qemuDomainAttachMemory', SGX),
    cannot('detach', 'live', 'sgx-epc memory has no hot-plug', 'qemuDomainDetachDeviceLive', SGX),
    // libvirt attaches it all the same, and then cannot start the domain: "memory device info is not handled yet".
    ...(['live', 'config'] as const).flatMap((scope) => [
      can('attach', scope, 'qemuMonitorJSONGetMemoryDeviceInfo', { where: PMEM, since: '9.4.0' }),
      cannot('attach', scope, PMEM_REASON, 'qemuMonitorJSONGetMemoryDeviceInfo', PMEM),
      can('attach', scope, 'virDomainMemoryTargetDefParseXML', { where: MEMSLOTS, since: '10.1.0' }),
      cannot('attach', scope, 'dynamicMemslots needs libvirt 10.1.0', 'virDomainMemoryTargetDefParseXML', MEMSLOTS),
    ]),
    can('attach', 'live', 'qemuDomainAttachMemory'),
    // virtio_md_pci_unplug_request_cb; newer QEMU lets a virtio-mem go that the guest has emptied.
    cannot('detach', 'live', 'QEMU cannot unplug virtio memory devices', 'QEMU: device_del', VIRTIO),
    can('detach', 'live', 'qemuDomainDetachPrepMemory'),
    ...CONFIG,
  ],
  requires: [
    {
      where: PLUGGED,
      domain: 'maxMemory',
      reason: 'the domain is defined without maxMemory, so it has no slots for memory modules',
      remedy: 'Only another definition can give it some',
      source: 'virDomainDefCompatibleDevice',
    },
    {
      where: { '@model': ['dimm', 'nvdimm', 'virtio-mem'] },
      domain: 'cpu/numa/cell',
      reason: 'the domain is defined without a NUMA cell, which memory modules belong to',
      remedy: 'Only another definition can give it one (libvirt adds one by itself from 9.6.0 on)',
      source: 'qemuDomainDefValidateMemoryHotplug',
    },
    {
      scope: 'live',
      where: { '@model': ['dimm', 'nvdimm'] },
      domain: 'features/acpi | os/type[not(starts-with(@machine, "pc"))]',
      reason: 'the guest runs without ACPI, by which a PC hot-plugs memory',
      remedy: "Ask for scope: 'config' to have it from the next cold boot on",
      source: 'QEMU: pc_memory_pre_plug',
    },
    {
      scope: 'live',
      where: { '@model': ['nvdimm'] },
      domain: 'devices/memory[@model="nvdimm"]',
      reason: 'QEMU takes an NVDIMM only when the domain was started with one',
      remedy: "Ask for scope: 'config' to have it from the next cold boot on",
      source: 'qemuAppendDomainMemoryMachineParams',
    },
  ],
  updateConfig: true,
  // qemuDomainChangeMemoryLive tells QEMU the alias that the new element has.
  needsSeparateLiveUpdate: true,
  updates: [
    {
      path: 'target/requested',
      live: 'yes',
      where: { '@model': ['virtio-mem'] },
      since: '7.9.0',
      source: 'qemuDomainChangeMemoryLive',
    },
  ],
  // libvirt finds it by these, and an update of its size would leave the domain's total wrong.
  identity: [
    'alias',
    '@model',
    '@access',
    '@discard',
    'uuid',
    'source',
    'target/@dynamicMemslots',
    'target/size',
    'target/node',
    'target/block',
    'target/label',
    'target/readonly',
  ],
  abi: [
    '@model',
    'uuid',
    'source/alignsize',
    'source/pmem',
    'target/@dynamicMemslots',
    'target/size',
    'target/node',
    'target/block',
    'target/requested',
    'target/label',
    'target/readonly',
  ],
  liveOnly: [{ path: 'target/current' }, { path: 'address/@base', where: { 'address/@type': ['dimm'] } }],
  normal: [
    ...unread(PARSED, ['source/path'], { '@model': ['nvdimm', 'virtio-pmem'] }),
    ...unread(PARSED, ['source/alignsize', 'source/pmem', 'target/label', 'target/readonly', 'uuid'], {
      '@model': ['nvdimm'],
    }),
    ...unread(PARSED, ['source/pagesize', 'source/nodemask'], { '@model': ['dimm', 'virtio-mem', 'sgx-epc'] }),
    ...unread(PARSED, ['target/block', 'target/requested', 'target/current'], { '@model': ['virtio-mem'] }),
    ...unread(
      'qemuDomainAssignMemoryDeviceSlot',
      ['address'],
      { 'address/@type': ['dimm'] },
      { '@model': ['virtio-mem', 'virtio-pmem', 'sgx-epc'] },
    ),
    ...defaultValue(PARSED, { 'source/pagesize': /^0+$/ }),
    {
      path: /^target\/(size|requested|block)(\/@unit)?$/,
      there: isRoundedUp,
      source: 'virDomainParseMemory: rounded up to whole KiB',
    },
  ],
  // libvirt counts the module in (virDomainDefPostParseMemory).
  touches: ['memory', 'currentMemory'],
  bus(leaves) {
    const model = leaves.get('@model') ?? '';
    if (model.startsWith('virtio')) return { type: 'pci', slot: 'express' };
    return model === 'sgx-epc' ? undefined : { type: 'dimm' };
  },
};
