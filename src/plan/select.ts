import {
  type Device,
  type DomainDocument,
  formatValue,
  kindOf,
  type ObservedDomain,
  specInvalid,
} from '../domain/index.js';
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
    throw specInvalid(
      path,
      'a device is named by one key, its kind or alias',
      "For example { disk: 'vdb' } or { alias: 'ua-data' }",
    );
  }
  if (typeof name !== 'string' || name === '')
    throw specInvalid(`${path}.${key}`, `${formatValue(name)} is no name of a device`);
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
      remedy: 'Name it by its address, as devices() shows it',
    },
  );
}

/** The device that a selector means in each document that the scope names, found as one device in both. */
export interface Selection {
  readonly canonical: Device | undefined;
  readonly live: Device | undefined;
}

/**
 * Finds the device that a selector means. What one document finds by a name that only it has (libvirt's own alias) or by
 * its number or address is looked for in the other as that device.
 */
export function findBoth({ canonical, live }: ObservedDomain, selected: Selected, path: string): Selection {
  const inCanonical = findOne(canonical, selected, path);
  if (inCanonical) {
    const same = live?.counterpart(inCanonical);
    const namesake = same || !live ? undefined : findOne(live, selected, path);
    // Under one name each document may have another device; but not one that the other document has, too.
    return {
      canonical: inCanonical,
      live: same ?? (namesake && !canonical.counterpart(namesake) ? namesake : undefined),
    };
  }
  const inLive = live && findOne(live, selected, path);
  return { canonical: inLive && canonical.counterpart(inLive), live: inLive };
}
