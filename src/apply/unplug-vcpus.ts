import { LibvirtError } from '../connection/index.js';
import { type DomainDocument, type Operation, vcpuAmounts, vcpuIsOnline } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import type { DomainAccess } from './domain-access.js';
import type { UnplugOptions, UnplugResult } from './unplug.js';
import { withTimeout } from './wait.js';

/** Milliseconds between two looks at the live document. */
const LOOK_AGAIN = 500;

type Step = Omit<Operation, 'inverse'>;

/**
 * Asks the running guest for vCPUs back and waits until the live document shows that it has given them. libvirt asks for one
 * after the other and gives up on the first that does not come in 5 seconds (qemuDomainHotplugDelVcpu), so it is asked again
 * as long as the guest gets on. Errors: `UNPLUG_REFUSED`, `UNPLUG_UNCONFIRMED`, unless the operation says that the guest may
 * keep them: then they go at the next cold boot, since the canonical document has lost them before.
 */
export async function unplugVcpus(
  reader: DomainAccess,
  step: Step,
  options: UnplugOptions,
  signal?: AbortSignal,
): Promise<UnplugResult> {
  const { outcome, cause } = await ask(reader, step, options, signal);
  if (outcome !== 'removed' && step.ifKept === undefined) throw notGiven(reader, step, outcome, options, cause);
  return { device: step.subject, outcome };
}

async function ask(
  reader: DomainAccess,
  { call, subject }: Step,
  { timeout = 20_000 }: UnplugOptions,
  signal?: AbortSignal,
): Promise<Pick<UnplugResult, 'outcome'> & { readonly cause?: unknown }> {
  const { connection, handle: dom } = reader;
  const args = { dom, ...call.args } as never;
  /** The live document, while it shows that the guest still has them; a domain that has stopped has none. */
  const kept = async () => {
    const { live } = await reader.documents({ signal });
    return live && !isGiven(call, live) ? live : undefined;
  };
  for (let before = await kept(); before; ) {
    const cause = await connection
      .call(call.procedure as 'DOMAIN_SET_VCPUS_FLAGS', args, { signal })
      .then(() => undefined, onlyLibvirt);
    let now = await kept();
    for (const deadline = performance.now() + timeout; isAsMany(before, now) && performance.now() < deadline; ) {
      // libvirt's own no does not change by waiting.
      if (cause && cause.errorName !== 'VIR_ERR_OPERATION_TIMEOUT') return { outcome: 'refused', cause };
      await withTimeout(
        new Promise<never>(() => {}),
        LOOK_AGAIN,
        `waiting for the guest to give ${subject} back`,
        signal,
      );
      now = await kept();
    }
    if (isAsMany(before, now)) return { outcome: 'unconfirmed', ...(cause && { cause }) };
    before = now;
  }
  return { outcome: 'removed' };
}

/** True when the live document has no more vCPUs online than the call leaves. */
function isGiven({ procedure, args }: Step['call'], live: DomainDocument): boolean {
  if (procedure === 'DOMAIN_SET_VCPU') return !vcpuIsOnline(live, args.cpumap);
  return procedure === 'DOMAIN_SET_VCPUS_FLAGS' && vcpuAmounts(live).current <= args.nvcpus;
}

function isAsMany(before: DomainDocument, now: DomainDocument | undefined): boolean {
  return now !== undefined && vcpuAmounts(before).current === vcpuAmounts(now).current;
}

function notGiven(
  { handle, known }: DomainAccess,
  { subject }: Step,
  outcome: UnplugResult['outcome'],
  { timeout = 20_000 }: UnplugOptions,
  cause: unknown,
): LibvirtCanonicalError {
  const { name } = handle;
  const details = { domain: name, device: subject, ...(cause === undefined ? {} : { cause }) };
  if (outcome === 'refused') {
    const said = cause instanceof LibvirtError ? `: ${cause.libvirtMessage}` : '';
    return new LibvirtCanonicalError('UNPLUG_REFUSED', `the guest of ${name} did not give vCPUs back${said}`, {
      ...details,
      remedy:
        "Both documents still have them; resize, or detachOrder: 'config-first', lets them go at the next cold boot",
    });
  }
  const [live] = known;
  const has = live ? `, it has ${vcpuAmounts(live).current}` : '';
  return new LibvirtCanonicalError(
    'UNPLUG_UNCONFIRMED',
    `the guest of ${name} did not give vCPUs back within ${timeout} ms${has}`,
    {
      ...details,
      remedy:
        'The request stands, libvirt cannot take it back: the guest may give them back later, until its next cold boot; the canonical document still has them',
    },
  );
}

function onlyLibvirt(error: unknown): LibvirtError {
  if (error instanceof LibvirtError) return error;
  throw error;
}
