import { type DomainAccess, interruptedIn } from '../apply/index.js';

/** One line that says which domain it is and what was seen of it at the last read; it reads nothing, and holds no secret. */
export function summaryOf({ handle: { name, uuid }, last, unreadable }: DomainAccess): string {
  const head = `domain ${name} (${uuid})`;
  if (unreadable) return `${head}: could not be read, ${unreadable.code}`;
  if (!last) return `${head}: not read yet`;
  const { canonical, live } = last;
  const count = (live ?? canonical).devices.length;
  const devices = `${count} device${count === 1 ? '' : 's'}`;
  const interrupted = interruptedIn(last) ? ', an apply was interrupted' : '';
  return `${head}: ${live ? 'running' : 'off'} when last read, ${devices}${interrupted}`;
}
