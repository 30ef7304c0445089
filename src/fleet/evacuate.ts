import { DomainDocument } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { checkImport, type DomainBundle, type ImportOptions, parseBundle } from '../evacuation/index.js';
import { checkOptions, LIST, words } from '../options.js';
import { bundleDigest } from './bundles.js';
import {
  chooses,
  type DomainChoice,
  keptFree,
  PLACEMENT,
  type PlacementRequest,
  plainRequest,
} from './drain-request.js';
import { checkHostName, checkHostNames } from './hosts.js';
import type { Member } from './member.js';
import { NOTHING, needsOf } from './needs.js';
import { inOrder } from './order.js';
import { type FleetRefusal, type Placed, placed } from './placement.js';
import { FleetPlan } from './plan.js';
import type { FleetNote, PlannedDomain, PlannedHost } from './plan-parts.js';
import { blocking, notesOf, refusalOf } from './refusals.js';
import type { HostRoom } from './room.js';
import { rulesOf } from './rules.js';
import { type HostSight, havingOf, roomOf, type Seen, sightsOf } from './sight.js';

/** What `fleet.planEvacuate` is asked for. */
export interface EvacuateRequest extends PlacementRequest {
  /** The domains of the dead host, each as it was exported last: values, or their JSON text. */
  readonly bundles: ReadonlyArray<DomainBundle | string>;
  /** Which of them are to run afterwards; the others are defined only. A bundle does not tell whether its domain ran. Default `all`. */
  readonly start?: 'all' | 'autostart' | DomainChoice | undefined;
  /** Bundles that left secrets out: `refuse` (default), or import `without` them. */
  readonly leftOutSecrets?: ImportOptions['leftOutSecrets'] | undefined;
}

/** A domain of the dead host. */
interface Lost extends Placed {
  readonly bundle: DomainBundle;
  readonly running: boolean;
  readonly blocked: readonly FleetRefusal[];
}

/** Checks a request: `ARGUMENT_INVALID` with the path. */
export function checkEvacuate(request: unknown): void {
  checkOptions<EvacuateRequest>(
    'planEvacuate',
    request ?? null,
    {
      ...PLACEMENT,
      bundles: LIST,
      start: {
        takes: "'all', 'autostart', an array of names or UUIDs, or a function",
        fits: (value) =>
          ['all', 'autostart'].includes(value as string) || typeof value === 'function' || LIST.fits(value),
        words: ['all', 'autostart'],
      },
      leftOutSecrets: words('refuse', 'without'),
    },
    { needs: ['bundles'] },
  );
}

/** Makes the plan of an evacuation: see `Fleet.planEvacuate`. Reads only. */
export async function planEvacuate(
  members: readonly Member[],
  host: string,
  request: EvacuateRequest,
): Promise<FleetPlan> {
  const names = members.map(({ name }) => name);
  checkHostName('planEvacuate', 'host', host, names);
  checkHostNames('planEvacuate', 'to', request.to, names);
  const bundles = request.bundles.map(parseBundle);
  const sights = await sightsOf(members, request.signal);
  const targets = sights.filter(
    (sight): sight is Seen =>
      sight.is === 'there' && sight.member.name !== host && (request.to?.includes(sight.member.name) ?? true),
  );
  const lost = inOrder(
    'planEvacuate',
    bundles.map((bundle) => lostOf(bundle, host, sights, bundles, request)),
    request,
    sights,
  );
  const rooms = targets.map((sight) => roomOf(sight, (total) => keptFree(total, request)));
  const able = lost.filter(({ blocked }) => blocked.length === 0);
  const looked = new Map<string, { refusals: FleetRefusal[]; notes: FleetNote[] }>();
  const rules = rulesOf({ method: 'planEvacuate', request, sights, source: host, others: bundles }, new Map());
  const {
    hosts,
    refused,
    rooms: after,
  } = await placed(able, rooms, rules, async (domain, to) => {
    const key = `${domain.uuid} ${to}`;
    const { bundle } = domain as Lost;
    const known =
      looked.get(key) ?? (await lookAt(bundle, targets.find(({ member }) => member.name === to) as Seen, request));
    looked.set(key, known);
    return known.refusals;
  });
  const domains = lost.map((domain): PlannedDomain => {
    const { name, uuid, needs, running, bundle, blocked } = domain;
    const to = hosts.get(uuid);
    const parts = { name, uuid, running, needs, copies: [], shared: [] };
    if (to === undefined)
      return { ...parts, does: 'refused', notes: [], because: [...blocked, ...(refused.get(uuid) ?? [])] };
    const notes = looked.get(`${uuid} ${to}`)?.notes ?? [];
    return { ...parts, does: 'move', way: 'import', to, bundle: bundleDigest(bundle), notes, because: [] };
  });
  return new FleetPlan({
    kind: 'evacuate',
    host,
    domains,
    hosts: sights.map((sight) => hostOf(sight, host, after, request)),
    request: { ...plainRequest(request), ...(request.leftOutSecrets && { leftOutSecrets: request.leftOutSecrets }) },
    notes: notesFor(host, sights, targets, request),
  });
}

