import { assertProof, type Fence, type FenceProof, FenceUnprovedError } from './fences/index.js';
import type { Member } from './member.js';

/**
 * Has a host proved off. libvirt is asked before, since a host that answers is no dead one, and after, since a proof is a lie
 * when it answers then. That it does not answer proves nothing by itself.
 */
export async function fenced(
  member: Member,
  fence: Fence,
  { alive, signal }: { readonly alive: 'refuse' | 'fence'; readonly signal: AbortSignal | undefined },
): Promise<FenceProof> {
  const { name } = member;
  if (alive === 'refuse' && (await answers(member, signal)))
    throw new FenceUnprovedError(name, fence.way, 'libvirt answers there', {
      remedy: "Drain it; or say alive: 'fence' when it is to be switched off with what runs on it",
    });
  const proof = await fence.prove(name, { signal });
  assertProof(proof, name);
  if (await answers(member, signal))
    throw new FenceUnprovedError(name, fence.way, `${proof.by} says that it is, and libvirt answers there`, {
      remedy: 'Look which machine that is the switch of',
    });
  return proof;
}

/** Whether libvirt of the host answers now, over the connection that there is or a new one. */
async function answers(member: Member, signal: AbortSignal | undefined): Promise<boolean> {
  const answer = await member.ask((connection, call) => connection.call('CONNECT_GET_HOSTNAME', {}, call), signal);
  return answer.is === 'answered';
}
