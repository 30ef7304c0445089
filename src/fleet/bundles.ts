import { sha256 } from '#platform';
import type { DomainBundle } from '../evacuation/index.js';

/** The digest of a bundle: the same for the same machine and state, whenever it was exported. What stands in a store in its place. */
export function bundleDigest({ name, uuid, document, leftOut = [], nvram, tpm = [], autostart }: DomainBundle): string {
  const files = [nvram, ...tpm].map((file) => file && [file.path, file.base64]);
  const secrets = leftOut.map(({ subject, path }) => [subject, path]);
  return sha256(JSON.stringify([name, uuid, document, secrets, files, autostart]), 'hex');
}
