import { heartbeat } from 'libvirt-canonical/fleet';
import { out, program, whole } from './session.js';
import { plain } from './show.js';

interface HeartbeatFlags {
  readonly file: string;
  readonly host: string;
  readonly slot: number;
  readonly every: number;
  readonly watchdog?: string;
  readonly watchdogSeconds: number;
}

/** `heartbeat`: needs no configuration, since it runs on the host itself, before libvirt. */
export function addHeartbeatCommand(): void {
  program
    .command('heartbeat')
    .description("writes this host's heartbeat for the fence storageLease, until it is ended; feeds its watchdog")
    .requiredOption('--file <path>', 'file or block device that all hosts share')
    .requiredOption('--host <name>', "this host's name in the fleet")
    .requiredOption('--slot <number>', 'its place in the file, which no other host has: 0 to 255', whole)
    .option('--every <milliseconds>', 'between two beats', whole, 5_000)
    .option('--watchdog <device>', 'such as /dev/watchdog0; without one a heartbeat that stops proves nothing')
    .option('--watchdog-seconds <seconds>', 'after which it resets the host, as it is set', whole, 30)
    .action(async ({ file, host, slot, every, watchdog: device, watchdogSeconds }: HeartbeatFlags) => {
      const end = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());
      let said = '';
      await heartbeat({
        file,
        host,
        slot,
        every,
        ...(device !== undefined && { watchdog: { device, timeout: watchdogSeconds * 1_000 } }),
        signal: end.signal,
        onBeat: ({ count, error }) => {
          const text = error === undefined ? '' : plain((error as Error).message);
          if (count === 1 && text === '') out(`heartbeat of ${plain(host)} goes into ${plain(file)}`);
          if (text !== said && text !== '') process.stderr.write(`lvc-fleet: the storage took no beat: ${text}\n`);
          said = text;
        },
      });
    });
}
