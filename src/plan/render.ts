import type { Operation } from '../domain/index.js';
import type { PlanParts } from './plan-parts.js';

const LETTER: Readonly<Record<Operation['action'], string>> = { attach: 'A', detach: 'D', update: 'U', set: 'S' };
const WHEN: Readonly<Record<Operation['takesEffect'], string>> = {
  now: 'now',
  'next-boot': 'next boot',
  'when-released': 'when the guest lets go',
};
const SCOPE: Readonly<Record<Operation['scope'], string>> = { live: 'live', config: 'config', both: 'live+config' };

/** A plan as an operator reads it: a letter, the subject, scope, when it takes effect, the place, what changes and why. */
export function renderPlan(plan: PlanParts): string {
  const { domain, operations, refusals, notes, capacity } = plan;
  const count = (n: number, word: string) => `${n} ${word}${n === 1 ? '' : 's'}`;
  const lines = [
    `Plan for domain ${domain.name} (${domain.uuid}): ${count(operations.length, 'operation')}, ${count(refusals.length, 'refusal')}`,
  ];
  const width = Math.max(0, ...operations.map(({ subject }) => subject.length));
  for (const operation of operations) lines.push(...renderOperation(operation, width));
  for (const { subject, path, reason, remedy } of refusals)
    lines.push(`  ! ${subject} (${path}): ${reason}. ${remedy}`);
  for (const note of notes) lines.push(`  · ${note}`);
  for (const [bus, { total, free, freeAfter }] of Object.entries(capacity)) {
    if (bus === 'pci') lines.push(`  Hot-plug PCI slots: ${free} of ${total} free now, ${freeAfter} after`);
    else if (free !== freeAfter) lines.push(`  Places on ${bus}: ${free} of ${total} free now, ${freeAfter} after`);
  }
  return lines.join('\n');
}

function renderOperation(operation: Operation, width: number): string[] {
  const { action, subject, scope, takesEffect, ifKept, address, changes, reason, guestMustCooperate, call } = operation;
  const head = [
    `  ${LETTER[action]} ${subject.padEnd(width)}`,
    SCOPE[scope].padEnd(11),
    ifKept ? `${WHEN[takesEffect]}, at the latest at the ${WHEN[ifKept]}` : WHEN[takesEffect],
    ...(address ? [`at ${address}`] : []),
    call.procedure,
  ];
  const lines = [head.join('  ')];
  for (const { path, from, to } of changes) lines.push(`      ${path}: ${from ?? '(none)'} → ${to ?? '(none)'}`);
  if (guestMustCooperate) lines.push('      the guest must cooperate');
  if (reason) lines.push(`      ${reason}`);
  return lines;
}
