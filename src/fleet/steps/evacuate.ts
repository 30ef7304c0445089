import { notify } from '../../apply/index.js';
import { DomainDocument } from '../../domain/index.js';
import { type DomainBundle, parseBundle } from '../../evacuation/index.js';
import { bundleDigest } from '../bundles.js';
import { importOptions, otherBundle } from '../evacuate.js';
import { assertProof, FenceUnprovedError } from '../fences/index.js';
import type { Member } from '../member.js';
import { NOTHING, needsOf } from '../needs.js';
import { FleetPlanStaleError } from '../stale.js';
import type { EvacuateInput } from '../step-inputs.js';
import { type FleetWhereabouts, isLeft, isOff } from '../where.js';
import {
  assertNotAborted,
  assertNotElsewhere,
  assertNotQuarantined,
  assertUnclaimed,
  onHost,
  type StepHosts,
  type StepOptions,
} from './context.js';
import { checkEvacuateInput } from './input.js';
import { assertRoom } from './room.js';

/** Options of the step `evacuate`. */
export interface EvacuateOptions extends StepOptions {
  /** Gives the bundle with that digest. Bundles can hold secrets, so none is part of an input. */
  readonly bundles: (wanted: { readonly uuid: string; readonly digest: string }) => Promise<DomainBundle | string>;
}

/** What came of the step `evacuate`. */
export interface EvacuateOutcome {
  /** `already`: it had been there as asked, and nothing was done. */
  readonly outcome: 'evacuated' | 'already';
  readonly domain: { readonly name: string; readonly uuid: string };
  readonly host: string;
  readonly state: string;
}

/** Brings a domain of a dead host back, or finds it: see `FleetSteps.evacuate`. */
export async function evacuate(
  hosts: StepHosts,
  input: EvacuateInput,
  options: EvacuateOptions,
): Promise<EvacuateOutcome> {
  checkEvacuateInput(input, options);
  const { domain, from, to } = input;
  const [, target] = [hosts.member('evacuate', 'from', from), hosts.member('evacuate', 'to', to)];
  let outcome: EvacuateOutcome['outcome'] = 'already';
  let bundle: DomainBundle | undefined;
  for (;;) {
    assertNotAborted(`the evacuation of ${domain.name}`, options);
    const where = await looked(hosts, input, options);
    const there = onHost(where, to);
    if (there && !(input.start && isOff(there))) {
      const { name, uuid } = domain;
      return { outcome, domain: { name, uuid }, host: to, state: there.state };
    }
    outcome = 'evacuated';
    bundle ??= await bundleOf(input, options);
    const needs = input.start ? needsOf(new DomainDocument(bundle.document)) : NOTHING;
    await assertRoom(target, domain.name, needs, input, options);
    if (there) await start(hosts, target, bundle, input, options);
    else await bring(hosts, target, bundle, input, options);
  }
}

/** Where it is, with everything that forbids to go on. Asked anew before each act. */
async function looked(hosts: StepHosts, input: EvacuateInput, { signal }: StepOptions): Promise<FleetWhereabouts> {
  const { domain, from, to, proof, unknownHosts = 'refuse' } = input;
  assertProof(proof, from);
  const matter = unknownHosts === 'accept' ? [to] : hosts.all.map(({ name }) => name).filter((name) => name !== from);
  const where = await hosts.where(domain, matter, signal);
  if (!where.silent.some(({ host }) => host === from))
    throw new FenceUnprovedError(from, proof.way, `${proof.by} says that it is, and libvirt answers there`, {
      remedy: 'A host that is back is looked at first: its domains may run',
    });
  assertUnclaimed(where, input);
  assertNotElsewhere(where, [to]);
  assertNotQuarantined(where, [to]);
  const other = where.found.find((each) => each.host !== to && !isLeft(each));
  if (other) throw new FleetPlanStaleError([`${domain.name}: ${other.host} has a definition of it, off`], domain.name);
  return where;
}

async function bundleOf(
  { domain: { name, uuid }, bundle: digest }: EvacuateInput,
  { bundles }: EvacuateOptions,
): Promise<DomainBundle> {
  const bundle = parseBundle(await bundles({ uuid, digest }));
  if (bundle.uuid !== uuid || bundleDigest(bundle) !== digest) throw otherBundle(name);
  return bundle;
}

async function bring(
  hosts: StepHosts,
  target: Member,
  bundle: DomainBundle,
  { autostart, leftOutSecrets, proof, from }: EvacuateInput,
  options: StepOptions,
): Promise<void> {
  notify(options.onProgress, { phase: 'importing' });
  assertProof(proof, from);
  const { signal } = options;
  const manager = await hosts.manager(target);
  await manager.import(bundle, { ...importOptions(target, leftOutSecrets), ...(autostart && { autostart }), signal });
}

async function start(
  hosts: StepHosts,
  target: Member,
  bundle: DomainBundle,
  { domain, proof, from }: EvacuateInput,
  options: StepOptions,
): Promise<void> {
  notify(options.onProgress, { phase: 'starting' });
  const there = await (await hosts.manager(target)).get(domain.uuid);
  // Whoever defined it there: only the machine of the bundle is started.
  await there.verify(bundle.abi);
  assertProof(proof, from);
  await there.start({ signal: options.signal });
}
