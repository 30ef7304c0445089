import type { PlacementRequest } from './drain-request.js';
import { namedDomains } from './named.js';
import type { Placed } from './placement.js';
import type { HostSight } from './sight.js';

/** Domains in the order that a request asks for. */
export function inOrder<T extends Placed>(
  method: string,
  domains: readonly T[],
  { order = 'largest-first' }: PlacementRequest,
  sights: readonly HostSight[],
): T[] {
  const size = ({ needs }: T) => needs.hugePages.reduce((all, { bytes }) => all + bytes, needs.memory);
  const byName = (a: T, b: T) => (a.name < b.name ? -1 : 1);
  const sorted = [...domains].sort(
    order === 'by-name'
      ? byName
      : (a, b) => (order === 'smallest-first' ? size(a) - size(b) : size(b) - size(a)) || byName(a, b),
  );
  return typeof order === 'string' ? sorted : inOrderOf(sorted, namedDomains(method, 'order', order, sights, domains));
}

/** Those that are named first, as they are named; the others as they were. */
export function inOrderOf<T extends Placed>(domains: readonly T[], first: readonly string[]): T[] {
  const at = ({ uuid }: T) => (first.includes(uuid) ? first.indexOf(uuid) : first.length);
  return [...domains].sort((a, b) => at(a) - at(b));
}
