import { existsSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChangeRequest, DomainSpec, ManagedDomain } from '../../src/index.js';
import { type Bench, benchOnDemand } from '../support/bench.js';
import { identityMap } from '../support/identity-map.js';
import { change, documentsOf, refused } from '../support/scenario.js';
import type { Event } from './events.js';

export type Attach = NonNullable<ChangeRequest['attach']>[number];

/** A machine that the tests of this folder prove, and the emulator that does it. */
export interface Machine {
  readonly name: string;
  readonly arch: string;
  readonly machine: string;
  readonly emulator: string;
  /** Debian's package of the emulator. */
  readonly package: string;
}

/** The tests of one machine, each of which proves events; all are skipped with a stated reason where the emulator is not installed. */
export function proofsOf(machine: Machine) {
  const bench = benchOnDemand();
  test.after(() => bench.stop());
  const absent = !existsSync(machine.emulator);
  if (absent) console.log(`  skipped: ${machine.emulator} is not installed (apt-get install ${machine.package})`);
  let domains = 0;
  return {
    bench,
    /** One test; `events` are proved when it passes. */
    proves(events: readonly Event[], name: string, run: (bench: Bench) => Promise<void>): void {
      (absent ? test.skip : test)(`${machine.name}: ${name}`, async () => {
        await run(await bench());
        for (const event of events) console.log(`proved: ${machine.name} | ${event}`);
      });
    },
    /** A small domain of the machine, with a root disk `root` on vda and a NIC `lan`. */
    async define(spec: Partial<DomainSpec> = {}): Promise<ManagedDomain> {
      const { manager, disk } = await bench();
      return manager.define({
        name: `m${++domains}`,
        type: 'qemu',
        arch: machine.arch,
        machine: machine.machine,
        emulator: machine.emulator,
        memory: machine.arch === 'ppc64' ? '256 MiB' : '128 MiB',
        disks: [{ id: 'root', target: 'vda', file: await disk(), format: 'qcow2', boot: 1 }],
        interfaces: [{ id: 'lan', user: true, mac: '52:54:00:00:00:01', model: 'virtio' }],
        ...spec,
      });
    },
    async image(id: string, more: object = {}): Promise<Attach> {
      const { disk } = await bench();
      return { disk: { id, target: id, file: await disk(), format: 'qcow2' as const, ...more } } as Attach;
    },
  };
}

/** A reset of the machine, with QEMU running on: no reboot of the library's. virDomainReset. */
export async function reset({ connection }: Bench, { name }: ManagedDomain): Promise<void> {
  const { dom } = await connection.call('DOMAIN_LOOKUP_BY_NAME', { name });
  await connection.call('DOMAIN_RESET', { dom, flags: 0 });
}

/** Where each device is, in both documents; asserts that the two agree on `ids`. */
export async function agree(domain: ManagedDomain, ids: readonly string[]): Promise<ReturnType<typeof identityMap>> {
  const { canonical, live } = await documentsOf(domain);
  const here = identityMap(canonical);
  const there = identityMap(live ?? '');
  for (const id of ids) {
    assert.ok(here.get(id)?.address, `${id} has an address`);
    assert.equal(there.get(id), here.get(id), id);
  }
  return here;
}

/** Asserts that every device of `before` that is still there is where it was. */
export function stayed(before: ReadonlyMap<string, unknown>, xml: string | undefined): void {
  const after = identityMap(xml ?? '');
  let compared = 0;
  for (const [id, place] of before) {
    if (!after.has(id) || !/ ua-/.test(id)) continue;
    assert.equal(after.get(id), place, id);
    compared++;
  }
  assert.ok(compared > 0, 'something was compared');
}

/**
 * The walk that every machine with hot-plug takes, without a guest: a live attach that makes libvirt's own two choices
 * differ, attaches for both documents, a detach, a reset, and a cold boot.
 */
export async function plugAndBoot(
  domain: ManagedDomain,
  image: (id: string, more?: object) => Promise<Attach>,
  expected: RegExp,
  bench: Bench,
): Promise<void> {
  await domain.start({ paused: true });
  // libvirt would give the next one two different addresses after this.
  await change(domain, { attach: [await image('vdb')], scope: 'live' });
  await change(domain, {
    attach: [
      await image('vdc'),
      { interface: { id: 'wan', user: true, model: 'virtio' } },
      { rng: { id: 'dice', random: '/dev/urandom' } },
      { controller: { id: 'bus', type: 'scsi', index: 0, model: 'virtio-scsi' } },
    ],
  });
  await change(domain, { attach: [await image('sda')] });
  const ids = [
    'disk ua-root',
    'interface ua-lan',
    'disk ua-vdc',
    'interface ua-wan',
    'rng ua-dice',
    'controller ua-bus',
  ];
  const before = await agree(domain, [...ids, 'disk ua-sda']);
  for (const id of ids) assert.match(before.get(id)?.address ?? '', expected, id);

  await change(domain, { detach: [{ disk: 'vdc' }] });
  assert.not.ok(identityMap((await domain.live()) ?? '').has('disk ua-vdc'), 'a paused guest lets go at once');
  const running = identityMap((await domain.live()) ?? '');
  await reset(bench, domain);
  assert.equal(identityMap((await domain.live()) ?? ''), running);

  await domain.destroy();
  await domain.start({ paused: true });
  stayed(before, await domain.live());
  assert.not.ok(identityMap((await domain.live()) ?? '').has('disk ua-vdb'), 'what was live only is gone');
  await domain.destroy();
}

/** Holds each request to being refused for that reason, with nothing changed. */
export async function refusedAll(
  domain: ManagedDomain,
  requests: ReadonlyArray<readonly [device: Attach, reason: RegExp]>,
): Promise<void> {
  for (const [device, reason] of requests) await refused(domain, { attach: [device] }, reason);
}
