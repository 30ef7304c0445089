import type { DomainNeeds } from './needs.js';
import type { HostRoom, Lack } from './room.js';

/** A domain that looks for a host. */
export interface Placed {
  readonly uuid: string;
  readonly name: string;
  readonly needs: DomainNeeds;
}

/** Why a domain does not go to a host, or to none. */
export interface FleetRefusal {
  /** Name of the domain. */
  readonly domain: string;
  /** The host that it cannot go to; undefined when it is the domain's own. */
  readonly host: string | undefined;
  /** `capacity`, `apart`, `together`, `domain`, `machine`, `cpu`, or the identity of a device. */
  readonly subject: string;
  readonly reason: string;
  readonly remedy: string;
}

/** What placing goes by. Domains are named by UUID in here. */
export interface PlacementRules {
  /** Labels whose values the domains are to be spread over. */
  readonly spread: readonly string[];
  /** Sets of domains no two of which may be on one host. */
  readonly apart: ReadonlyArray<readonly string[]>;
  /** Sets of domains that have to be on one host. */
  readonly together: ReadonlyArray<readonly string[]>;
  /** Where the other domains of those sets are, and what the labels of the hosts are. */
  readonly residents: ReadonlyMap<string, string>;
  readonly labels: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** Whether a host takes a domain, apart from room: the refusals. Asked of one pair once at most, and only when it matters. */
export type Admits = (domain: Placed, host: string) => Promise<readonly FleetRefusal[]>;

/** Where each domain goes, and why the others go nowhere, by UUID. */
export interface Placement {
  readonly hosts: ReadonlyMap<string, string>;
  readonly refused: ReadonlyMap<string, readonly FleetRefusal[]>;
  /** The rooms as they are afterwards. */
  readonly rooms: readonly HostRoom[];
}

type Packing = (a: HostRoom, b: HostRoom) => number;
/** The host with most room first keeps the load even; the one with least keeps large gaps for large domains. */
const PACKINGS: readonly Packing[] = [(a, b) => b.left - a.left, (a, b) => a.left - b.left];

/**
 * Gives each domain a host, in the order given. Twice: by most room and by least, and what refuses fewer counts. That is no
 * optimum: there may be a way that neither finds, and then a host more, or another order, is what helps.
 */
export async function placed(
  domains: readonly Placed[],
  rooms: readonly HostRoom[],
  rules: PlacementRules,
  admits: Admits,
): Promise<Placement> {
  let best: Placement | undefined;
  for (const packing of PACKINGS) {
    const found = await packed(domains, rooms, rules, admits, packing);
    if (found.refused.size === 0) return found;
    if (!best || found.refused.size < best.refused.size) best = found;
  }
  return best as Placement;
}

async function packed(
  domains: readonly Placed[],
  before: readonly HostRoom[],
  rules: PlacementRules,
  admits: Admits,
  packing: Packing,
): Promise<Placement> {
  const rooms = before.map((room) => room.copy());
  const hosts = new Map<string, string>();
  const refused = new Map<string, readonly FleetRefusal[]>();
  const at = new Map(rules.residents);
  for (const unit of unitsOf(domains, rules.together)) {
    const tried: FleetRefusal[] = [];
    const room = await firstThatTakes(unit, inOrder(rooms, packing, rules, at), rules, at, admits, tried);
    for (const { uuid, name } of unit) {
      if (room) {
        hosts.set(uuid, room.name);
        at.set(uuid, room.name);
      } else refused.set(uuid, ownFirst(tried, name));
    }
  }
  return { hosts, refused, rooms };
}

/** Domains that have to be on one host are placed as one, when the first of them is. */
function unitsOf(domains: readonly Placed[], together: PlacementRules['together']): Placed[][] {
  const taken = new Set<string>();
  return domains.flatMap((domain) => {
    if (taken.has(domain.uuid)) return [];
    const unit = domains.filter(({ uuid }) => uuid === domain.uuid || linked(domain.uuid, uuid, together));
    for (const { uuid } of unit) taken.add(uuid);
    return [unit];
  });
}

/** Whether a chain of sets leads from one to the other. */
function linked(from: string, to: string, sets: PlacementRules['together']): boolean {
  const seen = new Set([from]);
  for (let size = 0; size !== seen.size; ) {
    size = seen.size;
    for (const set of sets) if (set.some((uuid) => seen.has(uuid))) for (const uuid of set) seen.add(uuid);
  }
  return seen.has(to);
}

/** Where fewest domains are by the labels first, then by the packing, then by name. */
function inOrder(
  rooms: readonly HostRoom[],
  packing: Packing,
  { spread, labels }: PlacementRules,
  at: ReadonlyMap<string, string>,
): HostRoom[] {
  const counts = spread.map((label) => {
    const count = new Map<string | undefined, number>();
    for (const host of at.values()) {
      const value = labels.get(host)?.[label];
      count.set(value, (count.get(value) ?? 0) + 1);
    }
    return ({ name }: HostRoom) => count.get(labels.get(name)?.[label]) ?? 0;
  });
  return [...rooms].sort((a, b) => {
    for (const count of counts) if (count(a) !== count(b)) return count(a) - count(b);
    return packing(a, b) || (a.name < b.name ? -1 : 1);
  });
}

/** The first host that takes all of a unit, with its room given away; what the others said is added to `tried`. */
async function firstThatTakes(
  unit: readonly Placed[],
  rooms: readonly HostRoom[],
  rules: PlacementRules,
  at: ReadonlyMap<string, string>,
  admits: Admits,
  tried: FleetRefusal[],
): Promise<HostRoom | undefined> {
  for (const room of rooms) {
    const said = unit.flatMap((domain) => apartFrom(domain, room.name, unit, rules, at));
    const rest = room.copy();
    for (const domain of unit) {
      if (said.length > 0) break;
      const lack = rest.lack(domain.needs);
      said.push(...(lack ? [noRoom(domain, room.name, lack)] : await admits(domain, room.name)));
      rest.take(domain.needs);
    }
    tried.push(...said);
    if (said.length > 0) continue;
    for (const { needs } of unit) room.take(needs);
    return room;
  }
  return undefined;
}

const noRoom = ({ name }: Placed, host: string, { reason, remedy }: Lack): FleetRefusal => ({
  domain: name,
  host,
  subject: 'capacity',
  reason,
  remedy,
});

/** What the sets say against a host. */
function apartFrom(
  { uuid, name }: Placed,
  host: string,
  unit: readonly Placed[],
  { apart, together }: PlacementRules,
  at: ReadonlyMap<string, string>,
): FleetRefusal[] {
  const own = new Set(unit.map((each) => each.uuid));
  const others = (sets: ReadonlyArray<readonly string[]>) =>
    sets.filter((set) => set.includes(uuid)).flatMap((set) => set.filter((other) => other !== uuid));
  const refusal = (subject: string, reason: string, remedy: string) => [
    { domain: name, host, subject, reason, remedy },
  ];
  if (others(apart).some((other) => at.get(other) === host || own.has(other)))
    return refusal(
      'apart',
      `a domain that it is to be apart from is on ${host}`,
      'Give more hosts, or leave it out of apart',
    );
  const elsewhere = others(together).find((other) => !own.has(other) && (at.get(other) ?? host) !== host);
  if (elsewhere !== undefined)
    return refusal(
      'together',
      `a domain that it is to be together with is on ${at.get(elsewhere)}`,
      'Let it go there, or leave it out of together',
    );
  return [];
}

/** Of what was tried for a unit, what is said of the domain itself first. */
function ownFirst(tried: readonly FleetRefusal[], name: string): FleetRefusal[] {
  return [...tried].sort((a, b) => Number(b.domain === name) - Number(a.domain === name));
}
