import type { BusDemand, DeviceKind } from './kind.js';
import { xmlOnly } from './xml-only.js';

const EXPRESS: BusDemand = { type: 'pci', slot: 'express' };
const CONVENTIONAL: BusDemand = { type: 'pci', slot: 'conventional' };
const USB: BusDemand = { type: 'usb' };
const express = { bus: () => EXPRESS };

/** The kinds that are given and kept as XML. */
export const OTHERS: readonly DeviceKind[] = [
  xmlOnly('audio', { names: (leaves) => [leaves.get('@id')] }),
  xmlOnly('channel', { names: (leaves) => [leaves.get('target/@name')] }),
  xmlOnly('console', { names: (leaves) => [leaves.get('target/@port')] }),
  xmlOnly('crypto', express),
  xmlOnly('filesystem', { names: (leaves) => [leaves.get('target/@dir')], ...express }),
  xmlOnly('graphics', { names: (leaves) => [leaves.get('@type')] }),
  xmlOnly('hostdev'),
  xmlOnly('hub'),
  xmlOnly('input', {
    names: (leaves) => [`${leaves.get('@type')}-${leaves.get('@bus') ?? ''}`],
    bus: (leaves) => ({ usb: USB, virtio: EXPRESS })[leaves.get('@bus') ?? ''],
  }),
  xmlOnly('iommu', { names: () => ['iommu'] }),
  xmlOnly('lease', { names: (leaves) => [leaves.get('key')] }),
  xmlOnly('memballoon', { names: () => ['memballoon'], ...express }),
  xmlOnly('memory'),
  xmlOnly('nvram', { names: () => ['nvram'] }),
  xmlOnly('panic', { names: (leaves) => [leaves.get('@model')] }),
  xmlOnly('parallel', { names: (leaves) => [leaves.get('target/@port')] }),
  xmlOnly('pstore', { names: () => ['pstore'] }),
  xmlOnly('redirdev', { bus: () => USB }),
  xmlOnly('rng', express),
  xmlOnly('serial', { names: (leaves) => [leaves.get('target/@port')] }),
  xmlOnly('shmem', { names: (leaves) => [leaves.get('@name')], bus: () => CONVENTIONAL }),
  xmlOnly('smartcard'),
  xmlOnly('sound', {
    bus: (leaves) => (/^(ich|ac97|es1370)/.test(leaves.get('@model') ?? '') ? CONVENTIONAL : undefined),
  }),
  xmlOnly('tpm', { names: () => ['tpm'] }),
  xmlOnly('video', { bus: (leaves) => (leaves.get('model/@type') === 'virtio' ? EXPRESS : undefined) }),
  xmlOnly('vsock', { names: () => ['vsock'], ...express }),
  xmlOnly('watchdog', {
    names: (leaves) => [leaves.get('@model')],
    bus: (leaves) => (leaves.get('@model') === 'i6300esb' ? CONVENTIONAL : undefined),
  }),
];
