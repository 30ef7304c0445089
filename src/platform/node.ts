/** What the pure rooms need of the platform, by Node's built-ins. `portable.ts` has the same for all others: see package.json, `imports`. */
import { createHash } from 'node:crypto';
import { deflateSync, inflateSync } from 'node:zlib';

/** The SHA-256 of a text in UTF-8. */
export function sha256(text: string, encoding: 'hex' | 'base64url'): string {
  return createHash('sha256').update(text).digest(encoding);
}

/** A text as short text: zlib, in base64. */
export function deflated(text: string): string {
  return deflateSync(text, { level: 9 }).toString('base64');
}

/** What {@link deflated} made short; throws for anything else, and for what is longer than `most` bytes. */
export function inflated(base64: string, most: number): string {
  return inflateSync(Buffer.from(base64, 'base64'), { maxOutputLength: most }).toString();
}

/** The bytes of a text in UTF-8. */
export function byteLength(text: string): number {
  return Buffer.byteLength(text);
}
