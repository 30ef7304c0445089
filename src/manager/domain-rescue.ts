import type { CallOptions } from '../connection/index.js';
import {
  type RescueOptions,
  type RescueState,
  type RescueSubject,
  rescue,
  rescueStateOf,
  type UnrescueOptions,
  unrescue,
} from '../rescue/index.js';
import { DomainEvacuation } from './domain-evacuation.js';

/** How a domain is booted from elsewhere and brought back. */
export abstract class DomainRescue extends DomainEvacuation {
  /**
   * Boots the domain from a rescue disk, with every other device there and where it was. The canonical document is not
   * touched: the rescue is one run of another document (virDomainCreateXML), and whatever ends that run ends the rescue. A
   * reboot by the guest stays in it. The document is rehearsed before the guest is stopped, and compared before it runs.
   *
   * Errors: `DOMAIN_STATE` (transient, in a rescue already, a managed-save image), `SPEC_INVALID`, `PLAN_REFUSED` for the
   * disk; `START_FAILED`, `GUEST_ABI_CHANGED` when it did not start, with what became of the domain. An abort after the
   * guest was stopped ends in the same way back.
   */
  rescue(options: RescueOptions): Promise<void> {
    return this.alone(() => rescue(this.#subject, options));
  }

  /**
   * Ends a rescue and starts the domain from its canonical document. Works from any state, and again: a rescue that ended by
   * itself is over, and a domain that runs as it should is left alone. Errors as for `start` and `shutdown`.
   */
  unrescue(options: UnrescueOptions = {}): Promise<void> {
    return this.alone(() => unrescue(this.#subject, options));
  }

  /** The rescue that is under way, whoever began it; undefined when there is none. */
  async rescueState(options: CallOptions = {}): Promise<RescueState | undefined> {
    return rescueStateOf((await this.reader.documents(options)).live);
  }

  get #subject(): RescueSubject {
    return { reader: this.reader, hooks: this.hooks };
  }
}
