import type { Drift } from '../../index.js';
import { type Answer, EXIT, UsageError } from '../exit.js';
import { shownText } from '../output.js';
import type { Session } from '../session.js';
import { applyPlanned } from './apply.js';
import { changeLine } from './pending.js';

/** How to go on with drift. */
export interface DriftOptions {
  readonly accept?: boolean;
  readonly undo?: boolean;
  readonly only?: readonly string[];
}

/** `lvc drift`: what others changed; taken as it is with `--accept`, taken back with `--undo`. */
export async function drift(session: Session, name: string, { accept, undo, only }: DriftOptions): Promise<Answer> {
  if (accept && undo) throw new UsageError('--accept and --undo exclude each other');
  if (only && !undo) throw new UsageError('--only goes with --undo');
  const { signal } = session;
  const domain = await session.domain(name);
  if (undo) {
    const plan = await domain.planUndoDrift({ signal, ...(only ? { only } : {}) });
    return applyPlanned(session, [{ domain, plan }]);
  }
  const found = await domain.drift({ signal });
  if (!accept)
    return {
      result: found,
      text: driftText(domain.name, found),
      exit: found.changes.length > 0 ? EXIT.changes : EXIT.ok,
    };
  if (found.changes.length === 0 && found.seal === 'intact')
    return { result: { accepted: [] }, text: `Nothing to accept: nobody changed ${domain.name}.` };
  await domain.acceptDrift({ signal });
  return { result: { accepted: found.changes }, text: `${domain.name} counts as it is now from here on.` };
}

/** `lvc adopt`: remembers a domain that this library never wrote to as it is, so that drift can be told from then on. */
export async function adopt(session: Session, name: string): Promise<Answer> {
  const { signal } = session;
  const domain = await session.domain(name);
  const { seal } = await domain.drift({ signal });
  if (seal === 'intact')
    return { result: { adopted: false }, text: `${domain.name} is known already. See: lvc drift ${domain.name}` };
  await domain.acceptDrift({ signal });
  return {
    result: { adopted: true },
    text: `${domain.name} is adopted: its document is as it was, with a seal in its metadata. \`lvc drift\` tells what others change from now on.`,
  };
}

function driftText(name: string, found: Drift): string {
  if (found.seal === 'missing')
    return `${name} has no seal: this library never wrote to it. \`lvc adopt ${name}\` remembers it as it is.`;
  if (found.seal === 'unreadable')
    return `The seal of ${name} was written over. \`lvc drift --accept ${name}\` makes another.`;
  if (found.changes.length === 0) return `Nobody changed ${name}.`;
  const advice = `Take it back with \`lvc drift --undo ${name}\`, or as it is with \`lvc drift --accept ${name}\`.`;
  return [...driftLines(found), advice].join('\n');
}

/** A line for each thing that others changed, and one for each value of it. */
export function driftLines({ changes }: Drift): string[] {
  return changes.flatMap(({ action, subject, changes: values, by, onlyByDefinition }) => {
    const why = [by === 'libvirt' ? 'by a newer libvirt' : '', onlyByDefinition ? 'defined anew' : ''].filter(Boolean);
    return [
      `  ${action} ${shownText(subject)}${why.length > 0 ? ` (${why.join(', ')})` : ''}`,
      ...values.map(changeLine),
    ];
  });
}
