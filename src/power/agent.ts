import type { DomainAccess } from '../apply/index.js';
import { CallTimeoutError, LibvirtError, type LibvirtErrorName } from '../connection/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { stateError } from './state.js';

/** `absent`: the domain has no channel for an agent, or is off. `disconnected`: none answers on it. */
export type AgentState = 'connected' | 'disconnected' | 'absent';

/** Options of what the guest agent is asked to do. */
export interface AgentOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds the agent has. */
  readonly timeout?: number;
}

const CHANNEL = 'org.qemu.guest_agent.0';
const PING_WITHIN = 10_000;
const FREEZE_WITHIN = 60_000;
/** VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_DEFAULT: five seconds to come into step, then as long as it takes. */
const DEFAULT_TIMEOUT = -1;

/** What libvirt says when nobody answers. */
const SILENT: ReadonlySet<LibvirtErrorName | undefined> = new Set([
  'VIR_ERR_AGENT_UNRESPONSIVE',
  'VIR_ERR_AGENT_UNSYNCED',
  'VIR_ERR_AGENT_COMMAND_TIMEOUT',
  'VIR_ERR_ARGUMENT_UNSUPPORTED',
]);

/**
 * QEMU's guest agent (qemu-guest-agent) of a running domain. Errors: `AGENT_UNAVAILABLE` when there is none or it is silent,
 * `DOMAIN_STATE` when the guest does not run, `TIMEOUT` when it has not done in time what it was asked.
 */
export class GuestAgent {
  readonly #reader: DomainAccess;

  /** @internal */
  constructor(reader: DomainAccess) {
    this.#reader = reader;
  }

  /** Whether an agent listens, as the running domain's channel tells. */
  async state({ signal }: AgentOptions = {}): Promise<AgentState> {
    const { live } = await this.#reader.documents({ signal });
    const channel = live?.devices.find(
      ({ kind, leaves }) => kind.element === 'channel' && leaves.get('target/@name') === CHANNEL,
    );
    if (!channel) return 'absent';
    return channel.leaves.get('target/@state') === 'connected' ? 'connected' : 'disconnected';
  }

  /** Resolves when the agent answers. virDomainGetTime, which asks the agent and changes nothing. Default timeout 10 s. */
  async ping({ signal, timeout = PING_WITHIN }: AgentOptions = {}): Promise<void> {
    const { connection, handle: dom } = this.#reader;
    await this.#asked('be asked for the time', () =>
      connection.call('DOMAIN_GET_TIME', { dom, flags: 0 }, { signal, timeout }),
    );
  }

  /**
   * Freezes the guest's file systems, all or those mounted at `mountpoints`, and returns how many: until {@link thaw}
   * whoever writes in the guest waits. virDomainFSFreeze. Default timeout 60 s; one that ends with `TIMEOUT` may still
   * freeze them later.
   */
  async freeze({
    signal,
    timeout = FREEZE_WITHIN,
    mountpoints = [],
  }: AgentOptions & { readonly mountpoints?: readonly string[] } = {}): Promise<number> {
    const { connection, handle: dom } = this.#reader;
    const { filesystems } = await this.#asked('be frozen', () =>
      connection.call('DOMAIN_FSFREEZE', { dom, mountpoints, flags: 0 }, { signal, timeout }),
    );
    return filesystems;
  }

  /** Thaws what is frozen and returns how many file systems that were; 0 when none was. virDomainFSThaw. Default timeout 60 s. */
  async thaw({ signal, timeout = FREEZE_WITHIN }: AgentOptions = {}): Promise<number> {
    const { connection, handle: dom } = this.#reader;
    const { filesystems } = await this.#asked('be thawed', () =>
      connection.call('DOMAIN_FSTHAW', { dom, mountpoints: [], flags: 0 }, { signal, timeout }),
    );
    return filesystems;
  }

  /**
   * Whether the guest's file systems are frozen, by whomever: a program that died over a copy too. A frozen agent refuses to
   * tell the time; only then it is asked by a command of QEMU's, which libvirt notes about the domain
   * (virDomainQemuAgentCommand). Default timeout 10 s.
   */
  async frozen({ signal, timeout = PING_WITHIN }: AgentOptions = {}): Promise<boolean> {
    const { connection, handle: dom } = this.#reader;
    try {
      await this.ping({ signal, timeout });
      return false;
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
    const args = { dom, cmd: '{"execute":"guest-fsfreeze-status"}', timeout: DEFAULT_TIMEOUT, flags: 0 };
    const { result } = await this.#asked('be asked whether it is frozen', () =>
      connection.call('QEMU_DOMAIN_AGENT_COMMAND', args, { signal, timeout }),
    );
    return /"frozen"/.test(result ?? '');
  }

  async #asked<T>(what: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      const { name: domain } = this.#reader.handle;
      if (error instanceof CallTimeoutError)
        throw new LibvirtCanonicalError('TIMEOUT', `the guest agent of ${domain} did not answer in time`, {
          cause: error,
          domain,
          remedy: 'It may still do what it was asked; thaw() is harmless when nothing is frozen',
        });
      throw isSilence(error) ? noAgent(domain, error) : stateError(this.#reader, what, error);
    }
  }
}

/** Errors of libvirt for an answer of the agent that is an error (qemuAgentCheckError): newer ones have a code of their own for it. */
const REFUSALS: ReadonlySet<LibvirtErrorName | undefined> = new Set([
  'VIR_ERR_INTERNAL_ERROR',
  'VIR_ERR_AGENT_COMMAND_FAILED',
]);

/** True for an answer of the agent that is an error. */
export function isRefusal(error: unknown): error is LibvirtError {
  return error instanceof LibvirtError && REFUSALS.has(error.errorName);
}

/** True for libvirt's words for an agent that is not there or does not answer. */
export function isSilence(error: unknown): error is LibvirtError {
  return error instanceof LibvirtError && SILENT.has(error.errorName);
}

export function noAgent(domain: string, cause: LibvirtError): LibvirtCanonicalError {
  return new LibvirtCanonicalError(
    'AGENT_UNAVAILABLE',
    `no guest agent answers in ${domain}: ${cause.libvirtMessage}`,
    {
      cause,
      domain,
      remedy: `The guest needs qemu-guest-agent running and the domain a virtio channel named ${CHANNEL}`,
    },
  );
}
