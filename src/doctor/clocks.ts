import type { HostFiles } from '../host/index.js';
import { type Found, found } from './finding.js';

/** Seconds by which two clocks may differ; how the kernel rounds its boot time is one of them. */
const TOLERANCE = 2;

/** A host's clock against this machine's: seconds that it is ahead, and how far off that can be. */
export interface ClockReading {
  readonly ahead: number;
  /** Seconds that the reading took. */
  readonly within: number;
}

/**
 * Reads a host's clock by two files of its kernel, boot time and uptime, as libvirt has no call for it. Undefined where
 * they cannot be read.
 */
export async function readClock(files: HostFiles): Promise<ClockReading | undefined> {
  try {
    const boot = /^btime (\d+)$/m.exec(await textOf(files, '/proc/stat'))?.[1];
    const before = Date.now();
    const uptime = /^([\d.]+) /.exec(await textOf(files, '/proc/uptime'))?.[1];
    const after = Date.now();
    if (boot === undefined || uptime === undefined) return undefined;
    return { ahead: Number(boot) + Number(uptime) - (before + after) / 2000, within: (after - before) / 1000 };
  } catch {
    return undefined;
  }
}

const textOf = async (files: HostFiles, path: string): Promise<string> =>
  Buffer.from(await files.read(path)).toString();

/** Whether the clocks of two hosts differ. */
export function checkClocks(here: ClockReading | undefined, there: ClockReading | undefined, uri: string): Found[] {
  if (!here || !there)
    return [
      found(
        'clock-unread',
        `the clock of ${here ? uri : 'this host'} could not be read`,
        'Give a way to the files of the hosts: { connection, files }',
      ),
    ];
  const skew = there.ahead - here.ahead;
  if (Math.abs(skew) <= TOLERANCE + here.within + there.within) return [];
  return [
    found(
      'clock-skew',
      `the clock of ${uri} is ${Math.abs(skew).toFixed(0)} s ${skew > 0 ? 'ahead' : 'behind'}`,
      'Run a time service on both: chrony, or systemd-timesyncd',
    ),
  ];
}
