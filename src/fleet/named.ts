import { LibvirtCanonicalError } from '../errors.js';
import { meant } from '../nearest.js';
import { shown } from '../options.js';
import type { HostSight } from './sight.js';

/** The UUIDs of domains of the fleet that a request names, by name or UUID, `others` being those that no host lists: `ARGUMENT_INVALID` for one that no host has, or several. */
export function namedDomains(
  method: string,
  path: string,
  names: readonly string[],
  sights: readonly HostSight[],
  others: ReadonlyArray<{ readonly name: string; readonly uuid: string }> = [],
): string[] {
  const listed = sights.flatMap((sight) => (sight.is === 'there' ? sight.domains.map(({ handle }) => handle) : []));
  const all = [...listed, ...others];
  return names.map((name, at) => {
    const found = new Set(all.filter((each) => each.name === name || each.uuid === name).map(({ uuid }) => uuid));
    const [uuid] = found;
    if (uuid !== undefined && found.size === 1) return uuid;
    const silent = sights.flatMap(({ is, member }) => (is === 'silent' ? member.name : []));
    const remedy = `${meant(
      name,
      all.map((each) => each.name),
    )}${found.size > 1 ? 'Name it by UUID' : silent.length > 0 ? `It may be on ${silent.join(', ')}, which did not answer` : 'Leave it out'}`;
    throw new LibvirtCanonicalError(
      'ARGUMENT_INVALID',
      `${method}: ${path}[${at}]: ${found.size > 1 ? 'several domains are' : 'no domain is'} called ${shown(name)}`,
      { path: `${path}[${at}]`, remedy },
    );
  });
}
