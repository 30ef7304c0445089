import { LibvirtCanonicalError } from '../../errors.js';

/** A value that does not fit its field. The path is filled in on the way out, so that good values pay nothing for it. */
export class FieldError extends Error {
  readonly path: (string | number)[] = [];
}

/** Longest string libvirt takes, in UTF-8 bytes (REMOTE_STRING_MAX). */
export const STRING_MAX = 4_194_304;

/** Above this the scratch buffer is given back after use. */
const SCRATCH_MAX = 1 << 20;

/** Builds XDR: big-endian, each item padded to four bytes. One instance serves many messages, one after the other. */
export class XdrWriter {
  #buffer = Buffer.allocUnsafe(4096);
  #length = 0;

  /** Starts a message, leaving room for its frame header. */
  begin(reserved: number): void {
    if (this.#buffer.length > SCRATCH_MAX) this.#buffer = Buffer.allocUnsafe(4096);
    this.#length = reserved;
  }

  /** A copy of what was written, reserved bytes included. */
  finish(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length));
  }

  #reserve(bytes: number): number {
    const at = this.#length;
    if (at + bytes > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, at + bytes));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    this.#length = at + bytes;
    return at;
  }

  int(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeInt32BE(value, at);
  }

  uint(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32BE(value, at);
  }

  hyper(value: bigint): void {
    const at = this.#reserve(8);
    this.#buffer.writeBigInt64BE(BigInt.asIntN(64, value), at);
  }

  double(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleBE(value, at);
  }

  /** Raw bytes, zero-padded, without a length word. */
  fixed(bytes: Uint8Array): void {
    const padded = (bytes.length + 3) & ~3;
    const at = this.#reserve(padded);
    this.#buffer.set(bytes, at);
    this.#buffer.fill(0, at + bytes.length, at + padded);
  }

  string(value: string): void {
    // The daemon cuts strings at a NUL and would act on another name than the one given.
    if (value.includes('\0')) throw new FieldError('holds a NUL character, which libvirt strings cannot');
    // A lone surrogate would be sent as U+FFFD, which is another name again.
    if (!value.isWellFormed()) throw new FieldError('holds half of a surrogate pair, which UTF-8 cannot carry');
    if (value.length > STRING_MAX) throw tooLong();
    const at = this.#reserve(4 + value.length * 3 + 3);
    const bytes = this.#buffer.write(value, at + 4, 'utf8');
    if (bytes > STRING_MAX) throw tooLong();
    const end = at + 4 + bytes;
    this.#buffer.writeUInt32BE(bytes, at);
    this.#length = at + 4 + ((bytes + 3) & ~3);
    this.#buffer.fill(0, end, this.#length);
  }
}

const tooLong = (): FieldError => new FieldError(`is longer than the ${STRING_MAX} bytes libvirt takes`);

/** Raised for bytes that are not what the protocol says. */
export const violation = (what: string): LibvirtCanonicalError =>
  new LibvirtCanonicalError('PROTOCOL_VIOLATION', `the peer does not speak libvirt's protocol: ${what}`, {
    remedy: 'Check that it is a libvirt daemon that listens there, and that nothing on the way alters the stream',
  });

/** Reads XDR with bounds checked before anything is allocated. Bytes left at the end are no error: newer daemons append. */
export class XdrReader {
  readonly #buffer: Buffer;
  #at: number;

  constructor(buffer: Buffer, at = 0) {
    this.#buffer = buffer;
    this.#at = at;
  }

  get left(): number {
    return this.#buffer.length - this.#at;
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (bytes > this.#buffer.length - at) throw violation(`${bytes} bytes wanted, ${this.left} left`);
    this.#at = at + bytes;
    return at;
  }

  int(): number {
    return this.#buffer.readInt32BE(this.#take(4));
  }

  uint(): number {
    return this.#buffer.readUInt32BE(this.#take(4));
  }

  hyper(): bigint {
    return this.#buffer.readBigInt64BE(this.#take(8));
  }

  uhyper(): bigint {
    return this.#buffer.readBigUInt64BE(this.#take(8));
  }

  double(): number {
    return this.#buffer.readDoubleBE(this.#take(8));
  }

  /** A view of raw bytes; copy what outlives the frame. */
  fixed(bytes: number): Buffer {
    const at = this.#take((bytes + 3) & ~3);
    return this.#buffer.subarray(at, at + bytes);
  }

  string(): string {
    const bytes = this.count(STRING_MAX, 1);
    const at = this.#take((bytes + 3) & ~3);
    return this.#buffer.toString('utf8', at, at + bytes);
  }

  /** A length word, refused when the elements cannot be there. */
  count(max: number, elementSize: number): number {
    const count = this.uint();
    if (count > max) throw violation(`a count of ${count} where at most ${max} may be`);
    if (count * elementSize > this.left) throw violation(`a count of ${count} with ${this.left} bytes left`);
    return count;
  }
}
