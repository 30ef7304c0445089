import fc from 'fast-check';
import type { DomainSpec } from '../../src/index.js';
import type { Guest, PrivateHost } from '../../src/testing/index.js';
import { Wire } from '../support/wire.js';
import { booted, type Model, type Real, sequences, verify } from './commands.js';
import type { Subject } from './subject.js';

/** How to run the property; `LVC_SEED` and `LVC_STEPS` repeat or lengthen it from outside. */
export interface PropertyOptions {
  readonly host: PrivateHost;
  readonly define: (host: PrivateHost, spec: DomainSpec) => Promise<Subject>;
  /** Sequences are walked until so many steps have been checked. */
  readonly steps: number;
  readonly maxCommands: number;
  readonly guest?: Guest;
  /** Also to another host and back. */
  readonly travels?: boolean;
  readonly seed?: number;
}

export interface PropertyFigures {
  readonly domains: number;
  readonly checks: number;
  /** Define calls on the wire for each domain. */
  readonly defines: readonly number[];
}

let domains = 0;

/** The property failed: the witness's words, and the seed and steps to repeat it by. */
export class PropertyFailed extends Error {
  constructor(
    seed: number,
    { errorInstance, counterexample }: { errorInstance?: unknown; counterexample: readonly unknown[] | null },
  ) {
    const { message = String(errorInstance), details = '' } = (errorInstance ?? {}) as {
      message?: string;
      details?: string;
    };
    const why = `${message}\n${details}`;
    super(`${why}\nLVC_SEED=${seed}, steps: ${counterexample?.[0]}`, { cause: errorInstance });
  }
}

/** Walks random sequences on a real domain and compares the identity map after each step. Throws with seed and path when it moves. */
export async function walk({
  host,
  define,
  guest,
  travels = false,
  maxCommands,
  ...options
}: PropertyOptions): Promise<PropertyFigures> {
  const figures = { domains: 0, checks: 0, defines: [] as number[] };
  const images = new Map<string, string>();
  for (let n = 0; n < 5; n++) images.set(`d${n}`, await host.createDisk(`p${domains}-d${n}.qcow2`, { size: '4 MiB' }));
  const root = await host.createDisk(`p${domains}-root.qcow2`, { size: '4 MiB' });
  const property = fc.asyncProperty(sequences(guest !== undefined, maxCommands, travels), async (commands) => {
    using wire = new Wire();
    const subject = await define(host, specOf(`p${++domains}`, root, guest));
    const real: Real = { subject, host, images, checks: 0, ...(guest ? { guest } : {}) };
    const model: Model = {
      running: false,
      vcpus: 1,
      devices: new Map(),
      first: new Map(),
      guest: new Map(),
      machine: undefined,
    };
    try {
      await subject.start();
      model.running = true;
      await booted(real);
      await verify(model, real);
      await fc.asyncModelRun(() => ({ model, real }), commands);
    } finally {
      figures.domains++;
      figures.checks += real.checks;
      figures.defines.push(wire.calls.filter(({ procedure }) => procedure.startsWith('DOMAIN_DEFINE_XML')).length);
      await subject.close();
    }
  });
  const steps = Number(process.env.LVC_STEPS ?? options.steps);
  const first = Number(process.env.LVC_SEED ?? options.seed ?? Date.now() % 1_000_000_000);
  for (let seed = first; figures.checks < steps; seed++) {
    // A run costs seconds, so the first failure ends it: its seed and steps tell enough.
    const failed = await fc.check(property, { seed, numRuns: 1, endOnFailure: true });
    if (failed.failed) throw new PropertyFailed(seed, failed);
  }
  return figures;
}

/** The domain that is walked on. */
export function specOf(name: string, root: string, guest: Guest | undefined): DomainSpec {
  return {
    name,
    type: 'qemu',
    memory: guest ? '128 MiB' : '64 MiB',
    vcpus: { current: 1, maximum: 3 },
    hotplug: { pciePorts: 5 },
    disks: [{ id: 'root', target: 'vda', file: root, format: 'qcow2', boot: 1, serial: 'S-root' }],
    interfaces: [{ id: 'lan', user: true, mac: '52:54:00:0a:0a:0a', boot: 2 }],
    ...(guest
      ? { kernel: { path: guest.kernel, initrd: guest.initrd, cmdline: guest.cmdline }, devices: guest.serialDevices }
      : {}),
  };
}
