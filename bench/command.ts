import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ManagedDomain } from 'libvirt-canonical';
import type { Section } from './report.js';
import type { Setting } from './setting.js';
import { spreadOf, timed } from './statistics.js';

const ROUNDS = 15;
/** Milliseconds in which the command is to be done with little. */
const AIM = 250;
const DOMAINS = 200;
const LVC = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Time of one process from its start to its end. */
function processTime(program: string, args: readonly string[]): Promise<number> {
  return timed(async () => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`);
  });
}

/** How long `lvc` takes to start, and to list many domains, beside virsh and a Node that does nothing, in turn. */
export async function benchCommand({ host, manager }: Setting, signal: AbortSignal): Promise<Section[]> {
  const { uri } = host;
  const { length: there } = await manager.all({ signal });
  const listed: ManagedDomain[] = [];
  for (let n = there; n < DOMAINS; n++)
    listed.push(await manager.define({ name: `listed-${n}`, type: 'qemu', memory: '64 MiB' }, { signal }));
  const runs: Readonly<Record<string, () => Promise<number>>> = {
    'node -e 0': () => processTime(process.execPath, ['-e', '0']),
    'lvc --version': () => processTime(process.execPath, [LVC, '--version']),
    'virsh --version': () => processTime('virsh', ['--version']),
    'lvc list': () => processTime(process.execPath, [LVC, '-c', uri, 'list']),
    'virsh list --all': () => processTime('virsh', ['-c', uri, 'list', '--all']),
  };
  const times = Object.fromEntries(Object.keys(runs).map((name) => [name, [] as number[]]));
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      signal.throwIfAborted();
      for (const [name, run] of Object.entries(runs)) {
        const took = await run();
        // The first round warms up.
        if (round > 0) times[name]?.push(took);
      }
    }
  } finally {
    for (const domain of listed) await domain.undefine();
  }
  const lines = Object.entries(times).map(([what, all]) => ({ what, figures: [spreadOf(all)] }));
  const aims = ['lvc --version', 'lvc list'].map((what) => {
    const { median } = spreadOf(times[what] ?? []);
    return { aim: `${what} in under ${AIM} ms`, measured: `${median.toFixed(0)} ms`, met: median < AIM };
  });
  return [
    {
      title: `The command, from start to end of its process (${DOMAINS} domains in the list)`,
      notes: ['each by a process of its own, in turn; `node -e 0` is what Node itself takes'],
      columns: ['ms'],
      digits: 0,
      lines,
      aims,
    },
  ];
}
