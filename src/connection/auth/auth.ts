import { LibvirtCanonicalError } from '../../errors.js';
import type { Caller, CallOptions } from '../caller.js';
import { LibvirtError } from '../errors.js';
import { VIR_ERR } from '../generated/error-names.js';

/** remote_auth_type */
const AuthType = { NONE: 0, SASL: 1, POLKIT: 2 } as const;

const POLKIT_REMEDIES = new Map<number, string>([
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

/**
 * Does what the daemon asks for before anything else. Throws AUTHENTICATION_FAILED, or UNSUPPORTED for SASL.
 * AUTH_LIST is needed even where it says none: for root under polkit it is what marks the client as authenticated.
 */
export async function authenticate(caller: Caller, options: CallOptions): Promise<void> {
  const { types } = await caller.call('AUTH_LIST', {}, options);
  if (types.length === 0 || types.includes(AuthType.NONE)) return;
  if (!types.includes(AuthType.POLKIT)) {
    throw new LibvirtCanonicalError(
      'UNSUPPORTED',
      'the daemon asks for SASL authentication, which this library does not do yet',
      {
        remedy: 'Use a unix socket with polkit or with the group libvirt (auth_unix_rw in libvirtd.conf)',
      },
    );
  }
  try {
    await caller.call('AUTH_POLKIT', {}, options);
  } catch (error) {
    if (!(error instanceof LibvirtError)) throw error;
    const remedy = POLKIT_REMEDIES.get(error.errorCode);
    throw new LibvirtCanonicalError(
      'AUTHENTICATION_FAILED',
      `polkit did not let this user in: ${error.libvirtMessage}`,
      {
        cause: error,
        ...(remedy && { remedy }),
      },
    );
  }
}
