import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { deviceKinds } from '../../../src/domain/index.js';
import { under } from '../../../src/xml/index.js';

const test = suite('what libvirt compares of each device, this library compares too');

const VIRTIO = ['driver/@iommu', 'driver/@ats', 'driver/@packed', 'driver/@page_per_vq'];
/** virDomainDefCheckABIStabilityFlags of libvirt 11.3, device by device, beside the address, which is compared for all. */
const COMPARED: Readonly<Record<string, readonly string[]>> = {
  disk: [
    ...['@device', '@model', 'target/@bus', 'target/@dev', 'target/@rotation_rate', 'serial', 'wwn', 'readonly'],
    ...['driver/@queues', 'driver/@queue_size', 'blockio/@logical_block_size', 'blockio/@physical_block_size'],
    ...['blockio/@discard_granularity', ...VIRTIO],
  ],
  controller: ['@type', '@index', '@model', '@ports', '@vectors', ...VIRTIO],
  filesystem: ['target/@dir', 'readonly', '@model', ...VIRTIO],
  interface: ['mac/@address', 'model/@type', 'mtu/@size', 'driver/@queues', ...VIRTIO],
  input: ['@type', '@bus', '@model', ...VIRTIO],
  sound: ['@model', '@multichannel'],
  video: [
    ...['type', 'ram', 'vram', 'vram64', 'vgamem', 'heads'].map((name) => `model/@${name}`),
    ...['model/acceleration/@accel2d', 'model/acceleration/@accel3d', ...VIRTIO],
  ],
  hostdev: ['@mode', '@type'],
  smartcard: [],
  hub: ['@type'],
  watchdog: ['@model'],
  rng: ['@model', ...VIRTIO],
  panic: ['@model'],
  serial: ['target/@type', 'target/model/@name', 'target/@port'],
  parallel: ['target/@port'],
  channel: ['target/@type', 'target/@name', 'target/@address', 'target/@port'],
  console: ['target/@type'],
  redirdev: ['@bus', '@type'],
  memballoon: ['@model', '@autodeflate', '@freePageReporting', ...VIRTIO],
  // Whether there is a server follows from the model (qemuDomainShmemDefPostParse).
  shmem: ['@role', 'model/@type', 'size', 'msi/@enabled'],
  tpm: ['@model', 'backend/@type', 'backend/@version', 'backend/active_pcr_banks/sha256'],
  memory: [
    ...['@model', 'uuid', 'source/alignsize', 'source/pmem', 'target/size', 'target/node', 'target/label/size'],
    ...['target/readonly', 'target/block', 'target/requested', 'target/@dynamicMemslots'],
  ],
  iommu: [
    '@model',
    ...['intremap', 'caching_mode', 'eim', 'iotlb', 'aw_bits', 'dma_translation'].map((name) => `driver/@${name}`),
  ],
  vsock: ['@model', ...VIRTIO],
  pstore: ['@backend', 'size'],
};
/** Kinds that libvirt's check does not look at. */
const NOT_COMPARED = ['lease', 'graphics', 'audio', 'crypto'];

for (const kind of deviceKinds()) {
  test(kind.element, () => {
    const fields = COMPARED[kind.element];
    if (fields === undefined) {
      assert.ok(NOT_COMPARED.includes(kind.element), `${kind.element} is in neither list`);
      return;
    }
    assert.equal(
      fields.filter((field) => !kind.abi.some((path) => under(field, path))),
      [],
    );
  });
}

test.run();
