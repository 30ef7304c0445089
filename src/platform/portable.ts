/** What the pure rooms need of the platform, in JavaScript alone: for browsers, and whatever else is not Node. */
import { sha256 as digest } from '@noble/hashes/sha2.js';
import { unzlibSync, zlibSync } from 'fflate';

const encoder = new TextEncoder();
/** Most bytes that are made characters at once: arguments of a call are limited. */
const PART = 0x8000;

/** The SHA-256 of a text in UTF-8. */
export function sha256(text: string, encoding: 'hex' | 'base64url'): string {
  const bytes = digest(encoder.encode(text));
  if (encoding === 'hex') return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return base64Of(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** A text as short text: zlib, in base64. */
export function deflated(text: string): string {
  return base64Of(zlibSync(encoder.encode(text), { level: 9 }));
}

/** What {@link deflated} made short; throws for anything else, and for what is longer than `most` bytes. */
export function inflated(base64: string, most: number): string {
  // Filled and cut off when there is more.
  const bytes = unzlibSync(bytesOf(base64), { out: new Uint8Array(most + 1) });
  if (bytes.length > most) throw new RangeError(`more than ${most} bytes`);
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

/** The bytes of a text in UTF-8. */
export function byteLength(text: string): number {
  return encoder.encode(text).length;
}

function base64Of(bytes: Uint8Array): string {
  let characters = '';
  for (let at = 0; at < bytes.length; at += PART) characters += String.fromCharCode(...bytes.subarray(at, at + PART));
  return btoa(characters);
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64.trim()), (character) => character.charCodeAt(0));
}
