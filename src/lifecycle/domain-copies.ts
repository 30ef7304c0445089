import { GuestAgent } from './agent.js';
import { DomainChanges } from './domain-changes.js';

/** How the disks of a domain are copied while it runs. */
export abstract class DomainCopies extends DomainChanges {
  /** QEMU's guest agent in the running guest: ping, freeze and thaw. */
  get agent(): GuestAgent {
    return new GuestAgent(this.reader);
  }
}
