import { notify } from '../../apply/index.js';
import type { ShutdownInput } from '../step-inputs.js';
import { isOff } from '../where.js';
import { assertNotElsewhere, assertUnclaimed, onHost, type StepHosts, type StepOptions } from './context.js';
import { checkShutdown } from './input.js';

/** What came of the step `shutDown`. */
export interface ShutdownOutcome {
  /** `already`: it was off, or not there any more. */
  readonly outcome: 'shut-down' | 'already';
  readonly domain: { readonly name: string; readonly uuid: string };
  readonly host: string;
}

/** Shuts a domain down where it is, or finds it off: see `FleetSteps.shutDown`. */
export async function shutDown(hosts: StepHosts, input: ShutdownInput, options: StepOptions): Promise<ShutdownOutcome> {
  checkShutdown(input);
  const { name, uuid } = input.domain;
  const member = hosts.member('shutDown', 'from', input.from);
  const where = await hosts.where(input.domain, [input.from], options.signal);
  assertUnclaimed(where, input);
  assertNotElsewhere(where, [input.from]);
  const here = onHost(where, input.from);
  const domain = { name, uuid };
  if (!here || isOff(here)) return { outcome: 'already', domain, host: input.from };
  notify(options.onProgress, { phase: 'shutting-down' });
  const { signal } = options;
  await (await (await hosts.manager(member)).get(uuid)).shutdown({ ...input.shutdown, signal });
  return { outcome: 'shut-down', domain, host: input.from };
}
