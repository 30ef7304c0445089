import { LibvirtCanonicalError } from '../../errors.js';
import { removeQuarantine } from '../marks.js';
import { FleetPlanStaleError } from '../stale.js';
import type { ReleaseInput } from '../step-inputs.js';
import { type FleetDomain, type FleetWhereabouts, isLeft, isOff } from '../where.js';
import { markedOn } from './claim.js';
import {
  assertNotAborted,
  assertNotElsewhere,
  assertUnclaimed,
  onHost,
  type StepHosts,
  type StepOptions,
} from './context.js';
import { checkReleaseInput } from './input.js';

/** What came of the step `release`. */
export interface ReleaseOutcome {
  /** `already`: there is nothing in quarantine, and nothing was done. */
  readonly outcome: 'undefined' | 'cleared' | 'already';
  readonly domain: { readonly name: string; readonly uuid: string };
  readonly host: string;
  /** Of what was undefined: the host that proved to have the domain. */
  readonly home?: string;
}

/** Ends the quarantine of one domain: see `FleetSteps.release`. */
export async function release(hosts: StepHosts, input: ReleaseInput, options: StepOptions): Promise<ReleaseOutcome> {
  checkReleaseInput(input);
  const { from, does } = input;
  const { name, uuid } = input.domain;
  hosts.member('release', 'from', from);
  assertNotAborted(`the release of ${name}`, options);
  const strict = does === 'clear' && input.unknownHosts !== 'accept';
  const matter = strict ? hosts.all.map((each) => each.name) : [from];
  const where = await hosts.where(input.domain, matter, options.signal);
  const domain = { name, uuid };
  const here = onHost(where, from);
  if (!here || (does === 'clear' && !here.quarantine)) return { outcome: 'already', domain, host: from };
  if (!here.quarantine)
    throw new FleetPlanStaleError(
      [`${name} is not in quarantine on ${from}, so nothing says that it is left over`],
      name,
    );
  assertUnclaimed(where, input);
  if (does === 'clear') {
    assertNotElsewhere(where, [from]);
    const other = where.found.find((each) => each.host !== from && !isLeft(each));
    if (other) throw new FleetPlanStaleError([`${name}: ${other.host} has it, ${other.state}`], name);
    await removeQuarantine(await markedOn(hosts, here), { signal: options.signal });
    return { outcome: 'cleared', domain, host: from };
  }
  if (!isOff(here))
    throw new LibvirtCanonicalError('DOMAIN_STATE', `domain ${name} is ${here.state} on ${from}`, {
      domain: name,
      remedy: 'End it there when it runs elsewhere too: the step quarantine does so with running: "destroy"',
    });
  const home = homeOf(where, here, name);
  const left = await (await hosts.manager(hosts.member('release', 'from', from))).get(uuid);
  const there = await (await hosts.manager(hosts.member('release', 'home', home.host))).get(uuid);
  const { abi = 'same', nvram = 'keep' } = input;
  if (abi === 'same') await there.verify(await left.guestAbi(), { signal: options.signal });
  await left.undefine({ nvram: nvram === 'remove', signal: options.signal });
  return { outcome: 'undefined', domain, host: from, home: home.host };
}

/**
 * The host that proves to have the domain. A definition in quarantine proves nothing: one host by two names would speak for
 * itself.
 */
function homeOf({ found, silent }: FleetWhereabouts, here: FleetDomain, name: string): FleetDomain {
  const homes = found.filter((each) => each.host !== here.host && each.persistent && !each.quarantine);
  const home = homes.find(({ host }) => host === here.quarantine?.to) ?? homes[0];
  if (home) return home;
  const [unheard] = silent;
  if (unheard)
    throw new LibvirtCanonicalError('DAEMON_UNREACHABLE', `${unheard.host} did not answer: ${unheard.why}`, {
      domain: name,
      remedy: 'Ask again when it answers: nobody else has the domain, so it may be there',
    });
  throw new FleetPlanStaleError([`${name}: no other host has it, so what ${here.host} has is all that there is`], name);
}
