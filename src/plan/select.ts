import { type Device, type DomainDocument, describe, invalid, kindOf } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';

/** What a selector means: a name, and the kind it is to be looked up in. */
export interface Selected {
  readonly element: string | undefined;
  readonly name: string;
}

/** Reads a selector such as `{ disk: 'vdb' }` or `{ alias: 'ua-old' }`; `extra` are keys that may stand beside it. */
export function readSelector(selector: object, path: string, extra: readonly string[] = []): Selected {
  const entries = Object.entries(selector ?? {}).filter(([key]) => !extra.includes(key));
  const [key, name] = entries[0] ?? [];
  if (entries.length !== 1 || key === undefined) {
    throw invalid(
      path,
      'a device is named by one key, its kind or alias',
      "For example { disk: 'vdb' } or { alias: 'ua-data' }",
    );
  }
  if (typeof name !== 'string' || name === '')
    throw invalid(`${path}.${key}`, `${describe(name)} is no name of a device`);
  if (key === 'alias') return { element: undefined, name };
  return { element: kindOf(key, path).element, name };
}

/** The one device of a document that a selector means; undefined when there is none, `DEVICE_AMBIGUOUS` when there are more. */
export function findOne(document: DomainDocument, { element, name }: Selected, path: string): Device | undefined {
  const found =
    element === undefined
      ? document.devices.filter((device) => device.alias === name || device.userAlias === name)
      : document.find(element, name);
  if (found.length <= 1) return found[0];
  throw new LibvirtCanonicalError(
    'DEVICE_AMBIGUOUS',
    `${path}: ${name} names ${found.length} devices: ${found.map((each) => each.identity).join(', ')}`,
    {
      path,
      remedy: 'Name it by a user alias',
    },
  );
}
