import type { PlacementRequest } from './drain-request.js';
import { namedDomains } from './named.js';
import type { PlacementRules } from './placement.js';
import type { HostSight } from './sight.js';

/** What the rules of a placement are made from. */
export interface RulesFrom {
  /** For messages. */
  readonly method: string;
  readonly request: PlacementRequest;
  readonly sights: readonly HostSight[];
  /** The host that domains leave: what it lists counts for nothing by itself. */
  readonly source: string;
  /** Domains that no host lists. */
  readonly others?: ReadonlyArray<{ readonly name: string; readonly uuid: string }>;
}

/** Where the running domains of the other hosts are, with those that stay or that a host was given before, and the sets by UUID. */
export function rulesOf(
  { method, request, sights, source, others = [] }: RulesFrom,
  placedBefore: ReadonlyMap<string, string>,
): PlacementRules {
  const { spread = [], apart = [], together = [] } = request;
  const sets = (path: string, all: ReadonlyArray<readonly string[]>) =>
    all.map((names, at) => namedDomains(method, `${path}[${at}]`, names, sights, others));
  const residents = new Map<string, string>();
  for (const sight of sights)
    if (sight.is === 'there' && sight.member.name !== source)
      for (const { handle, running } of sight.domains) if (running) residents.set(handle.uuid, sight.member.name);
  for (const [uuid, host] of placedBefore) residents.set(uuid, host);
  const labels = new Map(sights.map(({ member }) => [member.name, member.labels]));
  return { spread, apart: sets('apart', apart), together: sets('together', together), residents, labels };
}
