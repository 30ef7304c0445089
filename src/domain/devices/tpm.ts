import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A TPM. libvirt: `<tpm>`. */
export type TpmSpec = DeviceSpecBase;

export const tpm = xmlOnly('tpm', { names: () => ['tpm'] });
