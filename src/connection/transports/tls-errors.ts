import { X509Certificate } from 'node:crypto';
import { LibvirtCanonicalError } from '../../errors.js';
import { systemCode } from './connect-unix.js';
import type { Pki } from './pki.js';

interface Reason {
  readonly codes: readonly string[];
  text(pki: Pki, error: unknown): string;
  readonly remedy: string;
}

const caPath = ({ ca }: Pki): string => ca?.path ?? 'no CA certificate';

/** What Node's and OpenSSL's codes mean for who connects to a daemon. */
const REASONS: readonly Reason[] = [
  {
    codes: ['CERT_HAS_EXPIRED'],
    text: () => 'its certificate, or that of its CA, has expired',
    remedy: 'Renew it on the host, and check the clock of this machine',
  },
  {
    codes: ['CERT_NOT_YET_VALID'],
    text: () => 'its certificate is not valid yet',
    remedy: 'Check the clocks of the host and of this machine',
  },
  {
    codes: ['ERR_TLS_CERT_ALTNAME_INVALID'],
    text: (_pki, error) => `its certificate is for another name${namesOf(error)}`,
    remedy: 'Connect by a name of the certificate, or have this name or address put into it (subjectAltName)',
  },
  {
    codes: [
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'CERT_SIGNATURE_FAILURE',
      'CERT_UNTRUSTED',
    ],
    text: (pki) => `its certificate was not issued by the CA of ${caPath(pki)}`,
    remedy: "Put the certificate of the host's CA there, or name the folder: pkipath=PATH",
  },
  {
    codes: ['CERT_REVOKED'],
    text: () => 'its certificate was withdrawn (cacrl.pem)',
    remedy: 'Give the host a new one',
  },
  {
    codes: ['INVALID_PURPOSE'],
    text: () => 'its certificate is not for a server',
    remedy: 'Give the host one with the extended key usage serverAuth',
  },
  {
    codes: ['ERR_OSSL_X509_KEY_VALUES_MISMATCH'],
    text: ({ client }) => `our key ${client?.key.path} does not belong to our certificate ${client?.cert.path}`,
    remedy: 'Put the two files of one certificate there',
  },
];

/** The names of the certificate that Node compared with. */
function namesOf(error: unknown): string {
  const { cert } = error as { cert?: { subjectaltname?: string; subject?: { CN?: string } } };
  const names = cert?.subjectaltname ?? cert?.subject?.CN;
  return names ? ` (${names})` : '';
}

/** What a TLS connection fails with before it is there: AUTHENTICATION_FAILED for certificates, else DAEMON_UNREACHABLE. */
export function tlsError(error: unknown, where: string, pki: Pki): LibvirtCanonicalError {
  const code = systemCode(error);
  const reason = REASONS.find(({ codes }) => codes.includes(code));
  if (reason) {
    return new LibvirtCanonicalError('AUTHENTICATION_FAILED', `no TLS to ${where}: ${reason.text(pki, error)}`, {
      cause: error,
      remedy: reason.remedy,
    });
  }
  if (/^ERR_OSSL_(PEM|ASN1|X509|UNSUPPORTED|DECODER)|^ERR_OSSL_(CRYPTO|EVP)/.test(code)) {
    const files = [pki.ca, pki.client?.cert, pki.client?.key].flatMap((file) => (file ? [file.path] : []));
    const message = `no TLS to ${where}: one of ${files.join(', ')} is no certificate or key in PEM (${code})`;
    return new LibvirtCanonicalError('AUTHENTICATION_FAILED', message, {
      cause: error,
      remedy: 'Put PEM files there, the key without a passphrase',
    });
  }
  return new LibvirtCanonicalError('DAEMON_UNREACHABLE', `no TLS to ${where} (${code || String(error)})`, {
    cause: error,
    remedy: 'Check that the port is that of TLS (16514 by default) and that the daemon allows TLS 1.2 or newer',
  });
}

/**
 * The daemon hung up after the handshake: it does not accept our certificate. It never says why, so our own side of the
 * matter is looked at.
 */
export function certificateRefused(where: string, pki: Pki): LibvirtCanonicalError {
  const { text, remedy } = whyRefused(pki);
  return new LibvirtCanonicalError('AUTHENTICATION_FAILED', `the daemon at ${where} did not accept us: ${text}`, {
    remedy,
  });
}

function whyRefused({ client, ca, clientPath }: Pki): { readonly text: string; readonly remedy: string } {
  if (!client) {
    return {
      text: `it asks for a certificate and there is none at ${clientPath}`,
      remedy: 'Put a client certificate and its key there, or name their folder: pkipath=PATH',
    };
  }
  const { path } = client.cert;
  const certificate = new X509Certificate(client.cert.pem);
  if (Date.parse(certificate.validTo) < Date.now()) {
    return { text: `our certificate ${path} has expired (${certificate.validTo})`, remedy: 'Renew it' };
  }
  if (Date.parse(certificate.validFrom) > Date.now()) {
    return { text: `our certificate ${path} is not valid before ${certificate.validFrom}`, remedy: 'Check the clocks' };
  }
  if (ca && !issuedBy(certificate, ca.pem)) {
    return {
      text: `our certificate ${path} was not issued by the CA of ${ca.path}`,
      remedy: 'Have one issued by the CA that the daemon knows (ca_file of its configuration)',
    };
  }
  return {
    text: `it refuses the certificate of '${certificate.subject.replaceAll('\n', ',')}'`,
    remedy: 'Add that name to tls_allowed_dn_list of its configuration; its log says what it objects to',
  };
}

/** Whether one of the certificates in a CA file issued this one. */
function issuedBy(certificate: X509Certificate, caPem: string): boolean {
  const authorities = caPem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return authorities.some((pem) => certificate.verify(new X509Certificate(pem).publicKey));
}
