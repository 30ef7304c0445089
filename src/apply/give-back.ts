import { LibvirtError } from '../connection/index.js';
import { type Operation, vcpuAmounts } from '../domain/index.js';
import type { DomainReader } from './read.js';
import type { UnplugOptions, UnplugResult } from './unplug.js';
import { within } from './wait.js';

/** Milliseconds between two looks at the live document. */
const LOOK_AGAIN = 500;

/**
 * Asks the running guest for vCPUs back and waits until the live document shows that it has given them. libvirt asks for one
 * after the other and gives up on the first that does not come in 5 seconds (qemuDomainHotplugDelVcpu), so it is asked again
 * as long as the guest gets on. What the guest keeps goes at the next cold boot: the canonical document has lost it before.
 */
export async function giveBack(
  reader: DomainReader,
  { call, subject: device }: Omit<Operation, 'inverse'>,
  { timeout = 20_000 }: UnplugOptions,
  signal?: AbortSignal,
): Promise<UnplugResult> {
  const { connection, handle: dom } = reader;
  const args = call.args as { readonly nvcpus: number; readonly flags: number };
  /** Undefined once the domain has stopped. */
  const online = async () => {
    const { live } = await reader.documents({ signal });
    return live && vcpuAmounts(live).current;
  };
  for (let before = await online(); before !== undefined && before > args.nvcpus; ) {
    const refusal = await connection
      .call('DOMAIN_SET_VCPUS_FLAGS', { dom, ...args }, { signal })
      .then(() => undefined, onlyLibvirt);
    let now = await online();
    for (const deadline = performance.now() + timeout; now === before && performance.now() < deadline; ) {
      // libvirt's own no does not change by waiting.
      if (refusal && refusal.errorName !== 'VIR_ERR_OPERATION_TIMEOUT') return { device, outcome: 'refused' };
      await within(new Promise<never>(() => {}), LOOK_AGAIN, `waiting for the guest to give ${device} back`, signal);
      now = await online();
    }
    if (now === before) return { device, outcome: 'unconfirmed' };
    before = now;
  }
  return { device, outcome: 'removed' };
}

function onlyLibvirt(error: unknown): LibvirtError {
  if (error instanceof LibvirtError) return error;
  throw error;
}
