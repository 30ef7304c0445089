import { LibvirtCanonicalError } from '../../errors.js';
import type { Caller, CallOptions } from '../caller.js';
import { authenticateByPolkit } from './polkit.js';
import { authenticateBySasl, type SaslOptions } from './sasl.js';

/** remote_auth_type */
const AuthType = { NONE: 0, SASL: 1, POLKIT: 2 } as const;
type AuthName = 'none' | 'sasl' | 'polkit';
const TYPES: Readonly<Record<AuthName, number>> = { none: 0, sasl: 1, polkit: 2 };

/**
 * Does what the daemon asks for before anything else, or what the URI says of it (`auth=`). Throws AUTHENTICATION_FAILED
 * and UNSUPPORTED. AUTH_LIST is needed even where it says none: for root under polkit it is what marks the client as
 * authenticated.
 */
export async function authenticate(caller: Caller, call: CallOptions, options: SaslOptions): Promise<void> {
  const { types } = await caller.call('AUTH_LIST', {}, call);
  const type = types.length === 0 ? AuthType.NONE : chooseType(types, options);
  if (type === AuthType.SASL) await authenticateBySasl(caller, call, options);
  else if (type === AuthType.POLKIT) await authenticateByPolkit(caller, call);
}

function chooseType(types: readonly number[], { uri, where }: SaslOptions): number {
  const named = uri.parameters.get('auth')?.toLowerCase();
  if (named === undefined) {
    const known = Object.values(TYPES).find((type) => types.includes(type));
    if (known !== undefined) return known;
    throw new LibvirtCanonicalError('UNSUPPORTED', `the daemon at ${where} asks for authentication of type ${types}`, {
      remedy: 'This library has none, SASL and polkit: set auth_unix_rw or auth_tls of the daemon to one of them',
    });
  }
  const type = TYPES[named.split('.')[0] as AuthName];
  if (types.includes(type)) return type;
  throw new LibvirtCanonicalError('AUTHENTICATION_FAILED', `the daemon at ${where} does not authenticate by ${named}`, {
    remedy: 'Leave auth= out of the URI to use what the daemon asks for',
  });
}
