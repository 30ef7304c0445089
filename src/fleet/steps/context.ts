import type { Connection } from '../../connection/index.js';
import type { DomainClaim } from '../../domain/index.js';
import { AbortedError, LibvirtCanonicalError } from '../../errors.js';
import { RunningElsewhereError } from '../../evacuation/index.js';
import { DomainManager } from '../../manager/index.js';
import { DomainQuarantinedError } from '../../power/index.js';
import { assertNotClaimed } from '../claimed.js';
import { checkHostName } from '../hosts.js';
import type { Member } from '../member.js';
import type { StepDomain } from '../step-inputs.js';
import { type FleetDomain, type FleetWhereabouts, isLeft, isOff, whereIsUuid } from '../where.js';

/** How a step is told to end, and whom it tells how far it is. */
export interface StepOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told something plain, as JSON can hold it. What it throws is dropped. */
  readonly onProgress?: ((progress: object) => void) | undefined;
}

/** The hosts, and what every step asks of them. */
export class StepHosts {
  readonly #members: readonly Member[];

  constructor(members: readonly Member[]) {
    this.#members = members;
  }

  get all(): readonly Member[] {
    return this.#members;
  }

  member(step: string, path: string, name: string): Member {
    checkHostName(
      step,
      path,
      name,
      this.#members.map((each) => each.name),
    );
    return this.#members.find((each) => each.name === name) as Member;
  }

  async manager(member: Member): Promise<DomainManager> {
    return new DomainManager(await member.connection());
  }

  /** The connection to a host by its name. */
  async connection(name: string): Promise<Connection> {
    return this.member('a step', 'host', name).connection();
  }

  /** Where a domain is, by the word of all hosts; rejects with `DAEMON_UNREACHABLE` when one of those that matter is silent. */
  async where(
    { name, uuid }: { readonly name: string; readonly uuid: string },
    matter: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<FleetWhereabouts> {
    const where = await whereIsUuid(this.#members, uuid, uuid, signal);
    const silent = where.silent.find(({ host }) => matter.includes(host));
    if (!silent) return where;
    throw new LibvirtCanonicalError('DAEMON_UNREACHABLE', `${silent.host} did not answer: ${silent.why}`, {
      domain: name,
      remedy: 'Ask again when it answers: until then nobody can tell whether the domain runs there',
    });
  }
}

/** A claim of another operation, where there is one. What a dead host left in quarantine counts no longer. */
export function claimIn({ found }: FleetWhereabouts, operation: string | undefined): DomainClaim | undefined {
  return found
    .filter((each) => !isLeft(each))
    .flatMap(({ claim }) => claim ?? [])
    .find((claim) => claim.operation !== operation);
}

/** Rejects with `DOMAIN_CLAIMED` when another operation has the domain, on whichever host. */
export function assertUnclaimed(where: FleetWhereabouts, { domain, operation }: StepDomain): void {
  assertNotClaimed(domain.name, claimIn(where, operation), operation);
}

/** The domain on one host, by what all said. */
export const onHost = ({ found }: FleetWhereabouts, host: string): FleetDomain | undefined =>
  found.find((each) => each.host === host);

/** Rejects with `DOMAIN_RUNNING_ELSEWHERE` when it runs on a host that is none of these, or twice. */
export function assertNotElsewhere(where: FleetWhereabouts, hosts: readonly string[]): void {
  const running = where.found.filter((each) => !isOff(each));
  const elsewhere = running.filter(({ host }) => !hosts.includes(host));
  if (elsewhere.length === 0 && where.outcome !== 'running-twice') return;
  throw new RunningElsewhereError({
    uuid: where.asked,
    running: running.map(({ host, name, state }) => ({ host, name, state })),
    off: [],
    absent: where.absent,
    unknown: where.silent.map(({ host, why }) => ({ host, error: new Error(why) })),
  });
}

/** Rejects with `DOMAIN_QUARANTINED` when what one of these hosts has is what a dead host left of the domain. */
export function assertNotQuarantined({ found }: FleetWhereabouts, hosts: readonly string[]): void {
  for (const { host, name, quarantine } of found)
    if (quarantine && hosts.includes(host)) throw new DomainQuarantinedError(name, quarantine, `on ${host}`);
}

/** Rejects with `ABORTED` when the caller has given up. */
export function assertNotAborted(what: string, { signal }: StepOptions): void {
  if (signal?.aborted) throw new AbortedError(what, signal.reason);
}
