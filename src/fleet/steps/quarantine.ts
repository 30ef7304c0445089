import { DomainAccess, notify } from '../../apply/index.js';
import { LibvirtCanonicalError } from '../../errors.js';
import { type MarkedDomain, writeQuarantine } from '../marks.js';
import { sightsOf } from '../sight.js';
import type { QuarantineInput } from '../step-inputs.js';
import { type FleetDomain, type FleetWhereabouts, isLeft, isOff, type SilentHost } from '../where.js';
import { markedOn } from './claim.js';
import { assertNotAborted, type StepHosts, type StepOptions } from './context.js';
import { checkQuarantineInput } from './input.js';

/** What became of one domain of a host that came back. */
export interface QuarantinedDomain {
  readonly name: string;
  readonly uuid: string;
  /**
   * `quarantined`, `already`: marked, and autostart is off. `not-here`: the host has nothing of it. `only-here`: every host
   * answered and no other has it, so it was left alone. `migrating`: left alone. `unclear`: another host has a definition of it
   * that is off, and nobody said that it was brought back there; or it has no definition here. Left alone, for a person.
   */
  readonly is: 'quarantined' | 'already' | 'not-here' | 'only-here' | 'migrating' | 'unclear';
  /** The host that it was brought back on, as far as anybody knows. */
  readonly to: string | undefined;
  /** Its state on the host that came back, afterwards; undefined when it is not there. */
  readonly here: string | undefined;
  /** The other hosts that have it. */
  readonly elsewhere: ReadonlyArray<{ readonly host: string; readonly state: string }>;
  /** Whether it ran here as well as there, and was ended here. */
  readonly ended: boolean;
}

/** What came of the step `quarantine`. */
export interface QuarantineOutcome {
  readonly outcome: 'quarantined' | 'already';
  /** The host that came back. */
  readonly host: string;
  readonly domains: readonly QuarantinedDomain[];
  /** Hosts that did not answer: what runs there was not seen. */
  readonly silent: readonly SilentHost[];
}

/** What is asked about each domain. */
interface Subject {
  readonly name: string;
  readonly uuid: string;
  /** Where the caller brought it back; undefined when the caller did not name it. */
  readonly to: string | undefined;
  readonly named: boolean;
}

/** Keeps a host that came back from starting what was brought back elsewhere: see `FleetSteps.quarantine`. */
export async function quarantine(
  hosts: StepHosts,
  input: QuarantineInput,
  options: StepOptions,
): Promise<QuarantineOutcome> {
  checkQuarantineInput(input);
  const { from, domains: named = [] } = input;
  const member = hosts.member('quarantine', 'from', from);
  for (const [at, { to }] of named.entries()) if (to !== undefined) hosts.member('quarantine', `domains[${at}].to`, to);
  assertNotAborted(`the quarantine on ${from}`, options);
  const sights = await sightsOf(hosts.all, options.signal);
  const here = sights.find((each) => each.member === member);
  if (here?.is !== 'there')
    throw new LibvirtCanonicalError('DAEMON_UNREACHABLE', `${from} did not answer: ${here?.why}`, {
      remedy: 'Ask again when it is back',
    });
  // Another name of the same host has nothing that is elsewhere.
  const others = sights.filter((each) => each.is === 'silent' || each.info.uuid !== here.info.uuid);
  const otherNames = others.map((each) => each.member.name);
  const listedElsewhere = new Set(
    others.flatMap((each) => (each.is === 'there' ? each.domains.map(({ handle }) => handle.uuid) : [])),
  );
  const subjects: Subject[] = [
    ...named.map(({ name, uuid, to }) => ({ name, uuid, to, named: true })),
    ...here.domains
      .filter(({ handle: { uuid } }) => listedElsewhere.has(uuid) && !named.some((each) => each.uuid === uuid))
      .map(({ handle: { name, uuid } }) => ({ name, uuid, to: undefined, named: false })),
  ];
  const domains: QuarantinedDomain[] = [];
  for (const subject of subjects) {
    assertNotAborted(`the quarantine on ${from}`, options);
    notify(options.onProgress, {
      phase: 'quarantining',
      domain: subject.name,
      done: domains.length,
      total: subjects.length,
    });
    domains.push(await one(hosts, subject, otherNames, input, options));
  }
  return {
    outcome: domains.some(({ is, ended }) => is === 'quarantined' || ended) ? 'quarantined' : 'already',
    host: from,
    domains,
    silent: others.flatMap((each) => (each.is === 'silent' ? { host: each.member.name, why: each.why } : [])),
  };
}

async function one(
  hosts: StepHosts,
  subject: Subject,
  others: readonly string[],
  { operation, from, running = 'leave' }: QuarantineInput,
  options: StepOptions,
): Promise<QuarantinedDomain> {
  const { signal } = options;
  const where = await hosts.where(subject, [from], signal);
  const here = where.found.find(({ host }) => host === from);
  const there = where.found.filter((each) => others.includes(each.host) && !isLeft(each));
  const to = subject.to ?? there[0]?.host;
  const told = (is: QuarantinedDomain['is'], ended = false): QuarantinedDomain => ({
    name: here?.name ?? subject.name,
    uuid: subject.uuid,
    is,
    to,
    here: ended ? 'shutoff' : here?.state,
    elsewhere: there.map(({ host, state }) => ({ host, state })),
    ended,
  });
  if (!here) return told('not-here');
  const leave = reasonToLeave(where, here, there, subject, others);
  if (leave) return told(leave);
  const marked = await markedOn(hosts, here);
  const autostart = await endAutostart(marked, { signal });
  const isMarked = here.quarantine !== undefined;
  if (!isMarked) await writeQuarantine(marked, { operation, to, since: new Date().toISOString() }, { signal });
  const runsTwice = !isOff(here) && there.some((each) => !isOff(each));
  const ends = runsTwice && running === 'destroy';
  if (ends)
    await (await (await hosts.manager(hosts.member('quarantine', 'from', from))).get(here.uuid)).destroy({ signal });
  return told(isMarked && !autostart ? 'already' : 'quarantined', ends);
}

/** Why what is on the host that came back is not to be touched; undefined when it is what was left of the domain. */
function reasonToLeave(
  { outcome, silent }: FleetWhereabouts,
  here: FleetDomain,
  there: readonly FleetDomain[],
  { named }: Subject,
  others: readonly string[],
): 'only-here' | 'migrating' | 'unclear' | undefined {
  if (outcome === 'migrating') return 'migrating';
  if (!here.persistent) return 'unclear';
  if (here.quarantine) return undefined;
  if (there.some((each) => !isOff(each))) return undefined;
  if (there.length > 0) return named ? undefined : 'unclear';
  // Nobody who answered has it: only where all did, this is the only one.
  return silent.some(({ host }) => others.includes(host)) ? undefined : 'only-here';
}

/** Sets both kinds of autostart off. virDomainSetAutostart, virDomainSetAutostartOnce. Returns whether one was on. */
async function endAutostart(
  { connection, handle: dom }: MarkedDomain,
  call: { readonly signal: AbortSignal | undefined },
): Promise<boolean> {
  const { autostart, autostartOnce } = await new DomainAccess(connection, dom).context(call);
  if (autostart) await connection.call('DOMAIN_SET_AUTOSTART', { dom, autostart: 0 }, call);
  if (autostartOnce) await connection.call('DOMAIN_SET_AUTOSTART_ONCE', { dom, autostart: 0 }, call);
  return autostart || autostartOnce === true;
}
