import { DEFINE_ONLY } from '../../../src/domain/define-only.js';
import { deviceKinds, SETTINGS, type Setting } from '../../../src/domain/index.js';

/** Who answers for a path of the domain document. */
export interface Owner {
  readonly path: string;
  /** `disk`, `set.vcpus`, `define-only`. */
  readonly owner: string;
  readonly since: string | undefined;
}

/** Every row of every table. */
export function owners(): Owner[] {
  const settings = Object.entries(SETTINGS as unknown as Readonly<Record<string, Setting<never>>>);
  return [
    ...deviceKinds().map(({ element, since }) => ({ path: `devices/${element}`, owner: element, since })),
    ...settings.flatMap(([name, { paths, since }]) => paths.map((path) => ({ path, owner: `set.${name}`, since }))),
    ...DEFINE_ONLY.map(({ path, since }) => ({ path, owner: 'define-only', since })),
  ];
}

/**
 * The one row that answers for a path: its own, or the nearest above it. Outside devices a row with rows below it answers
 * for its own element only, so that a part which no table names is not taken for owned.
 */
export function ownerOf(path: string, rows: readonly Owner[]): Owner | undefined {
  for (let at = path; at !== ''; at = at.slice(0, Math.max(at.lastIndexOf('/'), 0))) {
    const row = rows.find((each) => each.path === at);
    if (!row) continue;
    const inDevice = at.startsWith('devices/');
    const divided = rows.some((each) => each.path.startsWith(`${at}/`) && !each.path.startsWith(`${at}/@`));
    return at !== path && divided && !inDevice && !path.includes('@') ? undefined : row;
  }
  return undefined;
}
