import { type DomainAccess, type DomainLog, logFromNow } from '../apply/index.js';
import { LibvirtError, rewritten } from '../connection/index.js';
import { secretsHidden } from '../domain/index.js';
import { LibvirtCanonicalError } from '../errors.js';
import { isInvalidNow } from './state.js';

/** libvirt did not start a domain: it is off. `code` is `START_FAILED`, `cause` libvirt's own error. */
export class StartFailedError extends LibvirtCanonicalError {
  override readonly name = 'StartFailedError';
  /** What libvirt and QEMU wrote into the domain's log during this start. */
  readonly log: DomainLog;

  constructor(domain: string, message: string, cause: unknown, log: DomainLog) {
    const where = log.tail === undefined ? "the domain's log on the host" : '`log.tail`';
    super('START_FAILED', message, {
      cause,
      domain,
      remedy: `Mend what libvirt names; ${where} has QEMU's own words`,
    });
    this.log = log;
  }
}

/** Makes the call that starts a domain. What libvirt says when that fails comes without secrets and with the log. */
export async function starting(reader: DomainAccess, call: () => Promise<unknown>): Promise<void> {
  const { name } = reader.handle;
  const log = await logFromNow(reader);
  try {
    await call();
  } catch (error) {
    if (!(error instanceof LibvirtError) || isInvalidNow(error)) throw error;
    // QEMU's complaint, which libvirt hands on, quotes the argument that it does not like.
    const hide = secretsHidden((await reader.documents()).canonical);
    const cause = rewritten(error, hide);
    throw new StartFailedError(name, `domain ${name} did not start: ${cause.libvirtMessage}`, cause, await log(hide));
  }
}
