import { setImmediate } from 'node:timers/promises';
import { type DomainContext, DomainDocument } from '../src/domain/index.js';
import { type ChangeRequest, planChanges } from '../src/plan/index.js';
import type { Section } from './report.js';
import type { Setting } from './setting.js';
import { type Spread, spreadOf } from './statistics.js';

const WARM_UP = 200;
const RUNS = 500;
const AIM_MS = 5;
/** With the console that mirrors a serial port and what libvirt adds by itself these are more than 30. */
const DISKS = 16;
const INTERFACES = 10;

const REQUESTS: Readonly<Record<string, ChangeRequest>> = {
  'attach one disk': { attach: [{ disk: { id: 'new', target: 'vdz', file: '/new.qcow2', format: 'qcow2' } }] },
  'attach, detach, update and set': {
    attach: [
      { disk: { id: 'new', target: 'vdz', file: '/new.qcow2', format: 'qcow2' } },
      { interface: { id: 'more', user: true } },
    ],
    detach: [{ disk: 'd3' }, { interface: 'n3' }],
    update: [{ interface: 'n1', set: { link: 'down' } }],
    set: { title: 'thirty', memory: '96 MiB' },
  },
};

/** Time to plan for a running domain of 30 devices, whose documents a real libvirt wrote. */
export async function benchPlan({ host, manager, connection }: Setting, signal: AbortSignal): Promise<Section[]> {
  const file = await host.createDisk('plan.raw');
  const range = (length: number) => Array.from({ length }, (_, n) => n);
  const domain = await manager.define({
    name: 'thirty',
    type: 'qemu',
    memory: '128 MiB',
    disks: range(DISKS).map((n) => ({
      id: `d${n}`,
      target: `vd${String.fromCharCode(97 + n)}`,
      file,
      shareable: true,
      readonly: n > 0,
      ...(n === 0 ? { boot: 1 } : {}),
    })),
    interfaces: range(INTERFACES).map((n) => ({ id: `n${n}`, user: true })),
  });
  await domain.start({ paused: true, signal });
  const canonical = await domain.canonical();
  const live = (await domain.live()) ?? '';
  await domain.destroy();
  await domain.undefine();

  const context = (): DomainContext => ({
    canonical: new DomainDocument(canonical),
    live: new DomainDocument(live),
    persistent: true,
    managedSave: false,
    autostart: false,
    versions: { libvirt: connection.libvirtVersion, qemu: connection.hypervisorVersion },
  });
  const parsed = context();
  const { length } = parsed.canonical.devices.filter(({ kind }) => kind.element !== 'controller');
  const kib = ((canonical.length + live.length) / 1024).toFixed(0);
  const lines: Array<{ what: string; figures: [Spread, Spread] }> = [];
  for (const [what, request] of Object.entries(REQUESTS)) {
    signal.throwIfAborted();
    lines.push({
      what,
      figures: [
        await repeated(() => planChanges(request, parsed)),
        await repeated(() => planChanges(request, context())),
      ],
    });
  }
  const worst = (column: 0 | 1) => Math.max(...lines.map(({ figures }) => figures[column].median));
  return [
    {
      title: `Planning for a running domain of ${length} devices and ${parsed.canonical.devices.length - length} controllers, in ms: median (lowest – highest) of ${RUNS} runs`,
      columns: ['documents parsed', 'parsing included'],
      digits: 2,
      lines,
      notes: [`both documents together are ${kib} KiB of XML`],
      aims: [
        { aim: `planning under ${AIM_MS} ms`, measured: `${worst(0).toFixed(2)} ms`, met: worst(0) < AIM_MS },
        {
          aim: `with the documents parsed anew, under ${AIM_MS} ms`,
          measured: `${worst(1).toFixed(2)} ms`,
          met: worst(1) < AIM_MS,
        },
      ],
    },
  ];
}

async function repeated(work: () => unknown): Promise<Spread> {
  const times: number[] = [];
  for (let run = -WARM_UP; run < RUNS; run++) {
    const start = performance.now();
    work();
    if (run >= 0) times.push(performance.now() - start);
    // The daemon takes a connection that answers none of its pings for lost.
    await setImmediate();
  }
  return spreadOf(times);
}
