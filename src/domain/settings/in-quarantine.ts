import type { ObservedDomain, Refusal } from '../operation.js';
import { quarantineOf } from '../own-metadata/quarantine.js';

/** Refuses that a domain in quarantine is to start with its host: it runs elsewhere, and would run twice. */
export function inQuarantine(subject: string, { canonical }: ObservedDomain, path: string): Refusal[] {
  const quarantine = quarantineOf(canonical);
  if (!quarantine) return [];
  const { operation, to } = quarantine;
  const reason = `it is in quarantine: the operation ${operation} brought it back ${to === undefined ? 'elsewhere' : `on ${to}`}`;
  const remedy =
    'Look where it runs. fleet.steps.release undefines what is left over, or takes the mark when no other host has it';
  return [{ subject, path, reason, remedy }];
}
