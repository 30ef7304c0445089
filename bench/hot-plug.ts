import { setTimeout as sleep } from 'node:timers/promises';
import type { Section } from './report.js';
import type { Setting } from './setting.js';
import { spreadOf, timed } from './statistics.js';

const ROUNDS = 25;
const AIM = 0.1;
/** Milliseconds for the guest to find a new disk, and for its CPU to calm down. */
const SETTLE = 400;

type Part = 'bare' | 'plan' | 'attach' | 'apply' | 'whole';

/** Time to plug a disk into a running guest, by plan and apply and by the bare call, in turn. */
export async function benchHotPlug({ host, connection, domain }: Setting, signal: AbortSignal): Promise<Section[]> {
  const { dom } = await connection.call('DOMAIN_LOOKUP_BY_UUID', { uuid: domain.uuid });
  const file = await host.createDisk('plugged.qcow2');
  const attach = { attach: [{ disk: { id: 'plugged', target: 'vdb', file, format: 'qcow2' } }] } as const;
  const times: Record<Part, number[]> = { bare: [], plan: [], attach: [], apply: [], whole: [] };

  const bare = async () => {
    // The very call that the plan would make, address included.
    const call = (await domain.plan(attach)).operations[0]?.call;
    if (call?.procedure !== 'DOMAIN_ATTACH_DEVICE_FLAGS') throw new Error('the plan does not begin with the attach');
    times.bare.push(await timed(() => connection.call(call.procedure, { dom, ...call.args })));
  };
  const library = async () => {
    const start = performance.now();
    const plan = await domain.plan(attach);
    const planned = performance.now();
    let attached = planned;
    await domain.apply(plan, {
      onProgress({ operation, state }) {
        if (operation.action === 'attach' && state === 'done') attached = performance.now();
      },
    });
    const end = performance.now();
    times.plan.push(planned - start);
    times.attach.push(attached - planned);
    times.apply.push(end - planned);
    times.whole.push(end - start);
  };
  const unplug = async () => {
    await sleep(SETTLE, undefined, { signal });
    await domain.apply(await domain.plan({ detach: [{ disk: 'plugged' }] }), { signal });
    await sleep(SETTLE, undefined, { signal });
  };

  for (let round = 0; round <= ROUNDS; round++) {
    for (const way of round % 2 === 0 ? [bare, library] : [library, bare]) {
      await way();
      await unplug();
    }
    // The first round warms up.
    if (round === 0) for (const list of Object.values(times)) list.length = 0;
  }

  const spreads = {
    bare: spreadOf(times.bare),
    plan: spreadOf(times.plan),
    attach: spreadOf(times.attach),
    apply: spreadOf(times.apply),
    whole: spreadOf(times.whole),
  };
  const over = (median: number) => median / spreads.bare.median - 1;
  const percent = (part: number) => `${part >= 0 ? '+' : ''}${(part * 100).toFixed(0)} %`;
  const line = (what: string, key: Part) => ({
    what,
    figures: [spreads[key], key === 'plan' || key === 'bare' ? '' : percent(over(spreads[key].median))],
  });
  return [
    {
      title: `Plugging a disk into a running guest, in ms: median (lowest – highest) of ${ROUNDS} rounds`,
      columns: ['ms', 'over bare'],
      digits: 1,
      lines: [
        line('bare DOMAIN_ATTACH_DEVICE_FLAGS', 'bare'),
        line('library: plan', 'plan'),
        line('library: apply, until the attach is verified', 'attach'),
        line('library: apply, with the intent written to the metadata', 'apply'),
        line('library: plan and apply', 'whole'),
      ],
      notes: [
        'plan reads both documents; apply reads them before the call, to refuse a stale plan, and after it, to verify',
      ],
      aims: [
        {
          aim: `the verified attach within ${AIM * 100} % of the bare call`,
          measured: percent(over(spreads.attach.median)),
          met: over(spreads.attach.median) < AIM,
        },
        {
          aim: `plan and apply within ${AIM * 100} % of the bare call`,
          measured: percent(over(spreads.whole.median)),
          met: over(spreads.whole.median) < AIM,
        },
      ],
    },
  ];
}
