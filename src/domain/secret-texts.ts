import type { LeafChange, Leaves } from '../xml/index.js';
import { isSecret, type SecretOwner, secretPaths } from './devices/index.js';
import type { DomainDocument } from './document.js';
import { domainLeaves } from './guest-abi/guest-abi.js';
import { HIDDEN } from './operation.js';

/** A change as plans, reports and errors may show it. */
export function shownChange<T extends LeafChange>(owner: SecretOwner, change: T): T {
  if (!isSecret(owner, change.path)) return change;
  const { from, to } = change;
  return { ...change, from: from && HIDDEN, to: to && HIDDEN };
}

/** A function that replaces in a text whatever may be a secret of these documents, as QEMU and libvirt quote it, by a word. */
export function secretsHidden(...documents: ReadonlyArray<DomainDocument | undefined>): (text: string) => string {
  const values = documents.flatMap((document) => (document ? secretValues(document) : []));
  // The name of an option is none, and says what is wrong with its value.
  const secrets = values.map((text) => text.trim()).filter((text) => text !== '' && !/^-[\w-]*$/.test(text));
  if (secrets.length === 0) return (text) => text;
  // The longest first: one may be a part of another.
  const quoted = [...new Set(secrets.flatMap((text) => [text, ...partsOf(text)]))]
    .sort((a, b) => b.length - a.length)
    .map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  const pattern = new RegExp(`(?<!\\w)(?:${quoted.join('|')})(?!\\w)`, 'g');
  return (text) => text.replaceAll(pattern, HIDDEN);
}

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
