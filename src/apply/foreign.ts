import type { Operation } from '../domain/index.js';
import type { PartChange } from '../plan/index.js';
import { type Difference, differencesBetween } from './differences.js';
import { type Documents, isAbout, sidesOf } from './verify.js';

/** What another client changed between two calls of a plan. */
export interface Foreign extends Difference {
  readonly document: 'canonical' | 'live';
}

/** What changed between the end of one call and the beginning of the next: none of it is this apply's doing. */
export function foreignBetween(known: Documents, now: Documents): Foreign[] {
  return (['canonical', 'live'] as const).flatMap((document) => {
    const [a, b] = [known[document], now[document]];
    return a && b ? differencesBetween(a, b).map((each) => ({ ...each, document })) : [];
  });
}

/** Of what others changed, the parts that an operation was made from. */
export function staleParts(
  operation: Operation,
  foreign: readonly Foreign[],
  known: Documents,
  now: Documents,
): PartChange[] {
  const parts = foreign
    .filter(({ document }) => sidesOf(operation, now).includes(document))
    .filter((each) => {
      const [a, b] = [known[each.document], now[each.document]];
      return a && b && isAbout(operation, each, a, b);
    })
    .map(
      ({ subject, field, document, before, after }) =>
        ({
          subject: subject === 'domain' ? field : subject,
          document,
          how:
            field !== 'device'
              ? 'changed'
              : before === undefined
                ? 'added'
                : after === undefined
                  ? 'removed'
                  : 'changed',
        }) as const,
    );
  const key = ({ subject, document }: PartChange) => `${document} ${subject}`;
  return [...new Map(parts.map((part): [string, PartChange] => [key(part), part])).values()];
}
