import type { FleetRefusal } from './placement.js';
import type { FleetNote } from './plan-parts.js';

/** A finding of a host check, of a migration or of an import. */
interface Finding {
  readonly severity: 'blocks' | 'warns' | 'unknown' | 'benign';
  readonly subject: string;
  readonly problem: string;
  readonly remedy: string;
}

/** A refusal of one domain; `host` is undefined for what is the domain's own. */
export const refusalOf = (
  domain: string,
  host: string | undefined,
  subject: string,
  reason: string,
  remedy: string,
): FleetRefusal => ({ domain, host, subject, reason, remedy });

/** The blocking findings as refusals. */
export const blocking = (domain: string, host: string | undefined, findings: readonly Finding[]): FleetRefusal[] =>
  findings.flatMap(({ severity, subject, problem, remedy }) =>
    severity === 'blocks' ? refusalOf(domain, host, subject, problem, remedy) : [],
  );

/** What is to be known of the others. */
export const notesOf = (findings: readonly Finding[]): FleetNote[] =>
  findings.flatMap(({ severity, subject, problem, remedy }) =>
    severity === 'warns' || severity === 'unknown' ? [{ severity, subject, problem, remedy }] : [],
  );
