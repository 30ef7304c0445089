import { Argument, Command, Option } from 'commander';
import { type AddCommand, asking, choice, collect, common, type Load, requests, seconds } from './command-options.js';
import { exitCodeOf, printFailure } from './failure.js';
import { guestCommands } from './guest-commands.js';
import { migrateCommand } from './migrate-command.js';
import { printAnswer } from './output.js';
import { type CommonOptions, Session } from './session.js';

const EXAMPLES = `
Exit codes: 0 done, or nothing to do; 1 an error; 2 there is something to do; 3 refused, and nothing was changed; 130 ended by Ctrl-C.

Examples:
  lvc plan web1 --attach disk=data,target=vdb,file=/img/data.qcow2,format=qcow2 --set vcpus=4
  lvc plan web1 -f web1.yaml --out plan.json && lvc apply plan.json --yes
  lvc drift web1 --undo`;

/** The program with all of its commands; what a command ends with goes into `outcome`. */
export function buildProgram(version: string, outcome: { exit: number }): Command {
  const program = common(new Command('lvc'))
    .description("Manages libvirt domains with libvirt's own document as the truth.")
    .version(version)
    .showSuggestionAfterError(false)
    .exitOverride()
    // What is wrong with a command line is said as all errors are: see run.ts.
    .configureOutput({ outputError: () => undefined })
    .addHelpText('after', EXAMPLES);

  const add: AddCommand = (usage, description, load) => {
    const command = program.command(usage).description(description);
    return common(command).action(async (...all: unknown[]) => {
      const args = all.slice(0, -2);
      outcome.exit = await perform(command, load, args);
    });
  };
  const changing: AddCommand = (usage, description, load) =>
    add(usage, description, load).option('-y, --yes', 'go on without asking');

  add('list', 'every domain, its state, and what needs a hand', async () => (await import('./commands/list.js')).list);
  add(
    'show <domain>',
    'devices with both addresses, free places, what waits, what others changed',
    async () => (await import('./commands/show.js')).show,
  );
  add(
    'define',
    'define domains that do not exist yet',
    async () => (await import('./commands/define.js')).define,
  ).requiredOption('-f, --file <file>', 'spec in YAML or JSON, or domain XML; a folder of them; - for stdin');
  requests(
    add(
      'plan [domain]',
      'show what a change would do, and do nothing',
      async () => (await import('./commands/plan.js')).plan,
    ),
  ).option('-o, --out <file>', 'keep the plan, to be applied later as long as the domain has not changed');
  requests(
    changing(
      'apply [domain]',
      'plan a change, ask, and do it; or do a plan that was kept: lvc apply plan.json',
      async () => (await import('./commands/apply.js')).apply,
    ),
  );
  add(
    'adopt <domain>',
    'remember a domain as it is, to tell from now on what others change',
    async () => (await import('./commands/drift.js')).adopt,
  );
  add(
    'pending <domain>',
    'what waits for the next cold boot',
    async () => (await import('./commands/pending.js')).pending,
  );
  changing('drift <domain>', 'what others changed', async () => (await import('./commands/drift.js')).drift)
    .option('--accept', 'take the domain as it is')
    .option('--undo', 'take it back: plans, asks, applies')
    .option('--only <subject>', 'with --undo: only this one; can be given again', collect);
  add(
    'recover <domain>',
    'settle an apply that was interrupted',
    async () => (await import('./commands/recover.js')).recover,
  )
    .addOption(
      choice('--mode <mode>', 'make the rest, take it back, or leave the domain as it is', [
        'complete',
        'undo',
        'keep',
      ]),
    )
    .addOption(
      choice('--owner <state>', '"gone" is your word that the process which applied has ended', ['ended', 'gone']),
    );

  const power = async () => import('./commands/power.js');
  add('start <domain>', 'start it', async () => (await power()).start)
    .option('--paused', 'with its vCPUs stopped')
    .option('--verify', 'only if the guest sees what the canonical document says')
    .addOption(choice('--managed-save <what>', 'what to do with a saved guest', ['refuse', 'restore', 'discard']));
  asking(add('stop <domain>', 'ask the guest to shut down, and wait', async () => (await power()).stop)).option(
    '--destroy',
    'pull the plug at once',
  );
  asking(add('reboot <domain>', 'reboot it', async () => (await power()).reboot)).addOption(
    choice('--mode <mode>', 'by the guest; shut down and started; or plug pulled and started', [
      'guest',
      'cold',
      'hard',
    ]).makeOptionMandatory(),
  );
  add('save <domain>', 'save the guest with its memory, and stop it', async () => (await power()).save).addOption(
    choice('--restore-as <state>', 'what the guest does when it is restored', ['running', 'paused']),
  );
  add('restore <domain>', 'go on with the saved guest', async () => (await power()).restore)
    .option('--paused', 'with its vCPUs stopped')
    .option('--verify', 'only if the saved guest sees what the canonical document says');
  asking(
    add(
      'rescue <domain>',
      'boot from another disk with everything there; show the rescue; end it',
      async () => (await import('./commands/rescue.js')).rescue,
    ),
  )
    .option('--disk <fields>', 'what to boot from: file=/img/rescue.qcow2,format=qcow2')
    .option('--kernel <path>', 'boot this kernel')
    .option('--initrd <path>', 'its initrd')
    .option('--cmdline <text>', 'its command line')
    .option('--shutdown', 'ask the guest to shut down instead of pulling the plug')
    .option('--end', 'go back to the domain as it is defined')
    .option('--stay-off', 'with --end: do not start it');
  add(
    'resize <domain>',
    'other vCPUs, memory or capacity of disks',
    async () => (await import('./commands/resize.js')).resize,
  )
    .option('--vcpus <number>', 'vCPUs, or {current: 4, maximum: 8}')
    .option('--memory <size>', "memory such as '3 GiB', or {current: 2 GiB, maximum: 4 GiB}")
    .option('--disk <disk=size>', "'root=40 GiB'; can be given again", collect)
    .addOption(choice('--if-not-live <what>', 'of a part that the running guest cannot have', ['refuse', 'next-boot']));

  const copies = async () => import('./commands/copies.js');
  const quiesce = () =>
    choice('--quiesce <how>', "freeze the guest's file systems for the moment", ['agent', 'if-available', 'none']);
  const format = () => choice('--format <format>', 'of the copy', ['qcow2', 'raw']);
  const bandwidth = () => new Option('--bandwidth <size>', "a second at most, such as '50 MiB'");
  add('snapshot <domain> <name>', 'disks write to new files from now on', async () => (await copies()).snapshot)
    .option('--disk <disk[=file]>', 'a disk, and its new file; can be given again', collect)
    .addOption(quiesce());
  add('commit <domain> <disk>', 'what a disk has over its base goes into that', async () => (await copies()).commit)
    .option('--into <file>', 'an image of its chain; else the next one')
    .addOption(choice('--leftover <what>', 'what becomes of images that are no longer needed', ['keep', 'delete']))
    .addOption(bandwidth());
  add('copy <domain> <disk> <file>', 'copy a disk of a running domain', async () => (await copies()).copy)
    .addOption(format())
    .addOption(quiesce())
    .addOption(bandwidth());
  add('move <domain> <disk> <file>', 'move a disk of a running domain', async () => (await copies()).move)
    .addOption(format())
    .addOption(bandwidth());
  add(
    'backup <domain>',
    'back up disks of a running domain, whole or since a checkpoint',
    async () => (await copies()).backup,
  )
    .option('--disk <disk=file>', 'a disk and where its backup goes; can be given again', collect)
    .option('--checkpoint <name>', 'mark the moment, for a later backup to go on from')
    .option('--since <checkpoint>', 'only what was written since')
    .addOption(format())
    .addOption(quiesce());

  const evacuation = async () => import('./commands/evacuation.js');
  add('export <domain>', 'all that makes its machine, as JSON', async () => (await evacuation()).exportDomain)
    .option('-o, --out <file>', 'a new file; else stdout')
    .addOption(choice('--secrets <what>', 'that stand in the document', ['include', 'leave-out']))
    .addOption(choice('--managed-save <what>', 'a saved guest, which is in no bundle', ['refuse', 'without']))
    .option(
      '--disks <folder>',
      'the contents of its disks too, as files in this folder of this machine; it must be off',
    )
    .option('--disk <disk>', 'only this disk; can be given again', collect)
    .option('--tpm-folder <path>', "where the host keeps TPM state, when that is not libvirt's own place");
  add(
    'import <file>',
    'define the domain of a bundle as the same machine',
    async () => (await evacuation()).importBundle,
  )
    .option('--host <uri>', 'a host that it must not run on; can be given again', collect)
    .addOption(choice('--unknown-hosts <what>', 'of hosts that cannot be asked', ['refuse', 'accept']))
    .option('--path <from=to>', 'where files of the bundle are here: /images=/srv/images; can be given again', collect)
    .addOption(choice('--left-out-secrets <what>', 'of a bundle without its secrets', ['refuse', 'without']))
    .option('--disks <folder>', 'its disks too, from the folder that they were exported to')
    .option('--autostart', 'let it start with the host if it did before')
    .option('--tpm-folder <path>', "where the host keeps TPM state, when that is not libvirt's own place");
  add('host-check [domain]', 'whether the host can run it', async () => (await evacuation()).hostCheck).option(
    '-f, --file <file>',
    'a bundle or domain XML instead of a domain of the host',
  );

  migrateCommand(changing);
  add(
    'doctor',
    'what is wrong with the host and its domains, or will be, each with what to do',
    async () => (await import('./commands/doctor.js')).doctor,
  )
    .option('--against <uri>', 'another host, to compare UUIDs and clocks with; can be given again', collect)
    .option('--daemon-config <file>', "the daemon's configuration, when it is not in libvirt's own place")
    .option('--log <file>', 'a log that may tell of denials; can be given again', collect);
  guestCommands(add);

  const watching = async () => import('./commands/watch.js');
  add(
    'watch [domain]',
    'drift, crashes, disks that fail, devices let go of: as it happens',
    async () => (await watching()).watch,
  ).option('--interval <seconds>', 'between two looks at what sends no event', seconds);
  add('events [domain]', 'what libvirt tells, as it happens', async () => (await watching()).events).option(
    '--only <type>',
    'only this type; can be given again',
    collect,
  );
  add('log <domain>', 'the end of its log since the last start', async () => (await watching()).log);
  add(
    'picture <domain>',
    'where every device sits, and what the next boot moves: SVG, a page, or text',
    async () => (await import('./commands/picture.js')).picture,
  )
    .option('-o, --out <file>', 'into a file; its ending tells the form: .svg, .html, .txt')
    .option('--html', 'a page with the picture and a list of the devices')
    .option('--ascii', 'text for the terminal');
  add(
    'schema',
    'the JSON Schema of a domain spec or a change request, for editors, or of what --json prints',
    async () => (await import('./commands/schema.js')).schema,
  ).addArgument(new Argument('<of>').choices(['domain', 'change', 'outputs']));
  add(
    'conformance',
    'hold managers of domains to the promise that nothing moves, on private hosts',
    async () => (await import('./commands/conformance.js')).conformance,
  )
    .argument('[drivers...]', 'library, virsh …, or the command that starts another, in quotes')
    .option('--scenario <name>', 'only this one; can be given again', collect)
    .option('--list', 'the scenarios that there are')
    .option('--report <file>', 'all that was found into a file: .html a page, else JSON');
  add(
    'completion',
    'the script that completes words in a shell',
    async () => (await import('./commands/completion.js')).completion,
  ).addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']));
  program
    .command('complete [words...]', { hidden: true })
    .allowUnknownOption()
    .action(async (words: string[]) => {
      const { complete } = await import('./commands/completion.js');
      await using session = new Session('complete', connectIn(words));
      printAnswer('complete', await complete(session, words, program), false);
    });
  return program;
}

/** The host that the words to complete name. */
function connectIn(words: readonly string[]): CommonOptions {
  const at = words.findIndex((word) => word === '-c' || word === '--connect');
  const uri = at < 0 ? undefined : words[at + 1];
  return uri === undefined ? {} : { connect: uri };
}

/** Runs a command and prints how it came out; resolves with the exit code. */
async function perform(command: Command, load: Load, args: readonly unknown[]): Promise<number> {
  const options = command.optsWithGlobals<CommonOptions>();
  const { connect: _, json: __, yes: ___, ...own } = options;
  const session = new Session(command.name(), options);
  process.on('SIGINT', session.interrupt).on('SIGTERM', session.interrupt);
  try {
    const work = await load();
    const answer = await work(session, ...args, own);
    session.progress.clear();
    if (answer) printAnswer(session.command, answer, session.json);
    return answer?.exit ?? 0;
  } catch (error) {
    session.progress.clear();
    printFailure(session.command, error, session.json);
    return exitCodeOf(error, session.signal.aborted);
  } finally {
    process.off('SIGINT', session.interrupt).off('SIGTERM', session.interrupt);
    await session[Symbol.asyncDispose]();
  }
}
