import type { ApplyInput } from '../change.js';
import type { Member } from '../member.js';
import type {
  ClaimInput,
  EvacuateInput,
  MoveInput,
  QuarantineInput,
  ReleaseInput,
  ShutdownInput,
} from '../step-inputs.js';
import { type ApplyOutcome, type ApplyStepOptions, apply } from './apply.js';
import { type ClaimOutcome, claim, type UnclaimOutcome, unclaim } from './claim.js';
import { StepHosts, type StepOptions } from './context.js';
import { type EvacuateOptions, type EvacuateOutcome, evacuate } from './evacuate.js';
import { type MoveOutcome, move } from './move.js';
import { type QuarantineOutcome, quarantine } from './quarantine.js';
import { type ReleaseOutcome, release } from './release.js';
import { type ShutdownOutcome, shutDown } from './shut-down.js';

export type { ApplyOutcome, ApplyStepOptions } from './apply.js';
export type { ClaimOutcome, UnclaimOutcome } from './claim.js';
export type { StepOptions } from './context.js';
export type { EvacuateOptions, EvacuateOutcome } from './evacuate.js';
export type { MoveOutcome } from './move.js';
export type { QuarantinedDomain, QuarantineOutcome } from './quarantine.js';
export type { ReleaseOutcome } from './release.js';
export type { ShutdownOutcome } from './shut-down.js';

/**
 * What an engine runs, one call for one domain. Each takes a plain value and returns one, and begins by asking libvirt on all
 * hosts where the domain is: run twice, or after a death at any point, it finds what was done and does the rest.
 */
export class FleetSteps {
  readonly #hosts: StepHosts;

  /** @internal */
  constructor(members: readonly Member[]) {
    this.#hosts = new StepHosts(members);
  }

