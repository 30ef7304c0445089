import type { DomainAccess } from '../apply/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import type { HookRunner } from './hooks.js';
import { hasManagedSave } from './saved.js';
import { type StartOptions, start } from './start.js';

/** `managedSave: 'restore'` is what it does. */
export type RestoreOptions = Omit<StartOptions, 'managedSave'>;

/** Starts from the managed-save image. `DOMAIN_STATE` when there is none. */
export async function restore(reader: DomainAccess, hooks: HookRunner, options: RestoreOptions): Promise<void> {
  const { name } = reader.handle;
  if (!(await hasManagedSave(reader, { signal: options.signal })))
    throw new LibvirtCanonicalError('DOMAIN_STATE', `domain ${name} has no managed-save image`, {
      domain: name,
      remedy: 'start() boots it',
    });
  await start(reader, hooks, { ...options, managedSave: 'restore' }, 'restore');
}
