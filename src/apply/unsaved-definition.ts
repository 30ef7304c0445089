import type { CallOptions } from '../connection/index.js';
import type { DomainDocument } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import type { DomainAccess } from './domain-access.js';

/**
 * What libvirt has in memory for a domain that is off, when that is another document than the canonical one: a transient
 * start that failed early leaves its own there. The next change would be made to that one and saved, over the canonical
 * document; a start would run it. Undefined when there is none.
 */
export async function unsavedDefinition(
  reader: DomainAccess,
  options: CallOptions = {},
): Promise<DomainDocument | undefined> {
  const look = async () => {
    await reader.documents(options);
    return reader.leftover;
  };
  const first = await look();
  // The two documents are read by two calls: a change in between looks the same, but not twice.
  const second = first && (await look());
  return first?.xml === second?.xml ? first : undefined;
}

/** False for a domain that ran when it was read last: the two documents of one that runs are both as they should be. */
export function mayHaveUnsavedDefinition({ last }: DomainAccess): boolean {
  return last?.live === undefined;
}

/** How an unsaved definition is looked for. */
export interface UnsavedLook extends CallOptions {
  /** The caller has just read both documents: they are not read again unless they tell of one. */
  readonly read?: boolean | undefined;
}

/** `DOMAIN_STATE` when there is an unsaved definition. Asked before whatever writes to a domain that is off, or starts it. */
export async function assertNoUnsavedDefinition(reader: DomainAccess, look: UnsavedLook = {}): Promise<void> {
  const { read = false, ...options } = look;
  if (read && reader.leftover === undefined) return;
  if (!(await unsavedDefinition(reader, options))) return;
  const { name } = reader.handle;
  throw new LibvirtCanonicalError(
    'DOMAIN_STATE',
    `libvirt holds the document of a failed transient start of ${name} in memory: a change would write that over the canonical one, and a start would run it`,
    { domain: name, remedy: 'unrescue() clears it, and so does a restart of libvirtd' },
  );
}
