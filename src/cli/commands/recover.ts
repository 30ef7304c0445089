import type { InterruptedApply, RecoverOptions } from '../../index.js';
import { ask, isTerminal } from '../ask.js';
import { type Answer, EXIT, UsageError } from '../exit.js';
import { print, shownText } from '../output.js';
import type { Session } from '../session.js';

const MODES = ['complete', 'undo', 'keep'] as const;
type Mode = (typeof MODES)[number];

/** `lvc recover`: settles an apply that the end of its process interrupted. Without a mode it shows it, and asks. */
export async function recover(
  session: Session,
  name: string,
  options: { readonly mode?: Mode; readonly owner?: RecoverOptions['owner'] },
): Promise<Answer> {
  const { signal } = session;
  const domain = await session.domain(name);
  const { interrupted } = domain;
  if (!interrupted && options.mode === undefined)
    return { result: { interrupted: null }, text: `Nothing was interrupted: ${domain.name} needs no recovery.` };
  let { mode } = options;
  if (mode === undefined) {
    const shown = interruptedText(domain.name, interrupted as InterruptedApply);
    const choices = 'Settle it with --mode complete, undo or keep.';
    if (session.json || !isTerminal())
      return { result: { interrupted }, text: `${shown}\n${choices}`, exit: EXIT.changes };
    print(shown);
    const answer = await ask(
      'Complete it, undo it, or keep the domain as it is? [complete/undo/keep] ',
      signal,
      session.interrupt,
    );
    signal.throwIfAborted();
    mode = MODES.find((each) => each === answer);
    if (!mode) throw new UsageError(`Nothing was changed: the answer was none of the three. ${choices}`);
  }
  const result = await domain.recover({
    mode,
    signal,
    ...(options.owner === undefined ? {} : { owner: options.owner }),
    onProgress: ({ operation, state, done, total }) =>
      session.progress.say(`${done}/${total}  ${operation.action} ${operation.subject}: ${state}`),
  });
  const made = result.operations.map(({ action, subject }) => `  ${action} ${shownText(subject)}`);
  const head = `${domain.name} is settled: ${made.length} operation${made.length === 1 ? '' : 's'} ${mode === 'undo' ? 'taken back' : 'made'}.`;
  return { result, text: [head, ...made].join('\n') };
}

function interruptedText(name: string, { phase, since, by, operations }: InterruptedApply): string {
  const who = `by process ${by.pid} of ${by.host}, which ${by.state === 'ended' ? 'has ended' : 'cannot be seen from here'}`;
  const what = phase === 'apply' ? 'An apply was interrupted' : 'A claim holds the domain';
  return [
    `${what} on ${name}, begun ${since.toISOString()} ${who}:`,
    ...operations.map(({ operation, state }) => `  ${operation.action} ${shownText(operation.subject)}: ${state}`),
  ].join('\n');
}
