/**
 * Applies random changes to domains that other processes change too, and prints as JSON what it did and when. Each change
 * also adds one to a count that all processes share. Run by contention.test.ts.
 *
 *   contention-child.js URI ORDER        with ORDER an {@link Order} as JSON
 */
import {
  type ChangeRequest,
  type Connection,
  connect,
  DomainManager,
  LibvirtCanonicalError,
  type ManagedDomain,
  type Plan,
} from '../../src/index.js';

export interface Order {
  /** Which of the processes this one is, from 1; it also names the device that is this one's to plug. */
  readonly process: number;
  readonly domains: readonly string[];
  readonly applies: number;
  /** `raw` is the control: the same plans without the library's apply, as a tool would make them that knows of no other. */
  readonly how: 'apply' | 'raw';
}

/** One plan that was carried out: from before its first call until after its last, in the time that all processes share. */
export interface Done {
  readonly uuid: string;
  readonly from: string;
  readonly to: string;
  readonly calls: number;
  /** Whether the process's own device is there now. */
  readonly plugged: boolean;
}

export interface Report {
  readonly done: readonly Done[];
  /** Plans refused as stale, and those that another process had the turn before, too long. */
  readonly stale: number;
  readonly inProgress: number;
}

export const COUNT = { uri: 'urn:test:count', prefix: 'c' } as const;

/** The shared count in a canonical document. */
export function countIn(canonical: string): number {
  return Number(/<c:count [^>]*n=["'](\d+)/.exec(canonical)?.[1] ?? 0);
}

/** Whether a canonical document has the device of a process. */
export function isPlugged(canonical: string, process: number): boolean {
  return canonical.includes(`<alias name='ua-own${process}'/>`);
}

async function main(uri: string, { process: self, domains, applies, how }: Order): Promise<Report> {
  await using connection = await connect(uri);
  const manager = new DomainManager(connection);
  const managed = await Promise.all(domains.map((uuid) => manager.get(uuid)));
  const done: Done[] = [];
  const refused = { PLAN_STALE: 0, APPLY_IN_PROGRESS: 0 };
  while (done.length < applies) {
    const domain = managed[Math.floor(Math.random() * managed.length)] as ManagedDomain;
    const { plan, plugged } = await planOn(domain, self, done.length);
    if (!plan) continue;
    try {
      const [from, to] = await (how === 'apply' ? applied(domain, plan) : made(connection, domain, plan));
      done.push({ uuid: domain.uuid, from: String(from), to: String(to), calls: plan.operations.length, plugged });
    } catch (error) {
      if (!(error instanceof LibvirtCanonicalError) || !(error.code in refused)) throw error;
      refused[error.code as keyof typeof refused]++;
    }
  }
  return { done, stale: refused.PLAN_STALE, inProgress: refused.APPLY_IN_PROGRESS };
}

/** A random plan that counts one up; none when somebody else has counted while it was made. */
async function planOn(domain: ManagedDomain, self: number, n: number) {
  const canonical = await domain.canonical();
  const count = countIn(canonical);
  const id = `own${self}`;
  const there = isPlugged(canonical, self);
  const toggles = Math.random() < 0.5 && (await domain.live()) === undefined;
  const nic = { interface: { id, user: true, mac: `52:54:00:00:01:0${self}` } } as const;
  const request: ChangeRequest = {
    set: {
      title: `${self}.${n}`,
      metadata: { [COUNT.uri]: { prefix: COUNT.prefix, xml: `<count n="${count + 1}"/>` } },
    },
    ...(Math.random() < 0.5 ? { update: [{ interface: 'lan', set: { link: n % 2 === 0 ? 'up' : 'down' } }] } : {}),
    ...(toggles ? (there ? { detach: [{ interface: id }] } : { attach: [nic] }) : {}),
  };
  const plan = await domain.plan(request);
  const same = countIn(await domain.canonical()) === count;
  return { plan: same ? plan : undefined, plugged: toggles ? !there : there };
}

async function applied(domain: ManagedDomain, plan: Plan): Promise<[bigint, bigint]> {
  let [from, to] = [0n, 0n];
  await domain.apply(plan, {
    wait: 60_000,
    onProgress: ({ state }) => {
      if (state === 'started') from ||= process.hrtime.bigint();
      if (state === 'done') to = process.hrtime.bigint();
    },
  });
  return [from, to];
}

async function made(connection: Connection, { name, uuid }: ManagedDomain, plan: Plan): Promise<[bigint, bigint]> {
  const from = process.hrtime.bigint();
  for (const { call } of plan.operations) {
    const args = { dom: { name, uuid, id: -1 }, ...call.args };
    // Where two tools plug and unplug the same things, libvirt refuses what is no longer so.
    await connection.call(call.procedure as 'DOMAIN_SET_METADATA', args as never).catch(() => {});
  }
  return [from, process.hrtime.bigint()];
}

const [, script = '', uri, order] = process.argv;
if (script.endsWith('contention-child.js') && uri !== undefined && order !== undefined)
  process.stdout.write(JSON.stringify(await main(uri, JSON.parse(order) as Order)));
