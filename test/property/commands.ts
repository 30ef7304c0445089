import fc from 'fast-check';
import * as assert from 'uvu/assert';
import type { Guest, PrivateHost } from '../../src/testing/index.js';
import { machineOf } from '../support/identity-map.js';
import type { Subject } from './subject.js';
import { guestView, qemuDisagrees, type Seen, seenIn } from './witnesses.js';

/** What must be true, kept beside the real domain: where each device was when it first appeared, and who has it. */
export interface Model {
  running: boolean;
  vcpus: number;
  /** Devices of our own by id, with the document they are in. */
  readonly devices: Map<string, { kind: 'disk' | 'interface'; in: 'both' | 'config' | 'live' }>;
  /** What every device was seen as when it appeared; it never changes while the device is there. */
  readonly first: Map<string, Seen>;
  /** The guest's own view, once it has been asked. */
  readonly guest: Map<string, string>;
  machine: unknown;
}

/** The real thing. */
export interface Real {
  readonly subject: Subject;
  readonly host: PrivateHost;
  /** Images to plug, one for each disk id. */
  readonly images: ReadonlyMap<string, string>;
  /** With a guest, unplugging and ACPI work and the guest is a witness too. */
  readonly guest?: Guest;
  bootId?: string;
  /** Steps checked, for the figures. */
  checks: number;
}

type Command = fc.AsyncCommand<Model, Real>;

/** Runs one step and then asks every witness. */
abstract class Step implements Command {
  abstract check(model: Readonly<Model>): boolean;
  abstract toString(): string;
  protected abstract act(model: Model, real: Real): Promise<void>;
  async run(model: Model, real: Real): Promise<void> {
    await this.act(model, real);
    await verify(model, real);
  }
}

/** Compares what the witnesses say with what was first seen. */
export async function verify(model: Model, { subject, guest }: Real): Promise<void> {
  const canonical = await subject.domain.canonical();
  const live = await subject.domain.live();
  assert.is(live !== undefined, model.running);
  model.machine ??= machineOf(canonical);
  assert.equal(machineOf(canonical), model.machine, 'the machine is the machine');
  compare('canonical', seenIn(canonical), model, 'config');
  if (live !== undefined) {
    compare('live', seenIn(live), model, 'live');
    assert.equal(await qemuDisagrees(subject.connection, subject.domain, live), [], "QEMU's own view");
  }
  if (guest && model.running) {
    const view = guestView(await guest.report());
    for (const [device, path] of model.guest)
      if (view.has(device)) assert.is(view.get(device), path, `the guest's own view of ${device}`);
    for (const [device, path] of view) model.guest.set(device, path);
    for (const device of model.guest.keys()) if (!view.has(device)) model.guest.delete(device);
  }
}

function compare(witness: string, seen: Map<string, Seen>, model: Model, side: 'config' | 'live'): void {
  for (const [id, device] of model.devices) {
    const expected = device.in === 'both' || device.in === side;
    assert.is(
      seen.has(`${device.kind} ua-${id}`),
      expected,
      `${witness}: ${device.kind} ${id} is ${expected ? '' : 'not '}there`,
    );
  }
  for (const [name, now] of seen) {
    const first = model.first.get(name);
    if (first) assert.equal(now, first, `${witness}: ${name} is where it was`);
    else model.first.set(name, now);
  }
}

/** A device that is gone from both documents may come back somewhere else. */
function forget(model: Model, id: string): void {
  const device = model.devices.get(id);
  if (!device) return;
  const name = `${device.kind} ua-${id}`;
  // It may come and go while the guest is off, which then never sees it missing.
  model.guest.delete(device.kind === 'disk' ? `disk S-${id}` : `interface ${model.first.get(name)?.mac}`);
  model.devices.delete(id);
  model.first.delete(name);
}

