import {
  type ApplyOptions,
  type ApplyResult,
  applyPlan,
  DomainReader,
  type RecoverOptions,
  type RecoverResult,
  type ResizeOptions,
  type ResizeResult,
  recoverDomain,
  resize,
} from '../apply/index.js';
import type { CallOptions } from '../connection/index.js';
import type { DomainSpec } from '../domain/index.js';
import {
  type ChangeRequest,
  type Plan,
  planChanges,
  planResize,
  planTowards,
  type ResizeRequest,
  type TowardsOptions,
} from '../plan/index.js';
import { DomainView } from './domain-view.js';

/** How a domain changes: by plans. */
export abstract class DomainChanges extends DomainView {
  /** Plans a change request; nothing is changed. See {@link Plan} and {@link ChangeRequest}. */
  async plan(request: ChangeRequest, options: CallOptions = {}): Promise<Plan> {
    return planChanges(request, await this.reader.context(options));
  }

  /**
   * Plans the way to a whole desired state; nothing is changed. What callers asked for before and do not ask for any more
   * is detached, what anybody else added is kept, and a field that is not mentioned stays as it is.
   *
   * Errors as for {@link plan}; what no call can bring about stands in `plan.refusals`.
   */
  async planTowards(desired: string | DomainSpec, options: TowardsOptions & CallOptions = {}): Promise<Plan> {
    const context = await this.reader.context({ signal: options.signal, timeout: options.timeout });
    return planTowards(desired, context, options);
  }

  /**
   * Applies a plan: each operation is one libvirt call, verified in both documents. Errors: `PLAN_REFUSED`, `PLAN_STALE`
   * before anything is changed, `DOMAIN_STATE` when a failed transient start left its document in libvirt's memory,
   * `APPLY_IN_PROGRESS` when another process applies and `wait` is over, `APPLY_INTERRUPTED` when one ended halfway;
   * `APPLY_FAILED` (ApplyError) with what was undone.
   */
  async apply(plan: Plan, options: ApplyOptions = {}): Promise<ApplyResult> {
    const result = await applyPlan(this.reader, plan, options);
    const { connection, handle } = this.reader;
    // libvirt goes by the UUID; the name in the handle is for people, and follows a rename.
    for (const { call } of result.operations) {
      if (call.procedure === 'DOMAIN_RENAME')
        this.reader = new DomainReader(connection, { ...handle, name: call.args.new_name });
    }
    return result;
  }

  /**
   * Plans another number of vCPUs or amount of memory; nothing is changed. At once as far as the running guest and its maxima
   * allow, at the next cold boot otherwise: each operation says which. What no call changes (a maximum that the CPU
   * topology or NUMA cells fix) stands in `plan.refusals` with the way round it. See docs/resize.md.
   */
  async planResize(request: ResizeRequest, options: CallOptions = {}): Promise<Plan> {
    return planResize(request, await this.reader.context(options));
  }

  /**
   * Plans another size and applies it, then waits a little for the guest's balloon and tells what the guest has now and what
   * it has from the next cold boot on. Errors as for {@link apply}. virDomainSetVcpusFlags, virDomainSetMemoryFlags.
   *
   * @example
   * const { vcpus } = await web.resize({ vcpus: 4, memory: '3 GiB' });
   * if (vcpus.takesEffect === 'next-boot') console.log(`${vcpus.now?.current} until the next cold boot`);
   */
  async resize(request: ResizeRequest, options: ResizeOptions = {}): Promise<ResizeResult> {
    const plan = await this.planResize(request, { signal: options.signal });
    return resize(this.reader, plan, (each, how) => this.apply(each, how), options);
  }

  /**
   * Settles an apply that was interrupted: `complete` makes what is left of its plan, `undo` takes back what was made of
   * it, `keep` leaves the domain as it stands. Nothing is done when there is none. Errors: `APPLY_IN_PROGRESS` while the
   * process that applies runs, `DOMAIN_STATE` as for {@link apply}, `PLAN_REFUSED` when a secret is needed that no document has, `APPLY_FAILED`.
   */
  async recover(options: RecoverOptions): Promise<RecoverResult> {
    const result = await recoverDomain(this.reader, options);
    await this.reader.documents({ signal: options.signal });
    return result;
  }
}
