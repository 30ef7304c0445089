import { writeFile } from 'node:fs/promises';
import { type Answer, EXIT, UsageError } from '../exit.js';
import { coloured, jsonText } from '../output.js';
import { type Planned, planAsked, type RequestOptions } from '../requests.js';
import type { Session } from '../session.js';
import { planExit, planText } from '../show-plan.js';

/** `lvc plan`: what would be done, and nothing else. */
export async function plan(
  session: Session,
  name: string | undefined,
  options: RequestOptions & { readonly out?: string },
): Promise<Answer> {
  const planned = await planAsked(session, name, options);
  const answer = describePlanned(planned);
  if (options.out === undefined) return answer;
  if (planned.some((each) => 'define' in each))
    throw new UsageError('A plan for a domain that does not exist cannot be kept. Define it first: lvc define -f FILE');
  await writeFile(options.out, `${jsonText('plan', { result: answer.result }, 2)}\n`, { mode: 0o600 });
  const note = `Kept in ${options.out}: \`lvc apply ${options.out}\` applies it, as long as the domain does not change meanwhile.`;
  return { ...answer, text: `${answer.text}\n${note}` };
}

/** Plans as `lvc plan` shows them, with its exit code. */
export function describePlanned(planned: readonly Planned[]): Answer & { readonly exit: number } {
  const plans = planned.flatMap((each) => ('plan' in each ? [each.plan] : []));
  const define = planned.flatMap((each) => ('define' in each ? [each.name] : []));
  const exit = planExit(plans);
  return {
    result: { plans, define },
    text: [
      ...plans.map(planText),
      ...define.map((name) => coloured('green', `+ domain ${name} does not exist: it would be defined`)),
    ].join('\n\n'),
    exit: exit === EXIT.ok && define.length > 0 ? EXIT.changes : exit,
  };
}
