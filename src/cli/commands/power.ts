import type { RebootOptions, SaveOptions, ShutdownOptions, StartOptions } from '../../index.js';
import type { Answer } from '../exit.js';
import type { Session } from '../session.js';
import { pendingAdvice } from './pending.js';

/** How a guest is asked to stop, as the command line has it: times are seconds. */
export interface StopOptions {
  readonly by?: ShutdownOptions['by'];
  readonly timeout?: number;
  readonly orDestroy?: boolean;
}

/** Options of a shutdown from those of the command line. */
export function stopping(session: Session, { by, timeout, orDestroy }: StopOptions): ShutdownOptions {
  return {
    signal: session.signal,
    onTimeout: orDestroy ? 'destroy' : 'error',
    ...(by === undefined ? {} : { by }),
    ...(timeout === undefined ? {} : { timeout: timeout * 1000 }),
    onProgress: ({ requests, remaining }) =>
      session.progress.say(`asked the guest ${requests} times, ${Math.ceil(remaining / 1000)} s left`),
  };
}

/** `lvc start`. */
export async function start(
  session: Session,
  name: string,
  { paused = false, managedSave, verify }: Omit<StartOptions, 'verify'> & { readonly verify?: boolean },
): Promise<Answer> {
  const domain = await session.domain(name);
  await domain.start({ signal: session.signal, paused, managedSave, ...(verify ? { verify: 'guest-abi' } : {}) });
  return stateAnswer(domain);
}

/** `lvc stop`: asks the guest, or with `--destroy` pulls the plug. */
export async function stop(
  session: Session,
  name: string,
  { destroy, ...options }: StopOptions & { readonly destroy?: boolean },
): Promise<Answer> {
  const domain = await session.domain(name);
  if (destroy) await domain.destroy({ signal: session.signal });
  else if ((await domain.state({ signal: session.signal })) !== 'shutoff')
    await domain.shutdown(stopping(session, options));
  return stateAnswer(domain);
}

/** `lvc reboot`: by the guest, cold, or hard. */
export async function reboot(
  session: Session,
  name: string,
  { mode, ...options }: StopOptions & Pick<RebootOptions, 'mode'>,
): Promise<Answer> {
  const domain = await session.domain(name);
  const pending = await domain.reboot({ ...stopping(session, options), mode });
  const text = `${domain.name} was rebooted. ${pendingAdvice(domain.name, pending)}`;
  return { result: { name: domain.name, state: await domain.state(), pending }, text };
}

/** `lvc save`: the guest's memory to an image, and off. */
export async function save(
  session: Session,
  name: string,
  { restoreAs }: { readonly restoreAs?: SaveOptions['restoreAs'] },
): Promise<Answer> {
  const domain = await session.domain(name);
  await domain.save({ signal: session.signal, restoreAs, onProgress: session.progress.bytes });
  return stateAnswer(domain);
}

/** `lvc restore`: goes on from the image. */
export async function restore(
  session: Session,
  name: string,
  { paused = false, verify }: { readonly paused?: boolean; readonly verify?: boolean },
): Promise<Answer> {
  const domain = await session.domain(name);
  await domain.restore({ signal: session.signal, paused, ...(verify ? { verify: 'guest-abi' } : {}) });
  return stateAnswer(domain);
}

/** What a domain is doing after the work on it. */
export async function stateAnswer(domain: {
  readonly name: string;
  readonly uuid: string;
  state(): Promise<string>;
}): Promise<Answer> {
  const { name, uuid } = domain;
  const state = await domain.state();
  return { result: { name, uuid, state }, text: `${name} is ${state}.` };
}
