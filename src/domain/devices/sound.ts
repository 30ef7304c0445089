import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A sound card. libvirt: `<sound>`. */
export type SoundSpec = DeviceSpecBase;

export const sound = xmlOnly('sound', {
  bus: (leaves) =>
    /^(ich|ac97|es1370)/.test(leaves.get('@model') ?? '') ? { type: 'pci', slot: 'conventional' } : undefined,
});
