import { DomainAccess } from '../apply/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { type SurveyedDisk, type SurveyedDomain, surveyDestination, surveySource } from '../migration/index.js';
import { type DrainRequest, type Fate, fateOf, keptFree, plainRequest } from './drain-request.js';
import { checkHostName } from './hosts.js';
import { inLanes } from './lanes.js';
import type { Member } from './member.js';
import { type DomainNeeds, NOTHING, needsOf } from './needs.js';
import { inOrder, inOrderOf } from './order.js';
import { type FleetRefusal, type Placed, type PlacementRules, placed } from './placement.js';
import { FleetPlan } from './plan.js';
import type { FleetNote, PlannedDomain, PlannedHost } from './plan-parts.js';
import { blocking, notesOf, refusalOf } from './refusals.js';
import type { HostRoom } from './room.js';
import { rulesOf } from './rules.js';
import { type HostSight, havingOf, type ListedDomain, roomOf, type Seen, sightsOf } from './sight.js';
import { marksOf } from './where.js';

/** Domains that are looked at at a time. */
const LANES = 4;

/** A domain of the host, looked at. */
interface Leaving extends Placed {
  readonly running: boolean;
  readonly fate: Fate;
  /** By the way that it would go: what was read, and what stands in the way at the source. */
  readonly surveys: Partial<Record<'live' | 'cold', SurveyedDomain>>;
  readonly blocked: readonly FleetRefusal[];
}

/** The targets that domains have been given before, by UUID, and the order in which they were. */
export interface FixedTargets {
  readonly targets: ReadonlyMap<string, string>;
  readonly order: readonly string[];
}

/** What else a plan is made from. */
export interface DrainBasis {
  /** Of a plan that is held to the hosts once more. */
  readonly fixed?: FixedTargets;
  /** Hosts as they were read already. */
  readonly sights?: readonly HostSight[];
  /** Moves of plans that are carried out before it. */
  readonly before?: readonly PlannedDomain[];
}

/** Makes the plan of a drain: see `Fleet.planDrain`. Reads only. */
export async function planDrain(
  members: readonly Member[],
  host: string,
  request: DrainRequest,
  basis: DrainBasis = {},
): Promise<FleetPlan> {
  const names = members.map(({ name }) => name);
  checkHostName('planDrain', 'host', host, names);
  for (const [at, name] of (request.to ?? []).entries()) {
    checkHostName('planDrain', `to[${at}]`, name, names);
    if (name === host) throw ownTarget(host, at);
  }
  const { signal } = request;
  const { fixed } = basis;
  const sights = basis.sights ?? (await sightsOf(members, signal));
  const source = sights.find(({ member }) => member.name === host) as HostSight;
  if (source.is === 'silent')
    throw new LibvirtCanonicalError('DAEMON_UNREACHABLE', `planDrain: ${host} did not answer (${source.why})`, {
      remedy: 'A host that is dead is evacuated, after a proof that it is off',
    });
  const targets = sights.filter((sight): sight is Seen => isTarget(sight, source, request));
  const leaving = await inLanes(source.domains, LANES, (domain) => lookAt(domain, source, sights, request));
  const drain = new Drain(source, targets, sights, request, basis);
  return drain.plan(fixed ? inOrderOf(leaving, fixed.order) : inOrder('planDrain', leaving, request, sights));
}

function isTarget(sight: HostSight, source: Seen, { to }: DrainRequest): boolean {
  if (sight.is === 'silent' || sight.info.uuid === source.info.uuid) return false;
  return to === undefined ? sight.member !== source.member : to.includes(sight.member.name);
}

const ownTarget = (host: string, at: number): LibvirtCanonicalError =>
  new LibvirtCanonicalError('ARGUMENT_INVALID', `planDrain: to[${at}]: ${host} is the host that is to be empty`, {
    path: `to[${at}]`,
  });

