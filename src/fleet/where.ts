import { DomainAccess } from '../apply/index.js';
import {
  type CallOptions,
  type Connection,
  type DomainHandle,
  LibvirtError,
  VIR_DOMAIN_XML_INACTIVE,
} from '../connection/index.js';
import {
  type DomainClaim,
  DomainDocument,
  domainClaims,
  OWN_METADATA,
  type Quarantine,
  quarantineOf,
} from '../domain/index.js';
import { isGone, lookUp, migrationInFlight, type Standing, standingOn } from '../migration/index.js';
import type { DomainState, DomainStateReason } from '../power/index.js';
import type { Member } from './member.js';

/** A domain as one host of the fleet has it. */
export interface FleetDomain {
  /** The host's name in this fleet. */
  readonly host: string;
  readonly name: string;
  readonly uuid: string;
  readonly state: DomainState;
  readonly reason: DomainStateReason;
  readonly persistent: boolean;
  /** The operation that has it, where it is claimed: see `FleetSteps.claim`. */
  readonly claim?: DomainClaim;
  /** All that claim it, when there are several: the first one has it, and the others were cut before they saw that. */
  readonly claims?: readonly DomainClaim[];
  /** It is what a dead host left, and was brought back elsewhere: see `FleetSteps.quarantine`. */
  readonly quarantine?: Quarantine;
}

/** A host that did not answer: the domain may run there. */
export interface SilentHost {
  readonly host: string;
  readonly why: string;
}

/**
 * What the answers of all hosts together mean. `running`, `off`: on one host. `migrating`: on two, one of which holds it for a
 * migration. `running-twice`: two of one domain, which destroy its disks. `defined-twice`: it runs on one at most, and others
 * have a definition of it too. `ambiguous`: the name is that of several domains. `absent`: no host that answered has it.
 * A definition in quarantine that is off does not count beside another one.
 */
export type FleetOutcome = 'running' | 'off' | 'migrating' | 'running-twice' | 'defined-twice' | 'ambiguous' | 'absent';

/** Where a domain is, by the word of every host of the fleet. */
export interface FleetWhereabouts {
  /** What was asked for: the UUID or the name. */
  readonly asked: string;
  readonly outcome: FleetOutcome;
  /** The same in a sentence, silent hosts named. */
  readonly meaning: string;
  /** Whether every host answered: otherwise it may run on one that did not, as well. */
  readonly certain: boolean;
  /** All that was found, those that run first. */
  readonly found: readonly FleetDomain[];
  /** Hosts that do not have it. */
  readonly absent: readonly string[];
  readonly silent: readonly SilentHost[];
}

/** Reasons of a paused domain that is one half of a migration. */
const HALVES: readonly DomainStateReason[] = ['migration', 'postcopy', 'postcopyFailed'];

/** Asks all hosts for a UUID, all at once. virDomainLookupByUUID, virDomainGetState. */
export async function whereIsUuid(
  members: readonly Member[],
  uuid: string,
  asked: string,
  signal: AbortSignal | undefined,
): Promise<FleetWhereabouts> {
  return whereabouts(members, asked, (connection, call) => lookUp(connection, uuid, call), signal);
}

/**
 * Asks all hosts for a name, and then for the UUID that they know it by: elsewhere the same domain may have another name.
 * virDomainLookupByName.
 */
export async function whereIsName(
  members: readonly Member[],
  name: string,
  signal: AbortSignal | undefined,
): Promise<FleetWhereabouts> {
  const where = await whereabouts(members, name, (connection, call) => lookUpName(connection, name, call), signal);
  const [first] = where.found;
  return first && where.outcome !== 'ambiguous' ? whereIsUuid(members, first.uuid, name, signal) : where;
}

async function whereabouts(
  members: readonly Member[],
  asked: string,
  look: (connection: Connection, call: CallOptions) => Promise<DomainHandle | undefined>,
  signal: AbortSignal | undefined,
): Promise<FleetWhereabouts> {
  const answers = await Promise.all(
    members.map(async (member) => ({
      host: member.name,
      answer: await member.ask(async (connection, call) => {
        const dom = await look(connection, call);
        if (!dom) return undefined;
        const [standing, marks] = await Promise.all([
          standingOn(connection, dom.uuid, call),
          marksOf(connection, dom, call),
        ]);
        return { dom, standing, marks };
      }, signal),
    })),
  );
  const found: FleetDomain[] = [];
  const silent: SilentHost[] = [];
  const absent: string[] = [];
  for (const { host, answer } of answers) {
    const { dom, standing, marks } = (answer.is === 'answered' ? answer.value : undefined) ?? {};
    if (answer.is === 'silent') silent.push({ host, why: answer.why });
    else if (standing?.is === 'unreachable') silent.push({ host, why: standing.why });
    // Without a definition and off it is nothing: libvirt lists what an offline migration left until its daemon starts anew.
    else if (dom && standing?.is === 'there' && (standing.persistent || !isOff(standing)))
      found.push({ ...domainOf(host, dom, standing), ...marks });
    else absent.push(host);
  }
  found.sort((a, b) => Number(isOff(a)) - Number(isOff(b)));
  const outcome = outcomeOf(found, await hasRecord(members, found, signal));
  const meaning = meaningOf(asked, outcome, found, silent);
  return { asked, outcome, meaning, certain: silent.length === 0, found, absent, silent };
}

