import type { RescueDisk, RescueKernel, RescueOptions } from '../../index.js';
import { type Answer, UsageError } from '../exit.js';
import type { Session } from '../session.js';
import { fieldWords } from '../words.js';
import { type StopOptions, stateAnswer, stopping } from './power.js';

/** `lvc rescue`: boots from another disk, and with `--end` goes back. */
export async function rescue(
  session: Session,
  name: string,
  options: StopOptions & {
    readonly disk?: string;
    readonly kernel?: string;
    readonly initrd?: string;
    readonly cmdline?: string;
    readonly shutdown?: boolean;
    readonly end?: boolean;
    readonly stayOff?: boolean;
  },
): Promise<Answer> {
  const stop: RescueOptions['stop'] = options.shutdown ? 'shutdown' : 'destroy';
  const how = { ...stopping(session, options), stop };
  if (options.end) {
    const domain = await session.domain(name);
    await domain.unrescue({ ...how, after: options.stayOff ? 'stay-off' : 'start' });
    return stateAnswer(domain);
  }
  if (options.disk === undefined) {
    const domain = await session.domain(name);
    const rescued = await domain.rescueState({ signal: session.signal });
    if (!rescued) throw new UsageError('Give the disk to boot from: --disk file=/img/rescue.qcow2,format=qcow2');
    return {
      result: rescued,
      text: `${domain.name} is in a rescue since ${rescued.since.toISOString()}, from ${rescued.disk}. \`lvc rescue --end ${domain.name}\` ends it.`,
    };
  }
  const disk = (await fieldWords('disk', options.disk)) as RescueDisk;
  const { kernel: path, initrd, cmdline } = options;
  const kernel: RescueKernel | undefined =
    path === undefined
      ? undefined
      : { path, ...(initrd === undefined ? {} : { initrd }), ...(cmdline === undefined ? {} : { cmdline }) };
  const domain = await session.domain(name);
  await domain.rescue({ ...how, disk, ...(kernel ? { kernel } : {}) });
  return stateAnswer(domain);
}
