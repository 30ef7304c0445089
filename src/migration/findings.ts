/** Something to know before a domain migrates. */
export interface MigrationFinding {
  /** `blocks`: the migration is refused. `warns`: it takes place. `unknown`: it could not be looked at. */
  readonly severity: 'blocks' | 'warns' | 'unknown';
  /** Which host it is about. */
  readonly host: 'source' | 'destination' | 'both';
  /** `domain`, `machine`, `cpu`, or the identity of a device. */
  readonly subject: string;
  readonly problem: string;
  readonly remedy: string;
}

type Host = MigrationFinding['host'];

const finding =
  (severity: MigrationFinding['severity']) =>
  (host: Host, subject: string, problem: string, remedy: string): MigrationFinding => ({
    severity,
    host,
    subject,
    problem,
    remedy,
  });

/** Makers of findings. */
export const blocks = finding('blocks');
export const warns = finding('warns');
export const unknown = finding('unknown');

const ORDER = ['blocks', 'warns', 'unknown'] as const;

/** Worst first, each once. */
export function sortedFindings(findings: readonly MigrationFinding[]): MigrationFinding[] {
  const seen = new Set<string>();
  const once = findings.filter((each) => {
    const text = JSON.stringify(each);
    return !seen.has(text) && seen.add(text);
  });
  return ORDER.flatMap((severity) => once.filter((each) => each.severity === severity));
}
