import type { Plan } from '../index.js';
import { EXIT } from './exit.js';
import { coloured, shownText } from './output.js';

const LEGEND = 'A attach   D detach   U update   S setting   ! refused   · note';
const COLOUR = { A: 'green', D: 'red', U: 'yellow', S: 'cyan', '!': 'red', '·': 'dim' } as const;

/** A plan for people, with what its letters mean. */
export function planText(plan: Plan): string {
  const lines = shownText(plan.toString()).split('\n').map(colouredLine);
  if (plan.isEmpty) return [...lines, 'Nothing to do: the domain is as asked.'].join('\n');
  return [...lines, coloured('dim', `  ${LEGEND}`)].join('\n');
}

function colouredLine(line: string): string {
  const mark = /^ {2}([ADUS!·]) /.exec(line)?.[1] as keyof typeof COLOUR | undefined;
  return mark === undefined ? line : coloured(COLOUR[mark], line);
}

/** The exit code for plans: refused, changes, or nothing to do. */
export function planExit(plans: readonly Plan[]): number {
  if (plans.some(({ refusals }) => refusals.length > 0)) return EXIT.refused;
  return plans.every(({ isEmpty }) => isEmpty) ? EXIT.ok : EXIT.changes;
}
