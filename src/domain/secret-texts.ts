import { detachedCopy, type LeafChange, type Leaves, serialize, setAt } from '../xml/index.js';
import { isSecret, type SecretOwner, secretPaths } from './devices/index.js';
import type { Device, DomainDocument } from './document.js';
import { domainLeaves } from './guest-abi/guest-abi.js';
import { REDACTED } from './operation.js';

/** A change as plans, reports and errors may show it. */
export function shownChange<T extends LeafChange>(owner: SecretOwner, change: T): T {
  if (!isSecret(owner, change.path)) return change;
  const { from, to } = change;
  return { ...change, from: from && REDACTED, to: to && REDACTED };
}

/** Returns the XML of a device as pictures and reports may show it: a word in the place of each secret. */
export function shownXml({ kind, element, leaves }: Device): string {
  const shown = detachedCopy(element);
  for (const path of secretPaths(kind, leaves)) setAt(shown, path, REDACTED);
  return serialize(shown);
}

/** A function that replaces in a text whatever may be a secret of these documents, as QEMU and libvirt quote it, by a word. */
export function secretsHidden(...documents: ReadonlyArray<DomainDocument | undefined>): (text: string) => string {
  const values = documents.flatMap((document) => (document ? secretValues(document) : []));
  // The name of an option is none, and says what is wrong with its value.
  const secrets = values.map((text) => text.trim()).filter((text) => text !== '' && !/^-[\w-]*$/.test(text));
  if (secrets.length === 0) return (text) => text;
  // The longest first: one may be a part of another.
  const quoted = [...new Set(secrets.flatMap((text) => [text, ...partsOf(text)]))].sort((a, b) => b.length - a.length);
  const escaped = quoted.map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const pattern = new RegExp(`(?<!\\w)(?:${escaped.join('|')})(?!\\w)`, 'g');
  const pieces = new Set(secrets.flatMap(windows));
  return (text) => withoutPieces(withoutCutEnd(text, quoted).replaceAll(pattern, REDACTED), pieces);
}

/** A log is read while QEMU writes it: it can end in the middle of a secret, of which no first part shows either. */
function withoutCutEnd(text: string, secrets: readonly string[]): string {
  const whole = text.trimEnd();
  const length = Math.max(...secrets.map((secret) => beginningAtEnd(whole, secret)));
  return length === 0 ? text : whole.slice(0, -length) + REDACTED + text.slice(whole.length);
}

/** How much of the beginning of a secret a text ends with, not in the middle of a word. */
function beginningAtEnd(text: string, secret: string): number {
  for (let length = Math.min(secret.length - 1, text.length); length > 0; length--)
    if (text.endsWith(secret.slice(0, length)) && !/\w/.test(text.charAt(text.length - length - 1))) return length;
  return 0;
}

/** libvirt's messages have a greatest length, and cut a long secret at either end: no long piece of one shows anywhere. */
function withoutPieces(text: string, pieces: ReadonlySet<string>): string {
  if (pieces.size === 0) return text;
  let shown = '';
  let end = 0;
  for (let at = 0; at + PIECE <= text.length; at++) {
    if (!pieces.has(text.slice(at, at + PIECE))) continue;
    // Pieces that overlap are one.
    if (at >= end) shown += text.slice(end, at) + REDACTED;
    end = at + PIECE;
  }
  return shown + text.slice(end);
}

function windows(secret: string): string[] {
  return Array.from({ length: Math.max(0, secret.length - PIECE + 1) }, (_, at) => secret.slice(at, at + PIECE));
}

/** So many characters of a secret in a row are a piece of it: fewer are words that a message has by itself. */
const PIECE = 16;

function secretValues(document: DomainDocument): string[] {
  const of = (owner: SecretOwner, all: Leaves) => secretPaths(owner, all).map((path) => all.get(path) ?? '');
  return [
    ...of('domain', domainLeaves(document)),
    ...document.devices.flatMap(({ kind, leaves: all }) => of(kind, all)),
  ];
}

/** QEMU takes a value apart at its commas, doubled where libvirt escapes them, and quotes the part that it does not like. */
function partsOf(text: string): string[] {
  const parts = text.split(',').map((part) => part.slice(part.indexOf('=') + 1).trim());
  return [text.replaceAll(',', ',,'), ...parts.filter(({ length }) => length >= SHORTEST_PART)];
}

/** `on`, `off` and small numbers say nothing, and would be hidden wherever they stand. */
const SHORTEST_PART = 4;
