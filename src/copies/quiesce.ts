import type { DomainAccess } from '../apply/index.js';
import type { LibvirtError } from '../connection/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { type AgentOptions, GuestAgent, isRefusal, stateOf } from '../power/index.js';

/**
 * Whether the guest's file systems are frozen while a copy is taken. `agent`: an error when that cannot be.
 * `if-available`: only when an agent answers. `none`: the copy is like a disk after a power cut.
 */
export type Quiesce = 'agent' | 'if-available' | 'none';

/** `filesystem`: taken while the guest's file systems were frozen. `crash`: as after a power cut. */
export type Consistency = 'filesystem' | 'crash';

/** Milliseconds that an agent has to thaw what may not be frozen at all. */
const LEFT_WITHIN = 10_000;

/** Runs `work` between freeze and thaw, as asked. Thawing is tried whatever happens, and is not cut off by the signal. */
export async function quiesced<T>(
  reader: DomainAccess,
  quiesce: Quiesce,
  { signal }: AgentOptions,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly consistency: Consistency }> {
  const agent = new GuestAgent(reader);
  if (!(await wanted(reader, agent, quiesce, signal))) return { result: await work(), consistency: 'crash' };
  try {
    await agent.freeze({ signal });
  } catch (error) {
    if (quiesce === 'if-available' && error instanceof LibvirtCanonicalError && error.code === 'AGENT_UNAVAILABLE')
      return { result: await work(), consistency: 'crash' };
    // Refused, it has frozen nothing, and what somebody else froze is theirs to thaw. Otherwise it may do it still.
    if (isRefusal(error)) throw await frozenAlready(reader, error);
    await agent.thaw().catch(() => {});
    throw error;
  }
  let result: T;
  try {
    result = await work();
  } catch (error) {
    await agent.thaw().catch(() => {});
    throw error;
  }
  await agent.thaw();
  return { result, consistency: 'filesystem' };
}

/** A guest that does not run cannot be asked, and has nothing in flight but what it had when it stopped. */
export async function wanted(
  reader: DomainAccess,
  agent: GuestAgent,
  quiesce: Quiesce,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (quiesce !== 'if-available') return quiesce === 'agent';
  return (await agent.state({ signal })) === 'connected' && (await stateOf(reader, { signal })).state === 'running';
}

/** What to say when the agent refused to freeze: that the guest is frozen already, if so, else what it said. */
export async function frozenAlready(reader: DomainAccess, refusal: LibvirtError): Promise<unknown> {
  if (!(await new GuestAgent(reader).frozen().catch(() => false))) return refusal;
  const { name: domain } = reader.handle;
  return new LibvirtCanonicalError('DOMAIN_STATE', `the file systems of the guest ${domain} are frozen already`, {
    cause: refusal,
    domain,
    remedy: 'Somebody is copying it, or a program died over a copy: make sure of the latter, then agent.thaw()',
  });
}

/** Thaws a guest that a program left frozen when it died between freeze and thaw; nothing when it is not, or none answers. */
export async function thawLeft(reader: DomainAccess, { signal }: AgentOptions): Promise<void> {
  const agent = new GuestAgent(reader);
  if ((await agent.state({ signal })) !== 'connected') return;
  await agent.thaw({ signal, timeout: LEFT_WITHIN }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
  });
}
