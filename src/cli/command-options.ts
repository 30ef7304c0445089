import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Answer } from './exit.js';
import type { Session } from './session.js';

/** A command of its own, loaded when it is run: it gets the session, its arguments, and its options. */
// biome-ignore lint/suspicious/noExplicitAny: each command has arguments of its own, which commander hands over
type Work = (session: Session, ...args: any[]) => Promise<Answer | undefined>;
export type Load = () => Promise<Work>;

/** Adds a command to the program: how it is written, what it does, and what does it. */
export type AddCommand = (usage: string, description: string, load: Load) => Command;

/** The options that every command has. */
export function common(command: Command): Command {
  return command
    .option('-c, --connect <uri>', 'the host; else LIBVIRT_DEFAULT_URI, else qemu:///system')
    .option('--json', 'answer in JSON');
}

/** The options that say what is to change. */
export function requests(command: Command): Command {
  return command
    .option('-a, --attach <device>', 'a device: disk=data,target=vdb,file=/img/data.qcow2; can be given again', collect)
    .option('-d, --detach <device>', 'a device that is there: disk=data; can be given again', collect)
    .option('-u, --update <device>', 'new values: interface=lan,link=down; can be given again', collect)
    .option('-s, --set <setting>', 'a setting: vcpus=4; can be given again', collect)
    .option(
      '-f, --file <file>',
      'a change request or a whole domain in YAML or JSON, domain XML; a folder; - for stdin',
    )
    .addOption(
      choice('--scope <scope>', 'which documents devices are changed in', ['persistent', 'both', 'live', 'config']),
    )
    .addOption(choice('--replace <what>', 'a device that has to be detached and attached anew', ['refuse', 'allow']))
    .addOption(choice('--if-not-live <what>', 'of what the running guest cannot have now', ['refuse', 'next-boot']))
    .addOption(choice('--detach-order <order>', 'which document loses a device first', ['live-first', 'config-first']));
}

/** The options that say how a guest is asked to stop. */
export function asking(command: Command): Command {
  return command
    .addOption(choice('--by <way>', 'how the guest is asked', ['acpi', 'agent', 'agent-else-acpi']))
    .option('--timeout <seconds>', 'that the guest has; 60', seconds)
    .option('--or-destroy', 'pull the plug when the time is up');
}

/** An option that takes one of some words. */
export function choice(flags: string, description: string, words: readonly string[]): Option {
  return new Option(flags, description).choices(words);
}

/** Gathers an option that can be given again. */
export function collect(value: string, all: readonly string[] = []): string[] {
  return [...all, value];
}

/** Reads seconds of the command line. */
export function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError('Give seconds, more than 0.');
  return value;
}

/** Reads a whole number of the command line. */
export function whole(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError('Give a whole number.');
  return value;
}
