import { CPUSET } from '../json-schema.js';
import { pinAt, planPins } from './pin.js';
import type { Setting } from './setting.js';

/** `<cputune><emulatorpin>`, the CPUs of QEMU's own threads: virDomainPinEmulator. */
export const emulatorPin: Setting<string> = {
  name: 'emulatorPin',
  schema: CPUSET,
  sideEffects: ['cputune/emulatorpin'],
  paths: ['cputune/emulatorpin'],
  read: (document) => document.value('cputune/emulatorpin/@cpuset'),
  shown: pinAt,
  plan: (value, context, path) =>
    planPins(
      {
        name: 'emulatorPin',
        path,
        asked: { emulator: value },
        at: () => 'cputune/emulatorpin/@cpuset',
        call: (_, cpumap, flags) => ({ procedure: 'DOMAIN_PIN_EMULATOR', args: { cpumap, flags } }),
      },
      context,
    ),
};