  /**
   * Claims a domain for one operation, in the domain's own metadata, or finds that the operation has it. Of two operations one
   * gets it. While it is claimed, every step of another operation, or of none, refuses it: so give the steps the same
   * `operation`. The claim goes wherever the domain is moved; a copy, a bundle and an import carry none. It ends with `unclaim`
   * and with nothing else: libvirt has no lease that runs out.
   *
   * Errors: `DOMAIN_CLAIMED` (DomainClaimedError) naming the other operation, `FLEET_PLAN_STALE` when the domain is not on that
   * host alone, `DAEMON_UNREACHABLE`, `DOMAIN_STATE` while a failed transient start is in memory, `ABORTED`, `ARGUMENT_INVALID`.
   * virDomainSetMetadata.
   *
   * @example
   * await fleet.steps.claim({ operation: 'drain-a-1', domain, from: 'a' });
   * await fleet.steps.move({ ...input, operation: 'drain-a-1' });
   * await fleet.steps.unclaim({ operation: 'drain-a-1', domain, from: 'a' });
   */
  claim(input: ClaimInput, options: StepOptions = {}): Promise<ClaimOutcome> {
    return claim(this.#hosts, input, options);
  }

  /**
   * Takes an operation's claim from a domain, on whichever hosts that is by now, or finds none. Asked by a person for an operation
   * that nothing carries on any more, it frees the domain: see where it is first. Errors: `DAEMON_UNREACHABLE` when no host that
   * answers has it and one is silent, `DOMAIN_STATE`, `ABORTED`, `ARGUMENT_INVALID`. virDomainSetMetadata.
   */
  unclaim(input: ClaimInput, options: StepOptions = {}): Promise<UnclaimOutcome> {
    return unclaim(this.#hosts, input, options);
  }

  /**
   * Moves a domain as planned, settles a migration of it that was cut, waits for one that another process makes, and starts it
   * at the target when it had to be shut down. `plan.steps.moves` are its inputs.
   *
   * Errors: `FLEET_PLAN_STALE` when it is not as planned, `FLEET_NO_CAPACITY` when the target has no room now,
   * `DOMAIN_CLAIMED` when another operation has it,
   * `DOMAIN_RUNNING_ELSEWHERE` when it runs on a third host or twice, `DAEMON_UNREACHABLE` when one of the two is silent,
   * `MIGRATION_REFUSED`, `MIGRATION_FAILED` (it is on the source as before), `MIGRATION_UNSETTLED`, `TIMEOUT` of a shutdown,
   * `ABORTED`, `ARGUMENT_INVALID`. Nothing is shut down because a migration failed.
   *
   * @example
   * for (const input of plan.steps.moves) await fleet.steps.move(input, { signal, onProgress: console.log });
   */
  move(input: MoveInput, options: StepOptions = {}): Promise<MoveOutcome> {
    return move(this.#hosts, input, options);
  }

  /**
   * Brings a domain of a dead host back from its bundle, and starts it when it is to run; or finds it there. The proof is held
   * to its time before every act, and libvirt is asked whether it speaks against it. `plan.steps.evacuations` are its inputs,
   * each with a `proof` of `fleet.fence`.
   *
   * Errors: `FENCE_UNPROVED` without a proof that counts, or when the host answers; `DOMAIN_CLAIMED`, `DOMAIN_RUNNING_ELSEWHERE`,
   * `FLEET_PLAN_STALE` when another host has it; `DAEMON_UNREACHABLE` when another host is silent, unless `unknownHosts`
   * accepts that; `FLEET_NO_CAPACITY`, `IMPORT_REFUSED`, `GUEST_ABI_CHANGED` when what is defined there is another machine,
   * `START_FAILED`, `ABORTED`, `ARGUMENT_INVALID`.
   *
   * @example
   * const proof = await fleet.fence('a', fence);
   * for (const input of plan.steps.evacuations) await fleet.steps.evacuate({ ...input, proof }, { bundles: load });
   */
  evacuate(input: EvacuateInput, options: EvacuateOptions): Promise<EvacuateOutcome> {
    return evacuate(this.#hosts, input, options);
  }

  /**
   * Changes a domain as planned, completes an apply of it that was cut, or finds it as asked. `change.steps.applies` are its
   * inputs; the change itself is an option. Only the domain's own host is asked: nothing is started, and a fleet may have ten
   * thousand of them.
   *
   * Errors: `FLEET_PLAN_STALE` when its documents are others, or it is not there; `DOMAIN_CLAIMED`; `APPLY_INTERRUPTED` where the input refuses
   * one that was cut, `APPLY_IN_PROGRESS`, `APPLY_FAILED` (taken back), `PLAN_REFUSED`, and the others of `domain.apply`.
   *
   * @example
   * for (const input of change.steps.applies) await fleet.steps.apply(input, { request });
   */
  apply(input: ApplyInput, options: ApplyStepOptions): Promise<ApplyOutcome> {
    return apply(this.#hosts, input, options);
  }

  /**
   * Shuts a domain down, or finds it off. `plan.steps.shutdowns` are its inputs. The plug is pulled only where the input says
   * `onTimeout: 'destroy'`. Errors: `TIMEOUT`, `DAEMON_UNREACHABLE`, `DOMAIN_CLAIMED`,
   * `DOMAIN_RUNNING_ELSEWHERE`, `ABORTED`, `ARGUMENT_INVALID`.
   */
  shutDown(input: ShutdownInput, options: StepOptions = {}): Promise<ShutdownOutcome> {
    return shutDown(this.#hosts, input, options);
  }

  /**
   * Keeps a host that was dead and is back from starting what was brought back elsewhere: the first thing to do with it. Of each
   * domain that it still has and that runs on another host, or that the caller notes as brought back, autostart is set off and a
   * mark is made, with the operation, the time and the new home: `start` of this library refuses it then, and `fleet.where` says
   * so. The outcome lists each of them, and what is left to a person. Domains that no other host has are left alone.
   *
   * What the host has started with its daemon cannot be prevented by looking afterwards: it is listed with `here: 'running'`, and
   * ended where the input says `running: 'destroy'` and another host is seen to run it.
   *
   * Errors: `DAEMON_UNREACHABLE`, `DOMAIN_STATE`, `ABORTED`, `ARGUMENT_INVALID`. virDomainSetAutostart, virDomainSetMetadata,
   * virDomainDestroy.
   *
   * @example
   * const domains = inputs.map(({ domain, to }) => ({ ...domain, to })); // of plan.steps.evacuations, kept by the caller
   * await fleet.steps.quarantine({ operation: 'evacuate-a-1', from: 'a', domains, running: 'destroy' });
   */
  quarantine(input: QuarantineInput, options: StepOptions = {}): Promise<QuarantineOutcome> {
    return quarantine(this.#hosts, input, options);
  }

  /**
   * Ends the quarantine of one domain. `undefine`: what is left over goes, when another host has a definition of the domain that
   * is the same machine. `clear`: the mark goes, when every other host answers and none has the domain; autostart stays off.
   *
   * Errors: `FLEET_PLAN_STALE` when it is not so, `GUEST_ABI_CHANGED` when the new home has another machine: what was changed
   * after the bundle was made is on this host alone then; `DOMAIN_RUNNING_ELSEWHERE`, `DAEMON_UNREACHABLE`, `DOMAIN_CLAIMED`,
   * `DOMAIN_STATE` when it runs here, or has snapshots or a managed-save image; `ABORTED`, `ARGUMENT_INVALID`.
   * virDomainUndefineFlags, virDomainSetMetadata.
   *
   * @example
   * await fleet.steps.release({ domain, from: 'a', does: 'undefine' });
   */
  release(input: ReleaseInput, options: StepOptions = {}): Promise<ReleaseOutcome> {
    return release(this.#hosts, input, options);
  }
}
