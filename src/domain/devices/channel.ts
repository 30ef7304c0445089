import type { DeviceSpecBase } from './kind.js';
import { xmlOnly } from './xml-only.js';

/** A private channel between guest and host. libvirt: `<channel>`. */
export type ChannelSpec = DeviceSpecBase;

export const channel = xmlOnly('channel', { names: (leaves) => [leaves.get('target/@name')] });
