import { InvalidArgumentError, Option } from 'commander';
import { type AddCommand, choice, seconds, whole } from './command-options.js';

/** The commands that look at a running guest, or talk to it. */
export function guestCommands(add: AddCommand): void {
  add(
    'console <domain>',
    'its serial console on this terminal; Ctrl-] leaves it',
    async () => (await import('./commands/console.js')).console,
  )
    .option('--device <alias>', 'another console or serial port than the first: serial1')
    .option('--force', 'take it from whoever has it');
  add(
    'screenshot <domain>',
    'what it shows, as a PNG file',
    async () => (await import('./commands/screenshot.js')).screenshot,
  )
    .option('-o, --out <file>', 'a new file; else DOMAIN.png; - for stdout')
    .addOption(new Option('--screen <number>', 'over all graphics devices; 0').argParser(whole));
  add(
    'addresses <domain>',
    'every address that somebody knows of the running guest',
    async () => (await import('./commands/addresses.js')).addresses,
  )
    .addOption(choice('--source <who>', 'only this one knows; can be given again', SOURCES).argParser(sources))
    .option('--wait <seconds>', 'for the first address that others can reach', seconds);
  add(
    'stats [domain]',
    'figures of CPU, memory, disks and interfaces, of one domain or of all',
    async () => (await import('./commands/stats.js')).stats,
  )
    .option('--watch <seconds>', 'again and again, with rates, until Ctrl-C', seconds)
    .option('--nowait', 'leave out what a domain that is busy with a job could only tell after it');
}

const SOURCES = ['agent', 'lease', 'arp'];

/** Gathers sources; with a parser of its own commander does not look at the choices. */
function sources(value: string, all: readonly string[] = []): string[] {
  if (!SOURCES.includes(value)) throw new InvalidArgumentError(`Allowed choices are ${SOURCES.join(', ')}.`);
  return [...all, value];
}