class Attach extends Step {
  constructor(
    readonly kind: 'disk' | 'interface',
    readonly n: number,
    readonly scope: 'persistent' | 'config' | 'live',
  ) {
    super();
  }
  get id(): string {
    return `${this.kind === 'disk' ? 'd' : 'n'}${this.n}`;
  }
  check({ running, devices }: Readonly<Model>): boolean {
    return !devices.has(this.id) && (running || this.scope !== 'live');
  }
  protected async act(model: Model, { subject, images }: Real): Promise<void> {
    const device =
      this.kind === 'disk'
        ? {
            disk: {
              id: this.id,
              target: `vd${'bcdefgh'[this.n]}`,
              file: images.get(this.id) ?? '',
              format: 'qcow2',
              serial: `S-${this.id}`,
            } as const,
          }
        : { interface: { id: this.id, user: true } as const };
    const outcome = await subject.change({ attach: [device], scope: this.scope });
    if (outcome === 'refused') {
      const { capacity } = await subject.domain.plan({});
      assert.is(capacity.pci.free, 0, 'an attach is refused only when no port is free');
      return;
    }
    const where = this.scope === 'persistent' ? (model.running ? 'both' : 'config') : this.scope;
    model.devices.set(this.id, { kind: this.kind, in: where });
  }
  toString(): string {
    return `attach ${this.id} ${this.scope}`;
  }
}

class Detach extends Step {
  constructor(
    readonly kind: 'disk' | 'interface',
    readonly n: number,
    readonly withGuest: boolean,
  ) {
    super();
  }
  get id(): string {
    return `${this.kind === 'disk' ? 'd' : 'n'}${this.n}`;
  }
  check({ running, devices }: Readonly<Model>): boolean {
    const device = devices.get(this.id);
    return device !== undefined && (this.withGuest || !running || device.in === 'config');
  }
  protected async act(model: Model, { subject }: Real): Promise<void> {
    const selector = this.kind === 'disk' ? { disk: this.id } : { interface: this.id };
    const scope =
      model.running && model.devices.get(this.id)?.in === 'config'
        ? 'config'
        : model.devices.get(this.id)?.in === 'live'
          ? 'live'
          : 'persistent';
    assert.is(await subject.change({ detach: [selector], scope }), 'done');
    forget(model, this.id);
  }
  toString(): string {
    return `detach ${this.id}`;
  }
}

class UpdateLink extends Step {
  constructor(readonly link: 'up' | 'down') {
    super();
  }
  check = () => true;
  protected async act(_: Model, { subject }: Real): Promise<void> {
    assert.is(await subject.change({ update: [{ interface: 'lan', set: { link: this.link } }] }), 'done');
  }
  toString(): string {
    return `update lan link ${this.link}`;
  }
}

class UpdateDriver extends Step {
  constructor(
    readonly n: number,
    readonly cache: 'none' | 'writeback',
  ) {
    super();
  }
  check({ devices }: Readonly<Model>): boolean {
    return devices.has(`d${this.n}`) && devices.get(`d${this.n}`)?.in !== 'live';
  }
  protected async act(_: Model, { subject }: Real): Promise<void> {
    assert.is(
      await subject.change({
        update: [{ disk: `d${this.n}`, set: { driver: { cache: this.cache, discard: 'unmap' } } }],
      }),
      'done',
    );
  }
  toString(): string {
    return `update d${this.n} cache ${this.cache}`;
  }
}

class Settings extends Step {
  constructor(
    readonly vcpus: number,
    readonly title: string,
  ) {
    super();
  }
  check = () => true;
  protected async act(model: Model, { subject }: Real): Promise<void> {
    // Giving CPUs back is the guest's to do, and under emulation it often takes longer than libvirt waits.
    model.vcpus = model.running ? Math.max(model.vcpus, this.vcpus) : this.vcpus;
    assert.is(await subject.change({ set: { title: this.title, vcpus: model.vcpus } }), 'done');
  }
  toString(): string {
    return `set vcpus ${this.vcpus}`;
  }
}

