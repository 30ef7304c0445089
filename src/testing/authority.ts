import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram, run } from './programs.js';

/** Paths of a certificate and its key, PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions {
  /** The subject in openssl's words. Default `/O=libvirt-canonical/CN=localhost`. */
  readonly subject?: string;
  /** Names and addresses for `subjectAltName`, e.g. `DNS:localhost`. Default those of this machine for a server, else none. */
  readonly names?: readonly string[];
  /** Default from yesterday to tomorrow. */
  readonly from?: Date;
  readonly until?: Date;
}

const DAY = 24 * 3600 * 1000;

/** `openssl ca` wants a database; it is the command that takes dates. */
const CONFIG = `
[ca]
default_ca = authority
[authority]
database = index
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
countryName = optional
organizationName = optional
commonName = supplied
`;

/**
 * A certificate authority of a test's own, by the `openssl` program, with elliptic keys, which take milliseconds. All that
 * it made goes with it. Its keys can be read by every user of the machine, as a private host's user has to.
 */
export class Authority implements AsyncDisposable {
  /** Holds `cacert.pem` and what was issued. */
  readonly directory: string;
  #issued = 0;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** @throws HostSetupError `HOST_SETUP`: openssl is missing, or what it complained of */
  static async create(name = 'libvirt-canonical test CA'): Promise<Authority> {
    const directory = mkdtempSync(join(tmpdir(), 'lvc-ca-'));
    chmodSync(directory, 0o755);
    const authority = new Authority(directory);
    writeFileSync(join(directory, 'ca.cnf'), CONFIG);
    writeFileSync(join(directory, 'index'), '');
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'ca.key'];
    const usage = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
    await authority.#openssl(
      'req',
      '-x509',
      ...key,
      '-out',
      'cacert.pem',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      ...usage,
    );
    return authority;
  }

  /** Path of the certificate that others know this authority by. */
  get cert(): string {
    return join(this.directory, 'cacert.pem');
  }

  /** A certificate for a daemon; by default for `localhost`, 127.0.0.1 and ::1. */
  server({
    names = ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1'],
    ...options
  }: CertificateOptions = {}): Promise<Certificate> {
    return this.#issue('serverAuth', { ...options, names });
  }

  /** A certificate for a client, in a folder of its own that serves as `pkipath`; the folder is `cert` without its name. */
  client(options: CertificateOptions = {}): Promise<Certificate> {
    return this.#issue('clientAuth', { subject: '/C=GB/O=libvirt-canonical/CN=client', ...options });
  }

  /** Lines for the configuration of a daemon that listens with a certificate of this authority, on 127.0.0.1. */
  listenConfig(port: number, { cert, key }: Certificate): string {
    const lines = { listen_tls: 1, listen_addr: '"127.0.0.1"', tls_port: `"${port}"`, auth_tls: '"none"' };
    const files = { cert_file: `"${cert}"`, key_file: `"${key}"`, ca_file: `"${this.cert}"` };
    return Object.entries({ listen_tcp: 0, ...lines, ...files })
      .map(([name, value]) => `${name} = ${value}\n`)
      .join('');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** One after the other: `openssl ca` renames the list of what was issued, and two at once lose it to each other. */
  #issue(usage: 'serverAuth' | 'clientAuth', options: CertificateOptions): Promise<Certificate> {
    const issued = this.#last.then(() => this.#issueNow(usage, options));
    this.#last = issued.catch(() => undefined);
    return issued;
  }

  async #issueNow(usage: 'serverAuth' | 'clientAuth', options: CertificateOptions): Promise<Certificate> {
    const { subject = '/O=libvirt-canonical/CN=localhost', names = [] } = options;
    const { from = new Date(Date.now() - DAY), until = new Date(Date.now() + DAY) } = options;
    const folder = `${++this.#issued}`;
    const file = (name: string): string => join(folder, name);
    mkdirSync(join(this.directory, folder));
    const extensions = [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature,keyEncipherment',
      `extendedKeyUsage=${usage}`,
      ...(names.length > 0 ? [`subjectAltName=${names.join(',')}`] : []),
    ];
    writeFileSync(join(this.directory, file('extensions')), `${extensions.join('\n')}\n`);
    const key = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      file('clientkey.pem'),
    ];
    await this.#openssl('req', '-new', ...key, '-out', file('request'), '-subj', subject);
    await this.#openssl(
      'ca', '-batch', '-notext', '-preserveDN', '-config', 'ca.cnf', '-cert', 'cacert.pem', '-keyfile', 'ca.key',
      '-in', file('request'), '-out', file('clientcert.pem'), '-extfile', file('extensions'),
      '-startdate', asn1Time(from), '-enddate', asn1Time(until),
    ); // biome-ignore format: arguments in pairs
    const { cert: ca } = this;
    await run('cp', [ca, join(this.directory, folder, 'cacert.pem')]);
    const path = (name: string): string => join(this.directory, file(name));
    chmodSync(path('clientkey.pem'), 0o644);
    return { cert: path('clientcert.pem'), key: path('clientkey.pem') };
  }

  #openssl(...args: string[]): Promise<string> {
    return run(findProgram('openssl'), args, { cwd: this.directory });
  }
}

/** YYYYMMDDHHMMSSZ */
const asn1Time = (date: Date): string => date.toISOString().replace(/[-:T]|\.\d+/g, '');
