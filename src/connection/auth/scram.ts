import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(pbkdf2);

/** Rounds of PBKDF2 that a server may ask for: RFC 7677 wants 4096 at least; more than a million is a few seconds of work. */
const MIN_ROUNDS = 4096;
const MAX_ROUNDS = 1_000_000;

/** Hash functions of SCRAM, with the bytes of their results. */
export const SCRAM_HASHES = {
  'SCRAM-SHA-512': { hash: 'sha512', bytes: 64 },
  'SCRAM-SHA-256': { hash: 'sha256', bytes: 32 },
  'SCRAM-SHA-1': { hash: 'sha1', bytes: 20 },
} as const;
export type ScramMechanism = keyof typeof SCRAM_HASHES;

/** Why a server is not to be trusted. Holds nothing of the password. */
export class ScramError extends Error {}

/** The client's side of one SCRAM exchange (RFC 5802, RFC 7677) without channel binding. */
export class Scram {
  /** The first message. */
  readonly first: string;
  readonly #mechanism: ScramMechanism;
  readonly #password: string;
  readonly #nonce: string;
  readonly #bare: string;
  #expected: Buffer | undefined;

  constructor(
    mechanism: ScramMechanism,
    user: string,
    password: string,
    nonce: string = randomBytes(18).toString('base64'),
  ) {
    this.#mechanism = mechanism;
    this.#password = password;
    this.#nonce = nonce;
    this.#bare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
    this.first = `n,,${this.#bare}`;
  }

  /** Returns the answer to the server's first message: the proof that we know the password, and not the password. */
  async final(serverFirst: string): Promise<string> {
    const { r: nonce = '', s: salt = '', i: rounds = '', m: extension } = fieldsOf(serverFirst);
    if (extension !== undefined) throw new ScramError('it asks for an extension that we do not know');
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) {
      throw new ScramError('its nonce does not go on from ours');
    }
    if (salt === '' || !/^\d+$/.test(rounds)) throw new ScramError('its first message has no salt or no rounds');
    if (Number(rounds) < MIN_ROUNDS || Number(rounds) > MAX_ROUNDS) {
      throw new ScramError(`it asks for ${rounds} rounds, outside ${MIN_ROUNDS} to ${MAX_ROUNDS}`);
    }
    const { hash, bytes } = SCRAM_HASHES[this.#mechanism];
    const salted = await derive(this.#password, Buffer.from(salt, 'base64'), Number(rounds), bytes, hash);
    const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest();
    // biws is base64 of the header of the first message, n,,
    const withoutProof = `c=biws,r=${nonce}`;
    const signed = `${this.#bare},${serverFirst},${withoutProof}`;
    const clientKey = hmac(salted, 'Client Key');
    const signature = hmac(createHash(hash).update(clientKey).digest(), signed);
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] as number)));
    this.#expected = hmac(hmac(salted, 'Server Key'), signed);
    return `${withoutProof},p=${proof.toString('base64')}`;
  }

  /** Throws unless the server's last message proves that it knows the password too. */
  verify(serverFinal: string): void {
    const { v = '' } = fieldsOf(serverFinal);
    const signature = Buffer.from(v, 'base64');
    const expected = this.#expected;
    if (!expected || signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      throw new ScramError('its signature is wrong: it does not know the password');
    }
  }
}

/** `r=…,s=…,i=…`. */
function fieldsOf(message: string): Partial<Record<string, string>> {
  return Object.fromEntries(message.split(',').map((field) => [field.slice(0, 1), field.slice(2)]));
}
