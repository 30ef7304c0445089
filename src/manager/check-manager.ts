import { LibvirtCanonicalError } from '../errors.js';
import { CALLBACK, checkOptions, group, methods, shown } from '../options.js';
import type { DomainHooks } from '../power/index.js';

/** Checks what a manager is made of. */
export function checkManager(connection: unknown, given: unknown): void {
  if (!methods('', 'call', 'subscribe').fits(connection))
    throw new LibvirtCanonicalError(
      'ARGUMENT_INVALID',
      `DomainManager: connection must be a Connection, got ${typeof connection === 'string' ? 'a text' : shown(connection)}`,
      { path: 'connection', remedy: 'Connect first: new DomainManager(await connect(uri))' },
    );
  checkOptions<{ readonly hooks?: DomainHooks<unknown> }>('DomainManager', given, {
    hooks: group<DomainHooks<unknown>>({ beforeStart: CALLBACK, afterStop: CALLBACK }),
  });
}
