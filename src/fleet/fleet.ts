import { isUuid, uuidOf } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { DomainManager } from '../manager/index.js';
import { checkArgument, checkOptions, methods, SIGNAL, TEXT, words } from '../options.js';
import { checkApply, type FleetApplyRequest, planApply } from './apply.js';
import type { FleetChange } from './change.js';
import { assertCurrent } from './current.js';
import { planDrain } from './drain.js';
import { checkDrain, type DrainRequest } from './drain-request.js';
import { checkEvacuate, type EvacuateRequest, planEvacuate } from './evacuate.js';
import { fenced } from './fenced.js';
import type { Fence, FenceProof } from './fences/index.js';
import { type FleetHost, readHosts } from './host.js';
import { checkHostName, type FleetOptions, type HostLabels, hostsOf } from './hosts.js';
import { Member } from './member.js';
import type { FleetPlan } from './plan.js';
import { FleetSteps } from './steps/index.js';
import { checkUpgrade, type FleetUpgrade, planUpgrade, type UpgradeRequest } from './upgrade.js';
import { type FleetWhereabouts, whereIsName, whereIsUuid } from './where.js';

/** Options of the methods of {@link Fleet} that ask. */
export interface FleetAskOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Options of `fleet.fence`. */
export interface FenceOptions extends FleetAskOptions {
  /** A host whose libvirt answers: `refuse` (default), or `fence` it, which ends what runs there. */
  readonly alive?: 'refuse' | 'fence' | undefined;
}

/** Milliseconds that a host has for one answer. */
const PATIENCE = 10_000;
/** What is wrong with what the caller wrote; everything else is about the host. */
const WRITTEN_WRONG: readonly string[] = ['ARGUMENT_INVALID', 'URI_INVALID'];

/**
 * Several hosts, and what only all of them together can answer. It keeps no state of its own: each question goes to libvirt.
 * A host that cannot be reached is told as such and never fails a question to the others.
 */
export class Fleet implements AsyncDisposable {
  readonly #members: ReadonlyMap<string, Member>;

  private constructor(members: readonly Member[]) {
    this.#members = new Map(members.map((member) => [member.name, member]));
  }

