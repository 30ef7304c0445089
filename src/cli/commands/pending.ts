import type { Change, Pending } from '../../index.js';
import { type Answer, EXIT } from '../exit.js';
import { shownText } from '../output.js';
import type { Session } from '../session.js';

/** `lvc pending`: what waits for the next cold boot. */
export async function pending(session: Session, name: string): Promise<Answer> {
  const { signal } = session;
  const domain = await session.domain(name);
  const waiting = await domain.pending({ signal });
  return {
    result: waiting,
    text: [...pendingLines(waiting), pendingAdvice(domain.name, waiting)].join('\n'),
    exit: waiting.needsColdBoot ? EXIT.changes : EXIT.ok,
  };
}

/** What to do about what waits, as a command. */
export function pendingAdvice(name: string, { changes, managedSave, needsColdBoot }: Pending): string {
  if (!needsColdBoot) return `Nothing waits for a cold boot of ${name}.`;
  if (changes.length > 0)
    return `A cold boot makes it so: lvc reboot ${name} --mode cold. A reboot by the guest makes none of it.`;
  return managedSave
    ? `The saved guest is without it: lvc restore ${name} goes on so; lvc start ${name} --managed-save discard boots with it and loses its memory.`
    : '';
}

/** A line for what waits, and one for each value of it. */
export function pendingLines({ changes, managedSave }: Pending): string[] {
  return [...changes, ...(changes.length > 0 ? [] : (managedSave?.changes ?? []))].flatMap((each) => [
    `  ${each.action} ${shownText(each.subject)}: ${each.reason}`,
    ...each.changes.map(changeLine),
  ]);
}

/** One value, from what it is to what it becomes. */
export function changeLine({ path, from, to }: Change): string {
  return shownText(`      ${path}: ${from ?? '(none)'} → ${to ?? '(none)'}`);
}
