import { existsSync } from 'node:fs';
import type { ApplyProgress, ManagedDomain, Plan } from '../../index.js';
import { type Answer, EXIT, UsageError } from '../exit.js';
import { readText } from '../input.js';
import { print } from '../output.js';
import { type Planned, planAsked, type RequestOptions } from '../requests.js';
import type { Session } from '../session.js';
import { pendingAdvice } from './pending.js';
import { describePlanned } from './plan.js';

/** `lvc apply`: plans, asks, and does it; or does a plan that `lvc plan --out` kept. */
export async function apply(session: Session, subject: string | undefined, options: RequestOptions): Promise<Answer> {
  if (subject?.endsWith('.json') && existsSync(subject))
    return applyPlanned(session, await readPlans(session, subject));
  return applyPlanned(session, await planAsked(session, subject, options));
}

/** Shows, asks, applies. */
export async function applyPlanned(session: Session, planned: readonly Planned[]): Promise<Answer> {
  const shown = describePlanned(planned);
  if (shown.exit === EXIT.ok || shown.exit === EXIT.refused)
    return { ...shown, result: { applied: [], defined: [], ...(shown.result as object) } };
  if (!session.json) print(shown.text);
  if (!(await session.consents('Do this?'))) {
    session.signal.throwIfAborted();
    throw new UsageError('Nothing was changed: the answer was not yes');
  }
  const applied: object[] = [];
  const defined: string[] = [];
  const said: string[] = [];
  for (const each of planned) {
    if ('define' in each) {
      await (await session.manager()).define(each.define, { signal: session.signal });
      defined.push(each.name);
      said.push(`Defined ${each.name}.`);
      continue;
    }
    const { operations, unplugs } = await each.domain.apply(each.plan, {
      signal: session.signal,
      onProgress: (progress) => session.progress.say(progressText(progress)),
    });
    session.progress.clear();
    applied.push({
      domain: each.plan.domain,
      operations: operations.map(({ subject, action }) => ({ subject, action })),
      unplugs,
    });
    said.push(await outcome(each.domain, each.plan, session));
  }
  return { result: { applied, defined }, text: said.join('\n') };
}

async function outcome(domain: ManagedDomain, plan: Plan, { signal }: Session): Promise<string> {
  const { operations } = plan;
  const done = `${domain.name}: ${operations.length} operation${operations.length === 1 ? '' : 's'} done and verified.`;
  const pending = await domain.pending({ signal });
  return pending.needsColdBoot ? `${done} ${pendingAdvice(domain.name, pending)}` : done;
}

function progressText({ operation, state, done, total }: ApplyProgress): string {
  return `${done}/${total}  ${operation.action} ${operation.subject}: ${state}`;
}

/** The plans of a file that `lvc plan --out` wrote, or of the JSON of one plan. */
async function readPlans(session: Session, file: string): Promise<Planned[]> {
  const { Plan } = await import('../../index.js');
  const text = await readText(file);
  let value: { result?: { plans?: unknown[] } };
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`${file} is not JSON: give what \`lvc plan --out\` wrote`);
  }
  const manager = await session.manager();
  const planned: Planned[] = [];
  for (const each of value?.result?.plans ?? [value]) {
    const plan = Plan.fromJSON(each);
    planned.push({ plan, domain: await manager.get(plan.domain.uuid, { signal: session.signal }) });
  }
  return planned;
}
