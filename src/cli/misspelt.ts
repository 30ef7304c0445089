import type { Command, CommanderError } from 'commander';
import { nearest } from '../nearest.js';
import { UsageError } from './exit.js';

/** What virsh and the library call what a command here does. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  'attach-device': 'apply DOMAIN --attach',
  'attach-disk': 'apply DOMAIN --attach',
  'attach-interface': 'apply DOMAIN --attach',
  'backup-begin': 'backup',
  blockcommit: 'commit',
  blockcopy: 'copy, or move',
  blockresize: 'resize DOMAIN --disk',
  destroy: 'stop --destroy',
  'detach-device': 'apply DOMAIN --detach',
  'detach-disk': 'apply DOMAIN --detach',
  'detach-interface': 'apply DOMAIN --detach',
  domblkstat: 'stats',
  domifaddr: 'addresses',
  domifstat: 'stats',
  dominfo: 'show',
  domstate: 'list',
  domstats: 'stats',
  dumpxml: 'export',
  edit: 'apply DOMAIN --set, or -f',
  event: 'events',
  managedsave: 'save',
  'managedsave-remove': 'start --managed-save discard',
  reset: 'reboot --mode hard',
  setmem: 'resize --memory',
  setvcpus: 'resize --vcpus',
  shutdown: 'stop',
  'snapshot-create-as': 'snapshot',
  unrescue: 'rescue --end',
  'update-device': 'apply DOMAIN --update',
};

/** A command line that commander refuses, in our words: what is wrong, what may have been meant, and where help is. */
export function usageError(
  error: CommanderError,
  program: Command,
  args: readonly string[],
): { readonly command: string; readonly problem: UsageError } {
  const command = program.commands.find((each) => args.includes(each.name()));
  const name = command?.name() ?? 'lvc';
  const help = command ? `See: lvc help ${name}` : 'All commands: lvc help';
  const [what, meant] = problemOf(error, command ?? program, program);
  const advice = meant === undefined ? '' : ` Did you mean ${meant}?`;
  return { command: name, problem: new UsageError(`${what}.${advice} ${help}`) };
}

/** What is wrong, and what may have been meant. */
function problemOf(
  { code, message }: CommanderError,
  command: Command,
  program: Command,
): readonly [what: string, meant?: string | undefined] {
  const [, word = ''] = /'([^']*)'/.exec(message) ?? [];
  switch (code) {
    case 'commander.help':
      return ['No command was given'];
    case 'commander.unknownCommand':
      return [`There is no command "${word}"`, OTHER_NAMES[word] ?? nearest(word, namesOf(program))];
    case 'commander.unknownOption':
      return [`${command.name()} has no option ${word}`, nearestOption(word, command)];
    default:
      return [sentence(message), meantChoice(message)];
  }
}

function namesOf(program: Command): string[] {
  return program.commands.map((each) => each.name()).filter((each) => each !== 'complete');
}

function nearestOption(word: string, command: Command): string | undefined {
  const longs = command.options.flatMap(({ long }) => (long ? [long.slice(2)] : []));
  const near = nearest(word.replace(/^-+/, ''), longs);
  return near === undefined ? undefined : `--${near}`;
}

/** The word that is most like the one given, of those that commander lists. */
function meantChoice(message: string): string | undefined {
  const [, word, list] = /(?:argument|value) '([^']*)' is invalid.*Allowed choices are ([^.]*)/s.exec(message) ?? [];
  return word === undefined || list === undefined ? undefined : nearest(word, list.split(', '));
}

function sentence(message: string): string {
  const text = message.replace(/^error: /, '').replace(/[.\s]*$/, '');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
