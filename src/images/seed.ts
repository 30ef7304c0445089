import { assertKnownFields, formatValue, specInvalid } from '../domain/index.js';
import { type IsoFile, iso9660 } from './iso9660.js';

/** What cloud-init reads at the first boot (its NoCloud source). Each is the text of a file. */
export interface CloudInitSeed {
  /** `instance-id` and the like. A new `instance-id` runs cloud-init again. */
  readonly metaData: string;
  /** Begins with `#cloud-config`, `#!`, … May hold secrets: take the seed out once the guest has booted. */
  readonly userData: string;
  readonly networkConfig?: string;
  readonly vendorData?: string;
}

const FILES = {
  metaData: 'meta-data',
  userData: 'user-data',
  networkConfig: 'network-config',
  vendorData: 'vendor-data',
} as const;
/** Longest text: what fits is far less than any cloud takes. */
const MOST = 16 * 1024 * 1024;

/**
 * A seed as an image: ISO 9660 with Joliet names and the label `cidata`, by which cloud-init finds it on any disk. The same
 * texts make the same bytes.
 *
 * @throws LibvirtCanonicalError `SPEC_INVALID`, `SPEC_UNKNOWN_FIELD`
 */
export function cloudInitSeed(seed: CloudInitSeed): Uint8Array {
  assertKnownFields(seed, Object.keys(FILES), 'seed');
  const files = Object.entries(FILES).flatMap(([key, name]): IsoFile[] => {
    const text = seed[key as keyof CloudInitSeed];
    if (text === undefined && key !== 'metaData' && key !== 'userData') return [];
    if (typeof text !== 'string') throw specInvalid(`seed.${key}`, `${formatValue(text)} is not a text`);
    if (text.length > MOST) throw specInvalid(`seed.${key}`, 'is longer than 16 MiB');
    return [{ name, contents: new TextEncoder().encode(text) }];
  });
  return iso9660('cidata', files);
}
