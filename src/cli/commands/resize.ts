import type { ResizeResult, Size } from '../../index.js';
import { type Answer, EXIT, UsageError } from '../exit.js';
import { print } from '../output.js';
import { bytesText } from '../progress.js';
import type { Session } from '../session.js';
import { planText } from '../show-plan.js';
import { settingWords } from '../words.js';

/** `lvc resize`: vCPUs, memory and disks. */
export async function resize(
  session: Session,
  name: string,
  options: {
    readonly vcpus?: string;
    readonly memory?: string;
    readonly disk?: readonly string[];
    readonly ifNotLive?: 'refuse' | 'next-boot';
  },
): Promise<Answer> {
  const { signal } = session;
  const machine = Object.entries({ vcpus: options.vcpus, memory: options.memory }).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${value}`],
  );
  const disks = (options.disk ?? []).map((text) => /^([^=]+)=(.+)$/.exec(text));
  if (machine.length + disks.length === 0)
    throw new UsageError("Give --vcpus 4, --memory '3 GiB' or --disk 'root=40 GiB'");
  if (disks.includes(null)) throw new UsageError("--disk takes a disk and its new capacity: --disk 'root=40 GiB'");
  const domain = await session.domain(name);
  const grown: object[] = [];
  const text: string[] = [];
  let sizes: ResizeResult | undefined;
  if (machine.length > 0) {
    const request = {
      ...(await settingWords(machine)),
      ...(options.ifNotLive ? { ifNotLive: options.ifNotLive } : {}),
    };
    const plan = await domain.planResize(request, { signal });
    if (plan.refusals.length > 0) return { result: { plans: [plan] }, text: planText(plan), exit: EXIT.refused };
    if (!session.json) print(planText(plan));
    sizes = await domain.resize(request, { signal });
    const { vcpus, memory } = sizes;
    text.push(
      `vCPUs: ${(vcpus.now ?? vcpus.nextBoot).current} now, ${vcpus.nextBoot.current} from the next cold boot on.`,
      `Memory: ${bytesText(Number((memory.now ?? memory.nextBoot).current))} now, ${bytesText(Number(memory.nextBoot.current))} from the next cold boot on.`,
    );
  }
  for (const match of disks) {
    // What is no size the library says, with its path.
    const [, disk = '', capacity = ''] = match ?? [];
    const done = await domain.resizeDisk(disk, { capacity: capacity as Size, signal });
    grown.push(done);
    text.push(`${done.disk}: ${bytesText(Number(done.before))} before, ${bytesText(Number(done.capacity))} now.`);
  }
  return { result: { vcpus: sizes?.vcpus, memory: sizes?.memory, disks: grown }, text: text.join('\n') };
}