/** What becomes of devices when the QEMU process ends and the next one starts from the canonical document. */
function powerCycled(model: Model, running: boolean): void {
  for (const [id, device] of [...model.devices]) {
    if (device.in === 'live') forget(model, id);
    else if (running) model.devices.set(id, { ...device, in: 'both' });
    else model.devices.set(id, { ...device, in: 'config' });
  }
  model.running = running;
}

class Power extends Step {
  constructor(readonly on: boolean) {
    super();
  }
  check({ running }: Readonly<Model>): boolean {
    return running !== this.on;
  }
  protected async act(model: Model, real: Real): Promise<void> {
    await (this.on ? real.subject.start() : real.subject.stop());
    powerCycled(model, this.on);
    if (this.on) await booted(real);
  }
  toString(): string {
    return this.on ? 'start' : 'destroy';
  }
}

class Reboot extends Step {
  constructor(readonly mode: 'guest' | 'cold' | 'hard') {
    super();
  }
  check({ running }: Readonly<Model>): boolean {
    return running;
  }
  protected async act(model: Model, real: Real): Promise<void> {
    await real.subject.reboot(this.mode);
    if (this.mode !== 'guest') powerCycled(model, true);
    await booted(real);
  }
  toString(): string {
    return `reboot ${this.mode}`;
  }
}

/** To another host and back; the witnesses are asked on both. */
class Migrate extends Step {
  check({ running }: Readonly<Model>): boolean {
    return running;
  }
  protected async act(model: Model, real: Real): Promise<void> {
    await real.subject.migrate?.();
    await verify(model, real);
    await real.subject.migrate?.();
  }
  toString(): string {
    return 'migrate there and back';
  }
}

class RestartDaemon extends Step {
  check = () => true;
  protected async act(_: Model, { subject }: Real): Promise<void> {
    await subject.restartDaemon();
  }
  toString(): string {
    return 'restart the daemon';
  }
}

/** Milliseconds, on a machine that has much else to do. */
const BOOT_WITHIN = 120_000;

/** Waits until the guest has booted anew. */
export async function booted(real: Real): Promise<void> {
  if (!real.guest) return;
  const timeout = BOOT_WITHIN;
  const report = await real.guest.waitForReport(real.bootId ? { after: real.bootId, timeout } : { timeout });
  real.bootId = report.bootId;
}

const counted = (command: Command): Command => ({
  check: (model) => command.check(model),
  run: async (model, real) => {
    await command.run(model, real);
    real.checks++;
  },
  toString: () => command.toString(),
});

/** Sequences of steps; with a guest also those that need one to answer, with `travels` those that need another host. */
export function sequences(withGuest: boolean, maxCommands: number, travels = false): fc.Arbitrary<Iterable<Command>> {
  const kind = fc.constantFrom('disk' as const, 'interface' as const);
  const n = fc.integer({ min: 0, max: 4 });
  const attach = (scope: fc.Arbitrary<'persistent' | 'config' | 'live'>) =>
    fc.tuple(kind, n, scope).map(([k, i, s]) => new Attach(k, i, s));
  const steps: Array<fc.Arbitrary<Command>> = [
    attach(fc.constant('persistent')),
    attach(fc.constantFrom('persistent', 'config', 'live')),
    fc.tuple(kind, n).map(([k, i]) => new Detach(k, i, withGuest)),
    fc.constantFrom('up' as const, 'down' as const).map((link) => new UpdateLink(link)),
    fc.tuple(n, fc.constantFrom('none' as const, 'writeback' as const)).map(([i, cache]) => new UpdateDriver(i, cache)),
    fc
      .tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom('a', 'b'))
      .map(([count, title]) => new Settings(count, title)),
    fc.constantFrom(true, false).map((on) => new Power(on)),
    (withGuest
      ? fc.constantFrom('guest' as const, 'cold' as const, 'hard' as const)
      : fc.constant('hard' as const)
    ).map((mode) => new Reboot(mode)),
    travels ? fc.constant(new Migrate()) : fc.constant(new RestartDaemon()),
  ];
  return fc.commands(
    steps.map((step) => step.map(counted)),
    { maxCommands, size: 'max' },
  );
}
