import type { ChangeRequest, ManagedDomain } from 'libvirt-canonical';
import { isMutator, Wire } from '../test/support/wire.js';
import type { Line, Section } from './report.js';
import type { Setting } from './setting.js';

/** The most calls, and of them writes, that an attach by plan and apply is to take. */
const MOST = { calls: 9, writes: 2 } as const;

/** Calls of each procedure: `4 × DOMAIN_GET_XML_DESC, …`. */
function byName(calls: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const each of calls) counts.set(each, (counts.get(each) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} × ${name.replace(/^DOMAIN_/, '')}`).join(', ');
}

/** What each job asks of the daemon, on a domain that is off and on one that runs: calls, and how many of them write. */
export async function benchCost({ host, manager, domain }: Setting, signal: AbortSignal): Promise<Section[]> {
  const file = await host.createDisk('cost.qcow2');
  const off = await manager.define({ name: 'cost', type: 'qemu', memory: '64 MiB', hotplug: { pciePorts: 8 } });
  const shared = { file, format: 'qcow2', shareable: true, readonly: true } as const;
  const disk = (n: number) => ({ disk: { id: `cost${n}`, target: `vd${'fghij'[n]}`, ...shared } });
  const jobs: ReadonlyArray<readonly [string, ChangeRequest]> = [
    ['attach a disk', { attach: [disk(0)] }],
    ['set a title', { set: { title: 'cost' } }],
    ['detach the disk', { detach: [{ disk: 'cost0' }] }],
    ['attach five disks', { attach: [0, 1, 2, 3, 4].map(disk) }],
    ['detach five disks', { detach: [0, 1, 2, 3, 4].map((n) => ({ disk: `cost${n}` })) }],
  ];
  const lines: Line[] = [];
  const first: Array<{ readonly calls: number; readonly writes: number }> = [];
  try {
    for (const [state, each] of [
      ['off', off],
      ['running', domain],
    ] as Array<[string, ManagedDomain]>) {
      for (const [what, request] of jobs) {
        signal.throwIfAborted();
        using wire = new Wire();
        await each.apply(await each.plan(request, { signal }), { signal });
        const calls = wire.calls.map(({ procedure }) => procedure);
        const writes = calls.filter(isMutator);
        if (what === 'attach a disk') first.push({ calls: calls.length, writes: writes.length });
        lines.push({
          what: `${what}, ${state}`,
          figures: [String(calls.length), String(writes.length), byName(calls)],
        });
      }
    }
  } finally {
    await off.undefine();
  }
  return [
    {
      title: 'Calls of one job by plan and apply',
      columns: ['calls', 'writes', 'which'],
      digits: 0,
      lines,
      notes: ['planning is part of the job; a write is every call that does more than read or subscribe'],
      aims: (['off', 'running'] as const).map((state, at) => {
        const { calls = 0, writes = 0 } = first[at] ?? {};
        return {
          aim: `an attach (${state}) in at most ${MOST.calls} calls, ${MOST.writes} of them writes`,
          measured: `${calls} calls, ${writes} writes`,
          met: calls <= MOST.calls && writes <= MOST.writes,
        };
      }),
    },
  ];
}
