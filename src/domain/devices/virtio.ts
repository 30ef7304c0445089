import type { BusDemand } from './kind.js';

/** Models of a virtio device that has no other name: modern and legacy as the machine has it, both, or modern only. */
export const VIRTIO_MODELS = ['virtio', 'virtio-transitional', 'virtio-non-transitional'] as const;

/** The slot that qemuDomainDeviceCalculatePCIConnectFlags asks for: a transitional device is a conventional PCI one. */
export function virtioSlot(model: string | undefined): BusDemand {
  return { type: 'pci', slot: model === 'virtio-transitional' ? 'conventional' : 'express' };
}
