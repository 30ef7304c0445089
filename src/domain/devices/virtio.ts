import type { BusRequirement } from './kind.js';

/** Models of a virtio device that has no other name: modern and legacy as the machine has it, both, or modern only. */
export const VIRTIO_MODELS = ['virtio', 'virtio-transitional', 'virtio-non-transitional'] as const;

/** The slot that qemuDomainDeviceCalculatePCIConnectFlags asks for: a transitional device is a conventional PCI one. */
export function virtioSlot(model: string | undefined): BusRequirement {
  if (model === 'virtio-transitional') return { type: 'pci', slot: 'conventional' };
  // The models that are called by their generation are PCI devices on every machine.
  return { type: 'pci', slot: 'express', ...(model === 'virtio-non-transitional' ? {} : { virtio: true }) };
}
