import type { DoctorFinding } from '../../index.js';
import { type Answer, EXIT } from '../exit.js';
import { coloured, shownText } from '../output.js';
import type { Session } from '../session.js';

const COLOUR = { error: 'red', warning: 'yellow', unknown: 'cyan', note: 'dim' } as const;

/** `lvc doctor`: what is wrong with the host and its domains, or will be, worst first. */
export async function doctor(
  session: Session,
  options: { readonly against?: readonly string[]; readonly daemonConfig?: string; readonly log?: readonly string[] },
): Promise<Answer> {
  const { against, daemonConfig, log } = options;
  const manager = await session.manager();
  const hosts = await Promise.all((against ?? []).map((uri) => session.manager(uri)));
  const findings = await manager.doctor({
    signal: session.signal,
    hosts,
    ...(daemonConfig === undefined ? {} : { daemonConfig }),
    ...(log === undefined ? {} : { logs: log }),
  });
  return {
    result: { findings },
    text: findings.length === 0 ? 'Nothing found.' : findings.map(findingText).join('\n'),
    exit: findings.length === 0 ? EXIT.ok : EXIT.changes,
  };
}

/** What was seen, why it matters, and what to do. */
function findingText({ severity, code, domain, seen, why, remedy }: DoctorFinding): string {
  const head = `${coloured(COLOUR[severity], severity.padEnd(7))}  ${shownText(domain?.name ?? 'host')}  (${code})`;
  return `${head}\n  ${shownText([seen, why, remedy].join('. '))}.`;
}
