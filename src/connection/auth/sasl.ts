import { LibvirtCanonicalError } from '../../errors.js';
import type { Caller, CallOptions } from '../caller.js';
import { LibvirtError } from '../errors.js';
import type { Protection } from '../transports/link.js';
import { type CredentialSources, type FoundCredentials, findCredentials } from './credentials.js';
import { SCRAM_HASHES, Scram, ScramError, type ScramMechanism } from './scram.js';

/** Mechanisms that we speak, the strongest first. */
export const MECHANISMS = [...(Object.keys(SCRAM_HASHES) as ScramMechanism[]), 'PLAIN'] as const;
type Mechanism = (typeof MECHANISMS)[number];

/** Why not a mechanism that a daemon may offer. */
const OTHERS: Readonly<Record<string, string>> = {
  GSSAPI: 'Kerberos needs native code, which this library does without',
  'DIGEST-MD5': 'it is MD5 and RC4, which protect nothing today',
};

export interface SaslOptions extends CredentialSources {
  readonly protection: Protection;
  readonly where: string;
}

/** One message of the daemon. */
interface Answer {
  readonly complete: boolean;
  readonly text: string;
}

/**
 * Authenticates by SASL with the strongest mechanism that both sides have, or the one that the URI names
 * (`auth=sasl.MECHANISM`). Throws AUTHENTICATION_FAILED, UNSUPPORTED where there is no such mechanism. Neither errors
 * nor records hold anything of the credentials.
 */
export async function authenticateBySasl(caller: Caller, call: CallOptions, options: SaslOptions): Promise<void> {
  if (options.protection === 'none') {
    throw new LibvirtCanonicalError('UNSUPPORTED', `the daemon at ${options.where} asks for SASL over plain TCP`, {
      remedy: 'Its layers there are MD5 and RC4 or Kerberos. Use qemu+tls:// or qemu+ssh://',
    });
  }
  const { mechlist } = await caller.call('AUTH_SASL_INIT', {}, call);
  const mechanism = chooseMechanism(mechlist.split(',').filter(Boolean), options);
  const credentials = await findCredentials(options, mechanism, call.signal);
  try {
    if (mechanism === 'PLAIN') await plain(caller, call, credentials);
    else await scram(caller, call, mechanism, credentials);
  } catch (error) {
    if (error instanceof ScramError) throw untrusted(options.where, error);
    if (error instanceof LibvirtError) throw refused(mechanism, credentials, error);
    throw error;
  }
}

function chooseMechanism(offered: readonly string[], { uri, protection, where }: SaslOptions): Mechanism {
  const named =
    uri.parameters
      .get('auth')
      ?.replace(/^sasl\.?/i, '')
      .toUpperCase() || undefined;
  const wanted = MECHANISMS.filter((mechanism) => named === undefined || mechanism === named);
  const mechanism = wanted.find((each) => offered.includes(each) && (each !== 'PLAIN' || protection === 'tls'));
  if (mechanism) return mechanism;
  const list = offered.join(', ') || 'none';
  const reasons = offered.flatMap((each) => (OTHERS[each] ? [`${each}: ${OTHERS[each]}`] : []));
  if (offered.includes('PLAIN') && wanted.includes('PLAIN')) {
    reasons.unshift('PLAIN sends the password as it is, so only over TLS to a daemon whose certificate was verified');
  }
  throw new LibvirtCanonicalError(
    'UNSUPPORTED',
    `no SASL mechanism for ${where}: it offers ${list}, ${named ? `the URI asks for ${named}` : `we have ${MECHANISMS.join(', ')}`}`,
    { remedy: [...reasons, 'Add scram-sha-256 to mech_list in /etc/sasl2/libvirt.conf of the host'].join('. ') },
  );
}

async function plain(caller: Caller, call: CallOptions, { user, password }: FoundCredentials): Promise<void> {
  const { complete } = await start(caller, call, 'PLAIN', `\0${user}\0${password}`);
  if (!complete) throw new ScramError('it goes on after the last message of PLAIN');
}

async function scram(
  caller: Caller,
  call: CallOptions,
  mechanism: ScramMechanism,
  { user, password }: FoundCredentials,
): Promise<void> {
  const exchange = new Scram(mechanism, user, password);
  const first = await start(caller, call, mechanism, exchange.first);
  if (first.complete) throw new ScramError('it let us in without a proof');
  const last = await step(caller, call, await exchange.final(first.text));
  exchange.verify(last.text);
  if (!last.complete && !(await step(caller, call, '')).complete)
    throw new ScramError('it goes on after its signature');
}

async function start(caller: Caller, call: CallOptions, mech: string, text: string): Promise<Answer> {
  const { complete, data } = await caller.call('AUTH_SASL_START', { mech, nil: 0, data: Buffer.from(text) }, call);
  return { complete: complete === 1, text: Buffer.from(data).toString() };
}

/** An empty message is none at all to SASL, which `nil` says. */
async function step(caller: Caller, call: CallOptions, text: string): Promise<Answer> {
  const args = { nil: text === '' ? 1 : 0, data: Buffer.from(text) };
  const { complete, data } = await caller.call('AUTH_SASL_STEP', args, call);
  return { complete: complete === 1, text: Buffer.from(data).toString() };
}

const refused = (mechanism: string, { source }: FoundCredentials, cause: LibvirtError): LibvirtCanonicalError =>
  new LibvirtCanonicalError(
    'AUTHENTICATION_FAILED',
    `the daemon did not accept user and password from ${source} (${mechanism})`,
    {
      cause,
      remedy: 'Check both, the realm included: the user is user@realm as sasldblistusers2 shows it',
    },
  );

const untrusted = (where: string, cause: ScramError): LibvirtCanonicalError =>
  new LibvirtCanonicalError(
    'AUTHENTICATION_FAILED',
    `the daemon at ${where} did not prove what it is: ${cause.message}`,
    {
      cause,
      remedy: 'Somebody may have put another server in its place; check the address and the host',
    },
  );
