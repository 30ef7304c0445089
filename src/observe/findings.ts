import type { LibvirtCanonicalError } from '../errors.js';
import type { EventDevice, EventDomain, EventGap } from '../events/index.js';
import type { DomainLog } from '../power/index.js';
import type { Drift } from './drift.js';

/**
 * What a watch looked at the canonical document for: a definition, metadata, a gap, its beginning, or the time. libvirt 11.3
 * says `defined` of every change of the document; 9.0 only of a definition, and the others are found in time.
 */
export type DriftOccasion = 'start' | 'defined' | 'metadata' | 'gap' | 'interval';

/** What a watch tells, with its domain. */
export type Finding =
  | {
      /**
       * The canonical document is another than this library left it, or another than at the last look; with no changes and
       * an intact seal, it was taken back or accepted.
       */
      readonly type: 'drift';
      readonly domain: EventDomain;
      readonly drift: Drift;
      readonly occasion: DriftOccasion;
    }
  | {
      /** The domain cannot be read, so that nothing can be told of its document; told once, until it can be read again. */
      readonly type: 'unreadable';
      readonly domain: EventDomain;
      readonly error: LibvirtCanonicalError;
    }
  | {
      /** The guest has let go of a device, however late. */
      readonly type: 'device-removed';
      readonly domain: EventDomain;
      readonly device: EventDevice;
      /** Whether the canonical document still has it. `unknown`: the alias is libvirt's own, and no document told whose. */
      readonly nextBoot: 'back' | 'gone' | 'unknown';
    }
  | {
      /** The guest refused to let go of a device. */
      readonly type: 'device-removal-failed';
      readonly domain: EventDomain;
      readonly device: EventDevice;
    }
  | {
      /** QEMU ended by itself (`failed`), or was ended because of it (`crashed`). Also a start that failed. */
      readonly type: 'crash';
      readonly domain: EventDomain;
      readonly detail: 'failed' | 'crashed';
      readonly log: DomainLog;
    }
  | {
      /** The guest's kernel panicked and told its panic device. `crashloaded`: it boots its crash kernel by itself. */
      readonly type: 'guest-panic';
      readonly domain: EventDomain;
      readonly detail: 'panicked' | 'crashloaded' | 'unknown';
    }
  | {
      /** The guest stands still since a disk failed; each disk told once, until it runs again. `resume()` tries again. */
      readonly type: 'io-error';
      readonly domain: EventDomain;
      readonly device: EventDevice;
      /** The disk's target. */
      readonly target: string | undefined;
      /** The image. */
      readonly path: string;
      /** `enospc`: the storage is full. Undefined: libvirt says no more. */
      readonly reason: string | undefined;
    }
  | EventGap;
