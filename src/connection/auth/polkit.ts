import { LibvirtCanonicalError } from '../../errors.js';
import type { Caller, CallOptions } from '../caller.js';
import { LibvirtError } from '../errors.js';
import { VIR_ERR } from '../generated/error-names.js';

const REMEDIES = new Map<number, string>([
  [
    VIR_ERR.VIR_ERR_AUTH_FAILED,
    "Allow the action org.libvirt.unix.manage for this user in polkit, or add the user to the group 'libvirt'",
  ],
  [VIR_ERR.VIR_ERR_AUTH_CANCELLED, 'The polkit dialogue was dismissed; connect again and answer it'],
  [
    VIR_ERR.VIR_ERR_AUTH_UNAVAILABLE,
    "No polkit agent runs in this session: start one (pkttyagent), or add the user to the group 'libvirt'",
  ],
]);

/** The daemon could not ask polkit at all, for want of D-Bus as a rule: an error of another kind. */
const NOT_ASKED = 'The daemon could not ask polkit: start D-Bus and polkit on its host, or set auth_unix_rw = "none"';

/** Lets the daemon ask polkit about this user. Throws AUTHENTICATION_FAILED. */
export async function authenticateByPolkit(caller: Caller, options: CallOptions): Promise<void> {
  try {
    await caller.call('AUTH_POLKIT', {}, options);
  } catch (error) {
    if (!(error instanceof LibvirtError)) throw error;
    throw new LibvirtCanonicalError(
      'AUTHENTICATION_FAILED',
      `polkit did not let this user in: ${error.libvirtMessage}`,
      { cause: error, remedy: REMEDIES.get(error.errorCode) ?? NOT_ASKED },
    );
  }
}