  /**
   * Connects to the hosts, all at once. Those that cannot be reached are tried again with each question. Only what is written
   * wrongly rejects: `ARGUMENT_INVALID`, `URI_INVALID`; and `ABORTED`.
   *
   * @example
   * await using fleet = await Fleet.open({
   *   hosts: { a: 'qemu+tls://a/system', b: { uri: 'qemu+tls://b/system', labels: { rack: '2' } } },
   * });
   */
  static async open(options: FleetOptions): Promise<Fleet> {
    const { timeout = PATIENCE, signal } = options ?? {};
    const fleet = new Fleet(hostsOf(options).map(([name, spec]) => new Member(name, spec, timeout)));
    try {
      const answers = await Promise.all(
        [...fleet.#members.values()].map((member) => member.ask(async () => undefined, signal)),
      );
      for (const answer of answers) {
        const error = answer.is === 'silent' ? answer.error : undefined;
        if (error instanceof LibvirtCanonicalError && WRITTEN_WRONG.includes(error.code)) throw error;
      }
      return fleet;
    } catch (error) {
      await fleet.close();
      throw error;
    }
  }

  /** The names of its hosts, in the order in which they were given. */
  get names(): readonly string[] {
    return [...this.#members.keys()];
  }

  /** What a host was labelled with. `ARGUMENT_INVALID` for a name that is none of its hosts. */
  labels(host: string): HostLabels {
    return this.#member('labels', host).labels;
  }

  /**
   * The manager of one host, over the fleet's connection to it, which is opened anew when it has ended. Errors as `connect`;
   * `ARGUMENT_INVALID` for a name that is none of its hosts.
   */
  async manager(host: string): Promise<DomainManager> {
    return new DomainManager(await this.#member('manager', host).connection());
  }

  /**
   * What every host has and what is free of it, in the order in which they were given. Errors: `ABORTED`, `CONNECTION_CLOSED`.
   * virConnectGetCapabilities, virNodeGetInfo, virNodeGetMemoryStats, virNodeGetCellsFreeMemory, virNodeGetFreePages.
   *
   * @example
   * for (const host of await fleet.hosts())
   *   console.log(host.name, host.is === 'there' ? host.info.memory.available : host.why);
   */
  async hosts(options: FleetAskOptions = {}): Promise<FleetHost[]> {
    checkOptions<FleetAskOptions>('hosts', options, { signal: SIGNAL });
    return readHosts([...this.#members.values()], options.signal);
  }

  /**
   * Asks every host for a domain, by UUID or by name. Found on two hosts it says so in `outcome`, and hosts that did not
   * answer stand in `silent`: only with `certain` is an absence one. A text with the form of a UUID is one.
   * Errors: `ARGUMENT_INVALID`, `ABORTED`, `CONNECTION_CLOSED`. virDomainLookupByUUID, virDomainLookupByName, virDomainGetState.
   *
   * @example
   * const { outcome, meaning, certain } = await fleet.where('web1');
   */
  async where(domain: string, options: FleetAskOptions = {}): Promise<FleetWhereabouts> {
    checkArgument('where', 'domain', domain, TEXT);
    checkOptions<FleetAskOptions>('where', options, { signal: SIGNAL });
    const members = [...this.#members.values()];
    return isUuid(domain)
      ? whereIsUuid(members, uuidOf(domain, 'domain'), domain, options.signal)
      : whereIsName(members, domain, options.signal);
  }

  /**
   * Plans to empty a host: where each of its domains goes and by which way, or why it does not; and what every host has before
   * and after. It reads and writes nothing, so each move still has to prove its storage and to ask libvirt itself.
   *
   * Errors: `ARGUMENT_INVALID` by path, `DAEMON_UNREACHABLE` when that host does not answer, `ABORTED`. A target that does not
   * answer is left out and named.
   *
   * @example
   * const plan = await fleet.planDrain('a', { to: ['b', 'c'], cannotMove: 'stay', keepFree: { memory: '10 %' } });
   * if (!plan.isPossible) console.log(`${plan}`, plan.refusals);
   */
  async planDrain(host: string, request: DrainRequest = {}): Promise<FleetPlan> {
    checkDrain(request);
    return planDrain([...this.#members.values()], host, request);
  }

  /**
   * Plans to empty hosts one after the other, or some at a time, as for an upgrade of each: a plan of a drain for every one, with
   * the others of its batch no targets. Each batch is planned from the hosts as they are now, as if the domains of the one
   * before had gone back. Reads only. Errors as {@link planDrain}.
   *
   * @example
   * const upgrade = await fleet.planRollingUpgrade({ hosts: ['a', 'b', 'c'], batch: 1, cannotMove: 'stay' });
   */
  async planRollingUpgrade(request: UpgradeRequest): Promise<FleetUpgrade> {
    checkUpgrade(request);
    return planUpgrade([...this.#members.values()], request);
  }

  /**
   * Plans to bring back what a dead host ran, from its bundles: where each domain is defined anew and started, or why not, and
   * what every host has before and after. Reads only; nothing of it may be started before a proof that the host is off.
   *
   * Errors: `ARGUMENT_INVALID` by path, `SPEC_INVALID` and `SPEC_UNKNOWN_FIELD` for a bundle, `ABORTED`.
   *
   * @example
   * const plan = await fleet.planEvacuate('a', { bundles, to: ['b', 'c'], start: 'autostart' });
   */
  async planEvacuate(host: string, request: EvacuateRequest): Promise<FleetPlan> {
    checkEvacuate(request);
    return planEvacuate([...this.#members.values()], host, request);
  }

  /**
   * Plans one change of many domains: what is done to each, which are as asked already, and which cannot be changed and why.
   * Reads only. Hosts that do not answer are named in `silent`: their domains are not in it.
   *
   * Errors: `ARGUMENT_INVALID` by path, `ABORTED`. What a change says wrongly is a refusal of each domain.
   *
   * @example
   * const change = await fleet.planApply({ where: ({ title }) => title === 'web', request: { set: { memory: '4 GiB' } } });
   */
  async planApply(request: FleetApplyRequest): Promise<FleetChange> {
    checkApply(request);
    return planApply([...this.#members.values()], request);
  }

  /**
   * Has a host proved off, before anything of it is started elsewhere. A host whose libvirt answers is refused unless `alive`
   * says `fence`: then it is switched off with all that runs on it. Whether it is off is the fence's to show; libvirt is asked
   * again after it, and an answer makes the proof a lie. Errors: `FENCE_UNPROVED` (FenceUnprovedError), `ABORTED`.
   *
   * @example
   * const proof = await fleet.fence('a', redfish({ url: 'https://bmc-a.example', user: 'fleet', password }));
   */
  async fence(host: string, fence: Fence, options: FenceOptions = {}): Promise<FenceProof> {
    checkArgument('fence', 'fence', fence, methods('a fence', 'prove'));
    checkOptions<FenceOptions>('fence', options, { alive: words('refuse', 'fence'), signal: SIGNAL });
    const { alive = 'refuse', signal } = options;
    return fenced(this.#member('fence', host), fence, { alive, signal });
  }

  /**
   * Holds a plan to the hosts as they are now, with the targets that it gave: `FLEET_PLAN_STALE` (FleetPlanStaleError) when a
   * domain would not go that way any more, has gone, or came. What the fates were decided by is not asked again. Reads only.
   */
  async assertCurrent(plan: FleetPlan, options: FleetAskOptions = {}): Promise<void> {
    checkOptions<FleetAskOptions>('assertCurrent', options, { signal: SIGNAL });
    await assertCurrent([...this.#members.values()], plan, options.signal);
  }

  /** What an engine runs to carry out a plan: see {@link FleetSteps}. */
  get steps(): FleetSteps {
    return new FleetSteps([...this.#members.values()]);
  }

  /** Closes all connections. Domains go on as they are. */
  async close(): Promise<void> {
    await Promise.all([...this.#members.values()].map((member) => member.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  toString(): string {
    return `a fleet of ${this.names.join(', ')}`;
  }

  /** What `console.log` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  #member(method: string, name: string): Member {
    checkHostName(method, 'host', name, this.names);
    return this.#members.get(name) as Member;
  }
}
