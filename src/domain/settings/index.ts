import type { Setting } from '../operation.js';
import { autostart } from './autostart.js';
import { type MemoryRequest, memory } from './memory.js';
import { description, type MetadataRequest, metadata, title } from './metadata.js';
import { type VcpusRequest, vcpus } from './vcpus.js';

/** What `set` of a change request may hold. */
export interface SettingsRequest {
  /** Memory of the guest, within the maximum at once. */
  readonly memory?: MemoryRequest;
  /** Virtual CPUs, within the maximum at once. */
  readonly vcpus?: VcpusRequest;
  /** One line for people; null removes it. */
  readonly title?: string | null;
  /** Free text; null removes it. */
  readonly description?: string | null;
  /** Elements of one's own in `<metadata>`, by namespace URI. */
  readonly metadata?: MetadataRequest;
  /** Start with the host. */
  readonly autostart?: boolean;
}

/** Every setting, by the name it has in a request. The order is the order of their operations. */
export const SETTINGS: { readonly [K in keyof Required<SettingsRequest>]: Setting<NonNullable<SettingsRequest[K]>> } = {
  memory,
  vcpus,
  title: title as Setting<string>,
  description: description as Setting<string>,
  metadata,
  autostart,
};

export type { MemoryRequest } from './memory.js';
export type { MetadataRequest } from './metadata.js';
export type { VcpusRequest } from './vcpus.js';
