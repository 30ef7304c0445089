import type { Size } from '../values.js';
import { flag, group, integer, oneOf, size, type VirtioDriverSpec, virtioDriverFields } from './fields.js';

/** How QEMU drives an image. libvirt: `<driver>` of a disk. */
export interface DiskDriverSpec extends VirtioDriverSpec {
  readonly cache?: 'default' | 'none' | 'writethrough' | 'writeback' | 'directsync' | 'unsafe' | undefined;
  readonly io?: 'native' | 'threads' | 'io_uring' | undefined;
  /** Whether the guest's discards (TRIM) reach the image. */
  readonly discard?: 'ignore' | 'unmap' | undefined;
  /** A discard keeps the place in a qcow2 image. libvirt 9.5.0 */
  readonly discardNoUnref?: boolean | undefined;
  readonly detectZeroes?: 'off' | 'on' | 'unmap' | undefined;
  /** What to do about write errors; about read errors too, unless `rerrorPolicy` says otherwise. */
  readonly errorPolicy?: 'stop' | 'report' | 'ignore' | 'enospace' | undefined;
  readonly rerrorPolicy?: 'stop' | 'report' | 'ignore' | undefined;
  readonly ioeventfd?: boolean | undefined;
  readonly eventIdx?: boolean | undefined;
  /** Keep in the image what was read from its backing file. */
  readonly copyOnRead?: boolean | undefined;
  /** Number of the domain's I/O thread that serves the disk (virtio). */
  readonly iothread?: number | undefined;
  /** Queues of a virtio disk. */
  readonly queues?: number | undefined;
  /** Length of each queue of a virtio disk. libvirt 7.8.0 */
  readonly queueSize?: number | undefined;
  /** Cache of a qcow2 image's tables. libvirt 7.0.0 */
  readonly metadataCache?: { readonly maxSize?: Size | undefined } | undefined;
}

/** The fields of {@link DiskDriverSpec}. */
export const diskDriverFields = {
  cache: oneOf('driver/@cache', ['default', 'none', 'writethrough', 'writeback', 'directsync', 'unsafe']),
  io: oneOf('driver/@io', ['native', 'threads', 'io_uring']),
  discard: oneOf('driver/@discard', ['ignore', 'unmap']),
  discardNoUnref: flag('driver/@discard_no_unref', 'on', 'off'),
  detectZeroes: oneOf('driver/@detect_zeroes', ['off', 'on', 'unmap']),
  errorPolicy: oneOf('driver/@error_policy', ['stop', 'report', 'ignore', 'enospace']),
  rerrorPolicy: oneOf('driver/@rerror_policy', ['stop', 'report', 'ignore']),
  ioeventfd: flag('driver/@ioeventfd', 'on', 'off'),
  eventIdx: flag('driver/@event_idx', 'on', 'off'),
  copyOnRead: flag('driver/@copy_on_read', 'on', 'off'),
  iothread: integer('driver/@iothread', { min: 1 }),
  queues: integer('driver/@queues', { min: 1, max: 1024 }),
  queueSize: integer('driver/@queue_size', { min: 2, max: 1024 }),
  metadataCache: group({
    maxSize: size('driver/metadata_cache/max_size', { unitPath: 'driver/metadata_cache/max_size/@unit' }),
  }),
  ...virtioDriverFields,
};
