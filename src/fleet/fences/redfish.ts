import { setTimeout as sleep } from 'node:timers/promises';
import { AbortedError, LibvirtCanonicalError } from '../../errors.js';
import { CALLBACK, checkOptions, PERIOD, TEXT } from '../../options.js';
import { type Fence, type FenceProof, FenceUnprovedError, proofNow } from './proof.js';

/** How a BMC is reached by Redfish. */
export interface RedfishOptions {
  /** `https://bmc-a.example`. Plain `http://` sends the password in clear: on loopback and in a network of its own only. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** Path of the system, `/redfish/v1/Systems/1`. Default: the only one that the BMC has. */
  readonly system?: string | undefined;
  /** Milliseconds for all of it, from the first question to the second reading of off. Default 60,000. */
  readonly timeout?: number | undefined;
  /** Milliseconds between two readings. Default 1,000. */
  readonly interval?: number | undefined;
  /** Milliseconds that the proof counts. Default 600,000. */
  readonly validFor?: number | undefined;
  /** Another `fetch`, for a certificate authority of your own for instance. */
  readonly fetch?: typeof fetch | undefined;
}

/** The parts of a ComputerSystem that count here. */
interface System {
  readonly PowerState?: unknown;
  readonly Actions?: {
    readonly '#ComputerSystem.Reset'?: {
      readonly target?: unknown;
      readonly 'ResetType@Redfish.AllowableValues'?: unknown;
    };
  };
}

/** Longest answer that is read, in characters. */
const LONGEST = 4 << 20;

/**
 * Switches a host off by its BMC and reads back that it is: ComputerSystem.Reset with ForceOff, then PowerState `Off` twice in a
 * row. A BMC that does not answer, that refuses or that goes on saying anything else proves nothing: `FENCE_UNPROVED`. What a
 * BMC says about another machine than the host's own nobody can tell from here.
 *
 * @example
 * const fence = redfish({ url: 'https://bmc-a.example', user: 'fleet', password });
 */
export function redfish(options: RedfishOptions): Fence {
  checkOptions<RedfishOptions>(
    'redfish',
    options ?? null,
    {
      url: TEXT,
      user: TEXT,
      password: TEXT,
      system: TEXT,
      timeout: PERIOD,
      interval: PERIOD,
      validFor: PERIOD,
      fetch: CALLBACK,
    },
    { needs: ['url', 'user', 'password'] },
  );
  const base = urlOf(options.url);
  return {
    way: 'redfish',
    async prove(host, { signal } = {}) {
      const { timeout = 60_000 } = options;
      const late = AbortSignal.timeout(timeout);
      const given = signal ? AbortSignal.any([signal, late]) : late;
      try {
        return await new Bmc(base, options, given).off(host);
      } catch (error) {
        if (signal?.aborted) throw new AbortedError(`the fencing of ${host}`, signal.reason);
        if (error instanceof FenceUnprovedError) throw error;
        const why = late.aborted ? `${base.host} did not show it within ${timeout} ms` : messageOf(error);
        throw new FenceUnprovedError(host, 'redfish', why, {
          remedy: "Look at the BMC, or take a person's word for it",
          cause: error,
        });
      }
    },
  };
}

function urlOf(text: string): URL {
  try {
    const url = new URL(text);
    if (url.protocol === 'https:' || url.protocol === 'http:') return url;
  } catch {}
  throw new LibvirtCanonicalError('ARGUMENT_INVALID', 'redfish: url must be an http:// or https:// URL', {
    path: 'url',
  });
}

/** One BMC while it is asked. */
class Bmc {
  readonly #base: URL;
  readonly #options: RedfishOptions;
  readonly #signal: AbortSignal;

  constructor(base: URL, options: RedfishOptions, signal: AbortSignal) {
    this.#base = base;
    this.#options = options;
    this.#signal = signal;
  }

  async off(host: string): Promise<FenceProof> {
    const path = this.#options.system ?? (await this.#onlySystem());
    const { interval = 1_000, validFor = 600_000 } = this.#options;
    const first = (await this.#ask(path)) as System;
    if (first.PowerState !== 'Off') await this.#reset(first);
    // What a BMC says at once may be what it is about to do.
    for (let seen = 0; seen < 2; ) {
      await sleep(interval, undefined, { signal: this.#signal });
      const { PowerState } = (await this.#ask(path)) as System;
      seen = PowerState === 'Off' ? seen + 1 : 0;
    }
    const did = first.PowerState === 'Off' ? 'was off' : `was ${word(first.PowerState)}, was switched off`;
    const says = `${path} ${did}, and PowerState was read as Off twice`;
    return proofNow({ host, way: 'redfish', by: this.#base.host, says }, validFor);
  }

  async #onlySystem(): Promise<string> {
    const { Members } = (await this.#ask('/redfish/v1/Systems')) as { Members?: unknown };
    const paths = Array.isArray(Members) ? Members.map((each) => (each as Record<string, unknown>)?.['@odata.id']) : [];
    const [only, another] = paths;
    if (typeof only === 'string' && another === undefined) return only;
    throw new Error(`it has ${paths.length} systems, and one must be named in system`);
  }

  async #reset({ Actions }: System): Promise<void> {
    const action = Actions?.['#ComputerSystem.Reset'];
    const allowed = action?.['ResetType@Redfish.AllowableValues'];
    if (typeof action?.target !== 'string') throw new Error('it offers no ComputerSystem.Reset');
    if (Array.isArray(allowed) && !allowed.includes('ForceOff'))
      throw new Error('its ComputerSystem.Reset has no ForceOff');
    await this.#ask(action.target, { ResetType: 'ForceOff' });
  }

  /** One request. Paths that the BMC names stay on the BMC: the password goes nowhere else. */
  async #ask(path: string, body?: object): Promise<unknown> {
    const url = new URL(path, this.#base);
    if (url.origin !== this.#base.origin) throw new Error(`it leads to ${url.origin}, which is another machine`);
    const { user, password, fetch: other = fetch } = this.#options;
    const response = await other(url, {
      method: body ? 'POST' : 'GET',
      headers: {
        accept: 'application/json',
        authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: this.#signal,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${url.pathname} was answered with HTTP ${response.status}`);
    if (body) return undefined;
    if (text.length > LONGEST) throw new Error(`the answer to ${url.pathname} is too long`);
    return JSON.parse(text);
  }
}

/** Words of a BMC as a message may show them. */
const word = (value: unknown): string =>
  typeof value === 'string' && /^\w{1,30}$/.test(value) ? value : 'in no known state';

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof SyntaxError) return 'it answered with no JSON';
  const { cause } = error;
  return cause instanceof Error ? `${error.message} (${cause.message})` : error.message;
}
