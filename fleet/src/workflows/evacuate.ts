import { type FenceProof, FleetPlan, type FleetPlanJson, personConfirms } from 'libvirt-canonical/fleet';
import type { Failure } from '../errors.js';
import { current } from '../worker/current.js';
import { confirmed } from './confirm.js';
import { allOf, type DomainResult } from './domain.js';
import { note, step } from './step.js';

/** What an evacuation is begun with. */
export interface EvacuateWork {
  readonly plan: FleetPlanJson;
  readonly unknownHosts?: 'refuse' | 'accept' | undefined;
  readonly autostart?: 'restore' | 'leave-off' | undefined;
}

/** What came of an evacuation. */
export interface EvacuateResult {
  readonly kind: 'evacuate';
  readonly host: string;
  readonly domains: readonly DomainResult[];
  /** All proofs that were given, the last one last. */
  readonly proofs: readonly FenceProof[];
  /** Everything planned runs, or is defined, elsewhere. */
  readonly complete: boolean;
  readonly cancelled: boolean;
  /** What must not start when the host returns: its definitions are there still. */
  readonly quarantine: ReadonlyArray<{ readonly name: string; readonly uuid: string; readonly to: string }>;
}

/** How often a proof is asked for once more, since the one before ran out. */
const PROOFS = 5;

/** The operation `evacuate`: no domain is touched before a proof that the host is off. */
export async function evacuate(operation: string): Promise<EvacuateResult> {
  const input = await current().work.store.input<EvacuateWork>(operation);
  const plan = FleetPlan.fromJSON(input.plan);
  const { host } = plan;
  await note(operation, 'begin', `evacuation of ${host} begins`, { digest: plan.digest, domains: plan.moves.length });
  const proofs: FenceProof[] = [];
  const results = new Map<string, DomainResult>();
  let cancelled = false;
  for (let round = 1; round <= PROOFS; round++) {
    const proof = await proved(operation, host, round);
    if (!proof) {
      cancelled = true;
      break;
    }
    proofs.push(proof);
    const left = plan.steps.evacuations.filter(({ domain }) => isOpen(results.get(domain.uuid)));
    const more = {
      ...(input.unknownHosts && { unknownHosts: input.unknownHosts }),
      ...(input.autostart && { autostart: input.autostart }),
    };
    const works = left.map((each) => ({ does: 'evacuate' as const, input: { ...each, ...more, proof } }));
    for (const result of await allOf(operation, works, `proof ${round}`)) results.set(result.uuid, result);
    cancelled = [...results.values()].some(({ outcome }) => outcome === 'not-begun');
    if (cancelled || ![...results.values()].some(isOpen)) break;
  }
  const domains = [...results.values()];
  const brought = domains.filter(({ outcome }) => outcome === 'evacuated' || outcome === 'already');
  const complete = brought.length === plan.moves.length;
  const quarantine = brought.map(({ name, uuid, to = '' }) => ({ name, uuid, to }));
  await note(operation, 'end', `evacuation of ${host} ends: ${brought.length} of ${plan.moves.length}`, {
    quarantine,
    failed: domains
      .filter(({ outcome }) => outcome === 'failed')
      .map(({ name, error }) => ({ name, code: error?.code })),
  });
  return { kind: 'evacuate', host, domains, proofs, complete, cancelled, quarantine };
}

/** Whether a domain is to be tried with another proof: not yet, or the proof had run out. */
const isOpen = (result: DomainResult | undefined): boolean =>
  result === undefined || result.error?.code === 'FENCE_UNPROVED';

/** A proof by the host's fence, else by a person's word. Undefined when the operation was cancelled meanwhile. */
async function proved(operation: string, host: string, round: number): Promise<FenceProof | undefined> {
  let why = '';
  for (let word = 0; ; word++) {
    if (word === 0) {
      const fenced = await step(operation, `fence ${round}`, async ({ fleet, fences, signal }) => {
        const fence = fences[host] ?? fences['*'];
        return fence ? fleet.fence(host, fence, { signal }) : undefined;
      });
      if (fenced.ok && fenced.value) return proofNoted(operation, host, round, word, fenced.value);
      why = fenced.ok ? 'no fence is configured' : await unproved(operation, host, round, word, fenced.error);
    }
    const said = await confirmed(operation, 'fence', `that ${host} is off: ${why}`, host);
    if (!said) return undefined;
    const { by, host: about = host, says } = said;
    const given = await step(operation, `word ${round}.${word}`, ({ fleet, signal }) =>
      fleet.fence(host, personConfirms({ by, host: about, ...(says !== undefined && { says }) }), { signal }),
    );
    if (given.ok) return proofNoted(operation, host, round, word + 1, given.value);
    why = await unproved(operation, host, round, word + 1, given.error);
  }
}

async function proofNoted(
  operation: string,
  host: string,
  round: number,
  word: number,
  proof: FenceProof,
): Promise<FenceProof> {
  await note(
    operation,
    `proof ${round}.${word}`,
    `${host} is off: ${proof.says} (${proof.way})`,
    { ...proof },
    proof.by,
  );
  return proof;
}

async function unproved(operation: string, host: string, round: number, word: number, error: Failure): Promise<string> {
  await note(operation, `unproved ${round}.${word}`, `not proved that ${host} is off: ${error.message}`, {
    code: error.code,
  });
  return error.message;
}
