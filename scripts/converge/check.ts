import { DomainDocument, type ObservedDomain } from '../../src/domain/index.js';
import { LibvirtCanonicalError } from '../../src/errors.js';
import { planTowards } from '../../src/plan/index.js';

/** What a plan towards a document would do or refuse, line by line, but for the intent that a new domain is given. */
export function stepsTowards(desired: string, context: ObservedDomain): string[] {
  try {
    const plan = planTowards(desired, context);
    return [
      ...plan.operations
        .filter(({ subject }) => subject !== 'intent')
        .flatMap(({ action, subject, scope, changes }) =>
          changes.length === 0
            ? [`${action} ${subject} (${scope})`]
            : changes.map(
                ({ path, from, to }) =>
                  `${action} ${subject} (${scope}): ${path} ${from ?? 'nothing'} → ${to ?? 'nothing'}`,
              ),
        ),
      ...plan.refusals.map(({ subject, path, reason }) => `refused ${subject}: ${path}: ${reason}`),
    ];
  } catch (error) {
    if (error instanceof LibvirtCanonicalError) return [`throws ${error.code}: ${error.message}`];
    return [`throws ${error instanceof Error ? `${error.name}: ${error.stack}` : String(error)}`];
  }
}

export function contextOf(
  canonical: string,
  live: string | undefined,
  versions: ObservedDomain['versions'],
): ObservedDomain {
  return {
    canonical: new DomainDocument(canonical),
    live: live === undefined ? undefined : new DomainDocument(live),
    persistent: true,
    autostart: false,
    managedSave: false,
    session: true,
    versions,
  };
}