function lostOf(
  bundle: DomainBundle,
  host: string,
  sights: readonly HostSight[],
  all: readonly DomainBundle[],
  { start = 'all' }: EvacuateRequest,
): Lost {
  const { name, uuid, autostart } = bundle;
  const document = new DomainDocument(bundle.document);
  const title = document.value('title');
  const running = start === 'all' || (start === 'autostart' ? autostart : chooses(start, { name, uuid, title }));
  const remedy = 'Look at it with where(): it may have been moved or evacuated';
  const seen = havingOf(uuid, sights, ({ member }) => member.name !== host).map(({ member, running: runs }) =>
    refusalOf(name, member.name, 'domain', `${member.name} has it already, ${runs ? 'running' : 'off'}`, remedy),
  );
  const twice = all.some((each) => each !== bundle && each.uuid === uuid)
    ? [refusalOf(name, undefined, 'domain', 'there are two bundles of it', 'Give the newer one alone')]
    : [];
  return { uuid, name, bundle, running, needs: running ? needsOf(document) : NOTHING, blocked: [...seen, ...twice] };
}

async function lookAt(
  bundle: DomainBundle,
  { member }: Seen,
  { leftOutSecrets, signal }: EvacuateRequest,
): Promise<{ refusals: FleetRefusal[]; notes: FleetNote[] }> {
  const options = importOptions(member, leftOutSecrets);
  const answer = await member.ask((connection, call) => checkImport(connection, bundle, options, call), signal);
  if (answer.is === 'answered')
    return { refusals: blocking(bundle.name, member.name, answer.value), notes: notesOf(answer.value) };
  const reason = `it could not be asked: ${answer.why}`;
  return { refusals: [refusalOf(bundle.name, member.name, 'domain', reason, 'Plan again when it answers')], notes: [] };
}

/** What an import on a host takes of what is known of that host. */
export function importOptions(
  { migration: { paths }, files }: Member,
  leftOutSecrets?: ImportOptions['leftOutSecrets'],
): ImportOptions {
  return { ...(paths && { paths }), ...(files && { files }), ...(leftOutSecrets && { leftOutSecrets }) };
}

function hostOf(sight: HostSight, host: string, rooms: readonly HostRoom[], request: EvacuateRequest): PlannedHost {
  const { name, labels } = sight.member;
  const role = name === host ? 'source' : rooms.some((room) => room.name === name) ? 'target' : 'other';
  if (sight.is === 'silent') return { name, labels, role, silent: sight.why };
  const before = roomOf(sight, (total) => keptFree(total, request)).figures;
  return { name, labels, role, before, after: rooms.find((room) => room.name === name)?.figures ?? before };
}

function notesFor(
  host: string,
  sights: readonly HostSight[],
  targets: readonly Seen[],
  { to }: EvacuateRequest,
): string[] {
  const source = sights.find(({ member }) => member.name === host);
  const silent = sights.filter(({ is, member }) => is === 'silent' && member.name !== host);
  return [
    ...(source?.is === 'there'
      ? [`${host} answers: it is to be drained, and nothing of it is started elsewhere before it is proved off`]
      : []),
    ...silent.map(({ member }) =>
      to === undefined || to.includes(member.name)
        ? `${member.name} did not answer, so it is no target; a domain may run there already`
        : `${member.name} did not answer: a domain may run there already`,
    ),
    ...(targets.length === 0 ? ['there is no target'] : []),
    `nothing is started before a proof that ${host} is off; a bundle is as old as its export`,
  ];
}

/** A bundle that is not the one that was planned with. */
export const otherBundle = (name: string): LibvirtCanonicalError =>
  new LibvirtCanonicalError('ARGUMENT_INVALID', `evacuate: the bundle of ${name} is not the one of the plan`, {
    path: 'bundle',
    domain: name,
    remedy: 'Give the one with that digest, or plan again',
  });
