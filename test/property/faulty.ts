import * as assert from 'uvu/assert';
import { withoutBookkeeping } from '../../src/domain/index.js';
import {
  type ChangeRequest,
  type Connection,
  connect,
  DomainManager,
  type DomainSpec,
  LibvirtCanonicalError,
  type ManagedDomain,
} from '../../src/index.js';
import type { PrivateHost } from '../../src/testing/index.js';
import { type Fault, FaultProxy } from '../support/fault-proxy.js';
import { identityMap, machineOf } from '../support/identity-map.js';
import { documentsOf, sorted } from '../support/scenario.js';
import { CanonicalSubject } from './subject.js';

type FaultFor = (request: ChangeRequest) => Fault | undefined;

/** The library as its users use it, over a wire on which now and then something goes wrong in the middle of a change. */
export class FaultySubject extends CanonicalSubject {
  readonly #proxy: FaultProxy;
  /** The fault that a change is to meet; undefined for none. */
  readonly #faultFor: FaultFor;
  /** Faults that happened, by kind, and what the changes that met them came to. */
  readonly met = new Map<string, number>();
  readonly ends = { 'done all the same': 0, 'as before': 0, 'undone by recover': 0, 'done and not told': 0 };

  private constructor(
    host: PrivateHost,
    proxy: FaultProxy,
    connection: Connection,
    domain: ManagedDomain,
    faultFor: FaultFor,
  ) {
    super({ uri: proxy.uri, restartDaemon: () => host.restartDaemon() }, connection, domain);
    this.#proxy = proxy;
    this.#faultFor = faultFor;
  }

  static async over(host: PrivateHost, spec: DomainSpec, faultFor: FaultFor): Promise<FaultySubject> {
    const proxy = await FaultProxy.start(host.uri, async () => {
      await host.killDaemon();
      await host.startDaemon();
    });
    const connection = await connect(proxy.uri);
    return new FaultySubject(host, proxy, connection, await new DomainManager(connection).define(spec), faultFor);
  }

  override async change(request: ChangeRequest): Promise<'done' | 'refused'> {
    const fault = this.#faultFor(request);
    if (!fault) return super.change(request);
    const before = await this.#standing();
    this.#proxy.arm(fault);
    let failure: unknown;
    let outcome: 'done' | 'refused' | undefined;
    try {
      outcome = await super.change(request);
    } catch (error) {
      failure = error;
    }
    const { happened } = await this.#proxy.disarm();
    if (happened) this.met.set(fault.kind, (this.met.get(fault.kind) ?? 0) + 1);
    if (outcome !== undefined) {
      if (happened) this.ends['done all the same']++;
      return outcome;
    }
    assert.instance(failure, LibvirtCanonicalError, `${fault.kind} at call ${fault.at}: ${String(failure)}`);
    return this.#settled(request, before, `${fault.kind} at call ${fault.at} (${String(failure)})`);
  }

  /** After a change that failed: the domain is as before, and the change is made then; or as after. */
  async #settled(request: ChangeRequest, before: Standing, what: string): Promise<'done' | 'refused'> {
    await this.reconnect();
    const { interrupted } = this.domain;
    if (interrupted) await this.domain.recover({ mode: 'undo' });
    const plan = await this.domain.plan(request);
    if (plan.isEmpty && !interrupted) {
      this.ends['done and not told']++;
      return 'done';
    }
    assert.equal(await this.#standing(), before, `as before, after ${what}`);
    this.ends[interrupted ? 'undone by recover' : 'as before']++;
    return super.change(request);
  }

  async #standing(): Promise<Standing> {
    const { canonical, live } = await documentsOf(this.domain);
    return {
      canonical: sorted(withoutBookkeeping(canonical)),
      live: live === undefined ? undefined : [machineOf(live), [...identityMap(live)].sort()],
    };
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#proxy[Symbol.asyncDispose]();
  }
}

/** What must be as it was when a change did not take place. Much of a live document moves by itself. */
interface Standing {
  readonly canonical: string;
  readonly live: unknown;
}
