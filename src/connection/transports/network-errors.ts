import { LibvirtCanonicalError } from '../../errors.js';
import { systemCode } from './connect-unix.js';

const REASONS: Readonly<Record<string, { readonly text: string; readonly remedy: string }>> = {
  ECONNREFUSED: {
    text: 'nobody listens there',
    remedy: 'Check host and port, and that the daemon listens (virtproxyd-tls.socket, or libvirtd-tls.socket)',
  },
  ENOTFOUND: { text: 'there is no such host', remedy: 'Check the name of the host' },
  EAI_AGAIN: { text: 'the name of the host cannot be looked up now', remedy: 'Check the name and the DNS' },
  EHOSTUNREACH: { text: 'the host cannot be reached', remedy: 'Check the network and the firewall' },
  ENETUNREACH: { text: 'the network cannot be reached', remedy: 'Check the network' },
  ETIMEDOUT: {
    text: 'the host does not answer',
    remedy: 'Check host and port, and that no firewall drops the packets',
  },
};

/** DAEMON_UNREACHABLE for a network that fails; undefined for any other error. */
export function networkError(error: unknown, where: string): LibvirtCanonicalError | undefined {
  const reason = REASONS[systemCode(error)] ?? REASONS[codeOfFirst(error)];
  if (!reason) return undefined;
  return new LibvirtCanonicalError('DAEMON_UNREACHABLE', `no libvirt daemon reached at ${where}: ${reason.text}`, {
    cause: error,
    remedy: reason.remedy,
  });
}

/** A name with several addresses fails with an error for each of them. */
function codeOfFirst(error: unknown): string {
  return error instanceof AggregateError ? systemCode(error.errors[0]) : '';
}