/** Looks at one domain: what it takes, what stands in its way here, and what is to become of it then. */
async function lookAt(
  { handle, running }: ListedDomain,
  source: Seen,
  sights: readonly HostSight[],
  request: DrainRequest,
): Promise<Leaving> {
  const { name, uuid } = handle;
  const nothing = { uuid, name, running, needs: NOTHING, fate: 'refuse', surveys: {}, blocked: [] } as const;
  if (!running && request.off !== 'cold') return { ...nothing, fate: 'stay' };
  const twice = await alsoOn(uuid, name, source, sights, request.signal);
  if (twice.length > 0) return { ...nothing, blocked: twice };
  const mode = running ? 'live' : 'cold';
  const answer = await source.member.ask(async (connection, call) => {
    const reader = new DomainAccess(connection, handle);
    const first = await surveySource(reader, mode, call);
    const title = first.context.canonical.value('title');
    const said = fateOf({ name, uuid, title }, request);
    // One that is off cannot be shut down: whatever else was said, it stays.
    const fate = running || said === 'refuse' ? said : 'stay';
    const cold = running && fate === 'cold' ? await surveySource(reader, 'cold', call) : undefined;
    const needs: DomainNeeds = first.context.live ? needsOf(first.context.live) : NOTHING;
    return { first, fate, cold, needs };
  }, request.signal);
  if (answer.is === 'silent') {
    const remedy = 'Plan again when it answers';
    return {
      ...nothing,
      blocked: [refusalOf(name, undefined, 'domain', `it could not be looked at: ${answer.why}`, remedy)],
    };
  }
  const { first, fate, cold, needs } = answer.value;
  const surveys = { [mode]: first, ...(cold && { cold }) };
  return { uuid, name, running, needs, fate, surveys, blocked: blocking(name, undefined, first.findings) };
}

/** Other hosts that have the same domain: which one is true nobody can tell from here, unless it is what a dead host left. */
function alsoOn(
  uuid: string,
  name: string,
  source: Seen,
  sights: readonly HostSight[],
  signal: AbortSignal | undefined,
): Promise<FleetRefusal[]> {
  const having = havingOf(uuid, sights, ({ info }) => info.uuid !== source.info.uuid);
  return Promise.all(
    having.map(async ({ member, handle, running }) => {
      const host = member.name;
      const is = running ? 'running' : 'off';
      const answer = running
        ? undefined
        : await member.ask((connection, call) => marksOf(connection, handle, call), signal);
      const left = answer?.is === 'answered' && answer.value.quarantine !== undefined;
      const reason = left ? `what ${host} was left with is there still, in quarantine` : `${host} has it too, ${is}`;
      const remedy = left
        ? `Undefine that first: fleet.steps.release({ domain: { name: '${name}', uuid: '${uuid}' }, from: '${host}', does: 'undefine' })`
        : 'Look at both with where(), and undefine the one that is left over';
      return refusalOf(name, host, 'domain', reason, remedy);
    }),
  );
}

/** What was learned of one domain on one target. */
interface Looked {
  readonly refusals: readonly FleetRefusal[];
  readonly notes: readonly FleetNote[];
  readonly copies: readonly string[];
  readonly shared: readonly string[];
}

/** One drain while its plan is made. */
class Drain {
  readonly #source: Seen;
  readonly #targets: readonly Seen[];
  readonly #sights: readonly HostSight[];
  readonly #request: DrainRequest;
  readonly #fixed: FixedTargets | undefined;
  readonly #before: readonly PlannedDomain[];
  readonly #looked = new Map<string, Promise<Looked>>();

  constructor(
    source: Seen,
    targets: readonly Seen[],
    sights: readonly HostSight[],
    request: DrainRequest,
    { fixed, before = [] }: DrainBasis,
  ) {
    this.#source = source;
    this.#targets = targets;
    this.#sights = sights;
    this.#request = request;
    this.#fixed = fixed;
    this.#before = before;
  }