/** Namespaces of what is marked in a domain. */
const MARKS: readonly string[] = [OWN_METADATA.claim.uri, OWN_METADATA.quarantine.uri];

/** What this library's own metadata says of a domain on one host. virDomainGetXMLDesc. */
export async function marksOf(
  connection: Connection,
  dom: DomainHandle,
  call: CallOptions,
): Promise<Pick<FleetDomain, 'claim' | 'claims' | 'quarantine'>> {
  try {
    // Of a transient domain that is the document of its run.
    const { xml } = await connection.call('DOMAIN_GET_XML_DESC', { dom, flags: VIR_DOMAIN_XML_INACTIVE }, call);
    // Most have none, and a document is long.
    if (!MARKS.some((uri) => xml.includes(uri))) return {};
    const document = new DomainDocument(xml);
    const [claims, quarantine] = [domainClaims(document), quarantineOf(document)];
    const [claim] = claims;
    return { ...(claim && { claim }), ...(claims.length > 1 && { claims }), ...(quarantine && { quarantine }) };
  } catch (error) {
    if (isGone(error)) return {};
    throw error;
  }
}

function domainOf(host: string, { name, uuid }: DomainHandle, standing: Standing & { is: 'there' }): FleetDomain {
  const { state, reason, persistent } = standing;
  return { host, name, uuid, state, reason, persistent };
}

async function lookUpName(connection: Connection, name: string, call: CallOptions): Promise<DomainHandle | undefined> {
  try {
    return (await connection.call('DOMAIN_LOOKUP_BY_NAME', { name }, call)).dom;
  } catch (error) {
    if (error instanceof LibvirtError && isGone(error)) return undefined;
    throw error;
  }
}

/** No QEMU has it. */
export const isOff = ({ state }: Pick<FleetDomain, 'state'>): boolean => state === 'shutoff' || state === 'crashed';

/**
 * Whether a migration has left its record in one of two. Between the end of sending and the end of the source both are paused,
 * and a daemon whose client has died calls neither of them a migration's any more.
 */
async function hasRecord(
  members: readonly Member[],
  found: readonly FleetDomain[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const running = found.filter((each) => !isOff(each));
  if (running.length < 2) return false;
  const answers = await Promise.all(
    running.map(async ({ host, name, uuid }) =>
      members
        .find((member) => member.name === host)
        ?.ask(async (connection, call) => {
          const documents = await new DomainAccess(connection, { name, uuid, id: -1 }).documents(call);
          return migrationInFlight(documents) !== undefined;
        }, signal),
    ),
  );
  return answers.some((answer) => answer?.is === 'answered' && answer.value);
}

/** True for what a dead host left of a domain, when that is off. */
export const isLeft = ({ quarantine, ...domain }: FleetDomain): boolean => quarantine !== undefined && isOff(domain);

function outcomeOf(all: readonly FleetDomain[], recorded: boolean): FleetOutcome {
  if (new Set(all.map(({ uuid }) => uuid)).size > 1) return 'ambiguous';
  const others = all.filter((each) => !isLeft(each));
  const found = others.length > 0 ? others : all;
  const running = found.filter((each) => !isOff(each));
  const paused = running.filter(({ state }) => state === 'paused');
  const halves = paused.filter(({ reason }) => recorded || HALVES.includes(reason));
  if (running.length === 2 && halves.length > 0) return 'migrating';
  if (running.length > 1) return 'running-twice';
  if (found.length > 1) return 'defined-twice';
  return running.length === 1 ? 'running' : found.length === 1 ? 'off' : 'absent';
}

const REMEDIES: Partial<Record<FleetOutcome, string>> = {
  migrating: 'let it end, or settle it with recoverMigration',
  'running-twice': 'two of one domain destroy its disks: look at both, and end the wrong one',
  'defined-twice': 'look at both, and undefine the one that is left over',
  ambiguous: 'ask by UUID',
};

function meaningOf(
  asked: string,
  outcome: FleetOutcome,
  found: readonly FleetDomain[],
  silent: readonly SilentHost[],
): string {
  const places = found.map(({ host, name, uuid, state, reason, quarantine }) => {
    const which = outcome === 'ambiguous' ? ` (${uuid})` : name === asked ? '' : ` as ${name}`;
    const held = quarantine
      ? ` in quarantine${quarantine.to === undefined ? '' : `, brought back on ${quarantine.to}`}`
      : '';
    return `${state}${state === 'paused' ? ` (${reason})` : ''} on ${host}${which}${held}`;
  });
  const where = places.length > 0 ? places.join(', ') : 'on no host that answered';
  const what = REMEDIES[outcome];
  const unheard = silent.map(({ host, why }) => `${host} did not answer (${why})`).join(', ');
  const also = unheard && `; ${unheard}: it may run there${found.length > 0 ? ' too' : ''}`;
  return `${asked} is ${where}${what === undefined ? '' : `: ${what}`}${also}`;
}
