import { setImmediate } from 'node:timers/promises';
import type { DomainSpec, ManagedDomain } from 'libvirt-canonical';
import { DomainDocument, type ObservedDomain } from '../src/domain/index.js';
import { type ChangeRequest, planChanges } from '../src/plan/index.js';
import type { Line, Section } from './report.js';
import type { Setting } from './setting.js';
import { type Spread, spreadOf } from './statistics.js';

/** Milliseconds of the same work before the runs that count: V8 compiles what is hot within them. */
const WARM_UP = 3_000;
const RUNS = 150;

const ONE_DISK: ChangeRequest = { attach: [{ disk: { id: 'new', target: 'vdz', file: '/new.qcow2' } }] };
const REQUESTS: Readonly<Record<string, ChangeRequest>> = {
  'attach one disk': ONE_DISK,
  'attach, detach, update and set': {
    attach: [...(ONE_DISK.attach ?? []), { interface: { id: 'more', user: true } }],
    detach: [{ disk: 'd3' }, { interface: 'n3' }],
    update: [{ interface: 'n1', set: { link: 'down' } }],
    set: { title: 'changed', memory: '96 MiB' },
  },
};

/** Domains by size, with the median that planning is to stay under: 30 devices on PCIe ports, 200 with most disks on SCSI. */
const SIZES = [
  { devices: 30, aim: 2, virtio: 16, scsi: 0, interfaces: 10 },
  { devices: 200, aim: 15, virtio: 6, scsi: 180, interfaces: 10 },
] as const;

const DOMAINS = 100;
const PLANS = 1000;
const PLANS_AIM = 5_000;

/** Time to plan for running domains whose documents a real libvirt wrote, and for many domains over one connection. */
export async function benchPlan(setting: Setting, signal: AbortSignal): Promise<Section[]> {
  const sections = [];
  for (const size of SIZES) sections.push(await planning(setting, size, signal));
  return [...sections, await many(setting, signal)];
}

async function planning(
  { host, manager, connection }: Setting,
  size: (typeof SIZES)[number],
  signal: AbortSignal,
): Promise<Section> {
  const file = await host.createDisk(`devices-${size.devices}.raw`);
  const domain = await manager.define(ofSize(`devices-${size.devices}`, file, size));
  await domain.start({ paused: true, signal });
  const canonical = await domain.canonical();
  const live = (await domain.live()) ?? '';
  await domain.destroy();
  await domain.undefine();

  const context = (): ObservedDomain => ({
    canonical: new DomainDocument(canonical),
    live: new DomainDocument(live),
    persistent: true,
    managedSave: false,
    autostart: false,
    versions: { libvirt: connection.libvirtVersion, qemu: connection.hypervisorVersion },
  });
  const parsed = context();
  const { length } = parsed.canonical.devices.filter(({ kind }) => kind.element !== 'controller');
  const lines: Array<Line & { figures: [Spread, Spread] }> = [];
  for (const [what, request] of Object.entries(REQUESTS)) {
    signal.throwIfAborted();
    const figures: [Spread, Spread] = [
      await repeated(() => planChanges(request, parsed)),
      await repeated(() => planChanges(request, context())),
    ];
    lines.push({ what, figures });
  }
  const worst = Math.max(...lines.map(({ figures }) => figures[0].median));
  const kib = ((canonical.length + live.length) / 1024).toFixed(0);
  return {
    title: `Planning for a running domain of ${length} devices and ${parsed.canonical.devices.length - length} controllers, in ms: median (lowest – highest) of ${RUNS} runs`,
    columns: ['documents parsed', 'parsing included'],
    digits: 2,
    lines,
    notes: [`both documents together are ${kib} KiB of XML`],
    aims: [
      {
        aim: `${size.devices} devices planned in under ${size.aim} ms`,
        measured: `${worst.toFixed(2)} ms`,
        met: worst < size.aim,
      },
    ],
  };
}

/** Each plan reads the domain anew: both documents and what stands beside them. */
async function many({ host, manager }: Setting, signal: AbortSignal): Promise<Section> {
  const file = await host.createDisk('many.raw');
  const size = { virtio: 3, scsi: 0, interfaces: 2 };
  const domains: ManagedDomain[] = [];
  for (let n = 0; n < DOMAINS; n++) domains.push(await manager.define(ofSize(`many-${n}`, file, size), { signal }));
  const start = performance.now();
  const left = Array.from({ length: PLANS }, (_, n) => domains[n % DOMAINS]);
  const worker = async () => {
    for (let domain = left.pop(); domain; domain = left.pop()) await domain.plan(ONE_DISK, { signal });
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  const took = performance.now() - start;
  for (const domain of domains) await domain.undefine();
  return {
    title: `${PLANS} plans over one connection, for ${DOMAINS} domains in turn, 16 at a time`,
    columns: ['ms in all'],
    digits: 0,
    lines: [{ what: 'attach one disk', figures: [took.toFixed(0)] }],
    notes: ['each plan reads both documents, persistence, managed save and autostart from the daemon'],
    aims: [
      {
        aim: `${PLANS} domains planned in under ${PLANS_AIM / 1000} s`,
        measured: `${(took / 1000).toFixed(2)} s`,
        met: took < PLANS_AIM,
      },
    ],
  };
}

function ofSize(
  name: string,
  file: string,
  { virtio, scsi, interfaces }: { readonly virtio: number; readonly scsi: number; readonly interfaces: number },
): DomainSpec {
  const range = (length: number) => Array.from({ length }, (_, n) => n);
  const more = { file, shareable: true };
  return {
    name,
    type: 'qemu',
    memory: '128 MiB',
    disks: [
      ...range(virtio).map((n) => ({
        id: `d${n}`,
        target: `vd${letters(n)}`,
        ...more,
        ...(n === 0 ? { boot: 1 } : { readonly: true }),
      })),
      ...range(scsi).map((n) => ({
        id: `s${n}`,
        target: `sd${letters(n)}`,
        bus: 'scsi' as const,
        readonly: true,
        ...more,
      })),
    ],
    interfaces: range(interfaces).map((n) => ({ id: `n${n}`, user: true })),
    devices: scsi === 0 ? [] : [{ controller: { type: 'scsi', index: 0, model: 'virtio-scsi' } }],
  };
}

/** a … z, aa, ab …, as the kernel counts disks. */
function letters(n: number): string {
  const last = String.fromCharCode(97 + (n % 26));
  return n < 26 ? last : letters(Math.floor(n / 26) - 1) + last;
}

async function repeated(work: () => unknown): Promise<Spread> {
  const times: number[] = [];
  const warm = performance.now() + WARM_UP;
  while (times.length < RUNS) {
    const start = performance.now();
    work();
    if (start >= warm) times.push(performance.now() - start);
    // The daemon takes a connection that answers none of its pings for lost.
    await setImmediate();
  }
  return spreadOf(times);
}
