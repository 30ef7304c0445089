import { EngineError } from '../errors.js';
import { out, program, say, withFleet, withOperations } from './session.js';
import { table } from './show.js';
import { watched } from './watch.js';

/** What looks at operations and steers them. */
export function addOperationCommands(): void {
  program
    .command('watch <id>')
    .description('how far an operation is, until it ends; 1 when it did not do all')
    .action((id: string) => withOperations((engine) => watched(engine.operation(id))));
  program
    .command('result <id>')
    .description('what came of an operation, as JSON')
    .action((id: string) =>
      withOperations(async (engine) => out(JSON.stringify(await engine.operation(id).result(), undefined, 2))),
    );
  program
    .command('list')
    .description('all operations that are kept')
    .action(() =>
      withOperations(async (engine) => {
        const all = await engine.operations();
        say(all, () =>
          table([
            ['ID', 'KIND', 'STATE', 'DONE', 'LEFT', 'FAILED', 'BEGUN'],
            ...all.map(({ id, kind, state, done, left, failed, created }) => [
              id,
              kind,
              state,
              String(done),
              String(left),
              String(failed.length),
              created,
            ]),
          ]),
        );
      }),
    );

  const by = process.env.SUDO_USER ?? process.env.USER ?? 'somebody';
  const steer = (name: 'pause' | 'resume', description: string): void => {
    program
      .command(`${name} <id>`)
      .description(description)
      .option('--by <name>', 'who, for the audit', by)
      .action((id: string, flags: { readonly by: string }) =>
        withOperations((engine) => engine.operation(id)[name](flags.by)),
      );
  };
  steer('pause', 'begins nothing new');
  steer('resume', 'goes on');
  program
    .command('cancel <id>')
    .description('begins nothing new, and ends. Nothing is shut off')
    .option('--by <name>', 'who, for the audit', by)
    .option('--abort', 'ends migrations under way too: those domains stay where they run')
    .action((id: string, flags: { readonly by: string; readonly abort?: boolean }) =>
      withOperations((engine) =>
        engine.operation(id).cancel({ by: flags.by, moving: flags.abort ? 'abort' : 'finish' }),
      ),
    );
  program
    .command('confirm <id> <topic>')
    .description('gives the word that an operation waits for')
    .requiredOption('--by <name>', 'who says so')
    .option('--host <name>', 'the host that it is about')
    .option('--says <text>', 'what was done and seen')
    .action(
      (id: string, topic: string, word: { readonly by: string; readonly host?: string; readonly says?: string }) =>
        withOperations((engine) => engine.operation(id).confirm(topic, word)),
    );
  program
    .command('quarantine <id>')
    .description(
      'the first thing with a dead host that is back: keeps it from starting what the evacuation of that id brought back',
    )
    .option('--destroy', 'ends there what is seen to run at its new home too')
    .option('--by <name>', 'who, for the audit', by)
    .action((id: string, flags: { readonly destroy?: boolean; readonly by: string }) =>
      withFleet((fleet) =>
        withOperations(async (engine) => {
          const operation = engine.operation(id);
          const result = await operation.result();
          if (result.kind !== 'evacuate')
            throw new EngineError(
              'CONFIG_INVALID',
              `${id} is no evacuation`,
              'Give the id of the evacuation of that host',
            );
          const { host: from, quarantine: domains } = result;
          const running = flags.destroy ? 'destroy' : 'leave';
          const outcome = await fleet.steps.quarantine({ operation: id, from, domains, running });
          await operation.note(flags.by, `quarantine of ${from}`, {
            running,
            domains: outcome.domains.map(({ name }) => name),
          });
          say(outcome, () =>
            table([
              ['DOMAIN', 'IS', 'HERE', 'NEW HOME'],
              ...outcome.domains.map(({ name, is, here = '', to = '' }) => [name, is, here, to]),
            ]),
          );
        }),
      ),
    );
  program
    .command('audit <id>')
    .description('who did, said and decided what')
    .action((id: string) =>
      withOperations(async (engine) => {
        const entries = await engine.operation(id).audit();
        say(entries, () => table(entries.map(({ at, who, what }) => [at.toISOString(), who, what])));
      }),
    );
  program
    .command('forget <id>')
    .description('removes what is kept of an operation that has ended')
    .action((id: string) => withOperations((engine) => engine.forget(id)));
}
