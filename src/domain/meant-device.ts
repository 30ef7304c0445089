import { meant } from '../nearest.js';
import type { DomainDocument } from './document.js';

/** `Did you mean NAME? ` when a device of these documents, of this kind if one is given, has a name near enough, else nothing. */
export function meantDevice(
  documents: ReadonlyArray<DomainDocument | undefined>,
  element: string | undefined,
  name: string,
): string {
  const devices = documents.flatMap((document) => document?.devices ?? []);
  const names = devices.flatMap(({ kind, names }) => (element === undefined || kind.element === element ? names : []));
  return meant(name, names);
}