  async plan(leaving: readonly Leaving[]): Promise<FleetPlan> {
    const rooms = this.#targets.map((sight) => this.#room(sight));
    const first = leaving.filter(({ blocked, surveys }) => blocked.length === 0 && (surveys.live ?? surveys.cold));
    const rest = leaving.filter((domain) => !first.includes(domain));
    const moving = await this.#place(first, rooms, rest, (domain) => (domain.running ? 'live' : 'cold'));
    const failed = [...rest, ...first.filter(({ uuid }) => moving.refused.has(uuid))];
    // Those that may be shut down to move come after the others, so that they keep nobody from running on.
    const cold = failed.filter(({ fate, surveys }) => fate === 'cold' && surveys.cold);
    const coldly = await this.#place(cold, moving.rooms, failed, () => 'cold', moving.hosts);
    const domains: PlannedDomain[] = [];
    for (const domain of leaving) {
      const why = [...domain.blocked, ...(moving.refused.get(domain.uuid) ?? [])];
      const live = moving.hosts.get(domain.uuid);
      const to = live ?? coldly.hosts.get(domain.uuid);
      if (to !== undefined) domains.push(await this.#move(domain, to, live !== undefined && domain.running, why));
      else domains.push(left(domain, [...why, ...(coldly.refused.get(domain.uuid) ?? [])]));
    }
    return new FleetPlan({
      kind: 'drain',
      host: this.#source.member.name,
      domains,
      hosts: this.#hosts(domains, coldly.rooms),
      request: plainRequest(this.#request),
      notes: this.#notes(domains),
    });
  }

  #place(
    domains: readonly Leaving[],
    rooms: readonly HostRoom[],
    staying: readonly Leaving[],
    way: (domain: Leaving) => 'live' | 'cold',
    placedBefore: ReadonlyMap<string, string> = new Map(),
  ) {
    const ways = new Map(domains.map((domain) => [domain.uuid, way(domain)]));
    const byUuid = new Map(domains.map((domain) => [domain.uuid, domain]));
    const admits = async ({ uuid }: Placed, host: string) => {
      const fixed = this.#fixed?.targets.get(uuid);
      const domain = byUuid.get(uuid) as Leaving;
      if (this.#fixed && fixed !== host)
        return [refusalOf(domain.name, host, 'domain', 'the plan has it elsewhere', 'Plan again')];
      return (await this.#look(domain, host, ways.get(uuid) as 'live' | 'cold')).refusals;
    };
    return placed(domains, rooms, this.#rules(staying, domains, placedBefore), admits);
  }

  #rules(
    staying: readonly Leaving[],
    placing: readonly Leaving[],
    before: ReadonlyMap<string, string>,
  ): PlacementRules {
    const stays = staying.filter(({ uuid, running }) => running && !placing.some((each) => each.uuid === uuid));
    const source = this.#source.member.name;
    const earlier = this.#before.map(({ uuid, to = '' }) => [uuid, to] as const);
    const at = new Map([...earlier, ...stays.map(({ uuid }) => [uuid, source] as const), ...before]);
    return rulesOf({ method: 'planDrain', request: this.#request, sights: this.#sights, source }, at);
  }

  /** One domain on one target, once for each way. */
  #look(domain: Leaving, host: string, way: 'live' | 'cold'): Promise<Looked> {
    const key = `${way} ${domain.uuid} ${host}`;
    const known = this.#looked.get(key) ?? this.#survey(domain, host, way);
    this.#looked.set(key, known);
    return known;
  }

  async #survey({ name, surveys }: Leaving, host: string, way: 'live' | 'cold'): Promise<Looked> {
    const { member } = this.#targets.find((each) => each.member.name === host) as Seen;
    const survey = surveys[way] as SurveyedDomain;
    const own = blocking(name, undefined, survey.findings);
    if (own.length > 0) return { refusals: own, notes: [], copies: [], shared: [] };
    const { paths, graphics } = member.migration;
    const { files } = member;
    const answer = await member.ask(
      (connection, call) =>
        surveyDestination(survey, connection, { ...(paths && { paths }), ...(graphics && { graphics }), files }, call),
      this.#request.signal,
    );
    if (answer.is === 'silent') {
      const reason = `it could not be asked: ${answer.why}`;
      return {
        refusals: [refusalOf(name, host, 'domain', reason, 'Plan again when it answers')],
        notes: [],
        copies: [],
        shared: [],
      };
    }
    const { findings, disks } = answer.value;
    const storage = disks.map((disk) => storageOf(disk, name, host, this.#request));
    return {
      refusals: [...blocking(name, host, findings), ...storage.flatMap(({ refusal }) => refusal ?? [])],
      notes: [...notesOf([...survey.findings, ...findings]), ...storage.flatMap(({ note }) => note ?? [])],
      copies: storage.flatMap(({ copy }) => copy ?? []),
      shared: storage.flatMap(({ shared }) => shared ?? []),
    };
  }

  async #move(domain: Leaving, to: string, live: boolean, because: readonly FleetRefusal[]): Promise<PlannedDomain> {
    const { name, uuid, running, needs } = domain;
    const { notes, copies, shared } = await this.#look(domain, to, live ? 'live' : 'cold');
    const way = !live ? 'cold' : copies.length > 0 ? 'block' : 'live';
    return {
      name,
      uuid,
      running,
      needs,
      does: 'move',
      way,
      to,
      copies,
      shared,
      notes,
      because: live || !running ? [] : because,
    };
  }

  /** The room on a host once the moves before this plan are made. */
  #room(sight: Seen): HostRoom {
    const room = roomOf(sight, (total) => keptFree(total, this.#request));
    for (const { to, needs } of this.#before) if (to === sight.member.name) room.take(needs);
    return room;
  }

  #hosts(domains: readonly PlannedDomain[], rooms: readonly HostRoom[]): PlannedHost[] {
    return this.#sights.map((sight): PlannedHost => {
      const { name, labels } = sight.member;
      if (sight.is === 'silent') return { name, labels, role: 'other', silent: sight.why };
      const before = this.#room(sight).figures;
      if (sight !== this.#source) {
        const room = rooms.find((each) => each.name === name);
        return { name, labels, role: room ? 'target' : 'other', before, after: room?.figures ?? before };
      }
      const room = this.#room(sight);
      for (const { running, does, needs } of domains)
        if (running && (does === 'move' || does === 'shutdown')) room.release(needs);
      return { name, labels, role: 'source', before, after: room.figures };
    });
  }

  #notes(domains: readonly PlannedDomain[]): string[] {
    const { to } = this.#request;
    const silent = this.#sights.flatMap(({ is, member }) =>
      is === 'silent' && (to === undefined || to.includes(member.name)) ? member.name : [],
    );
    const same = this.#sights.flatMap((sight) =>
      sight !== this.#source && sight.is === 'there' && sight.info.uuid === this.#source.info.uuid
        ? sight.member.name
        : [],
    );
    return [
      ...silent.map((name) => `${name} did not answer, so it is no target; a domain of this host may run there too`),
      ...same.map((name) => `${name} is the same host by its UUID, so it is no target`),
      ...(this.#targets.length === 0 ? ['there is no target'] : []),
      ...(domains.some(({ does, way }) => does === 'move' && way !== 'cold')
        ? [
            'nothing was written for this plan: each move still asks libvirt itself, and proves its storage, before it begins',
          ]
        : []),
    ];
  }
}

/** A domain that goes nowhere. */
function left({ name, uuid, running, needs, fate }: Leaving, because: readonly FleetRefusal[]): PlannedDomain {
  const does = fate === 'stay' || fate === 'shutdown' ? fate : 'refused';
  return { name, uuid, running, needs, does, copies: [], shared: [], notes: [], because };
}

/** What the storage of a disk means for the plan. */
function storageOf(
  { identity, name, destination, storage }: SurveyedDisk,
  domain: string,
  host: string,
  { storage: how = 'prove' }: DrainRequest,
): { readonly refusal?: FleetRefusal; readonly note?: FleetNote; readonly copy?: string; readonly shared?: string } {
  const unknown = (problem: string, remedy: string) => ({
    note: { severity: 'unknown', subject: identity, problem, remedy } as const,
  });
  if (storage === 'shared') return {};
  if (storage === 'separate') {
    if (how === 'copy') return { copy: name };
    const reason = `its storage, ${destination}, is not there`;
    return { refusal: refusalOf(domain, host, identity, reason, "Bring it there, or ask for storage: 'copy'") };
  }
  if (storage === 'unproved') {
    const problem = `whether ${destination} is the same file on both hosts is not told by reading`;
    return unknown(problem, 'The move proves it before it begins');
  }
  if (how === 'shared') {
    const problem = 'that both hosts have its storage is your word';
    return { shared: name, ...unknown(problem, 'See that they do: a domain on other storage loses its data') };
  }
  const reason = 'no call tells whether both hosts have its storage';
  return { refusal: refusalOf(domain, host, identity, reason, "Say so with storage: 'shared' when they do") };
}
