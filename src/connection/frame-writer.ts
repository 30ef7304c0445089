import type { Duplex } from 'node:stream';

/** A frame that waits to be written, and who is told when the stream takes more after it. */
interface Waiting {
  readonly frame: Buffer;
  readonly taken?: () => void;
}

/**
 * Writes frames to a stream. As a rule everything written in one turn goes out in one system call.
 *
 * Over TLS each frame goes out alone, in records of its own. A libvirt daemon waits for its socket to become readable before it
 * reads the next message; the second message of one record lies in GnuTLS by then, and the daemon does not look at it until
 * more comes (virNetServerClientDispatchRead).
 */
export class FrameWriter {
  readonly #stream: Duplex;
  readonly #apart: boolean;
  #waiting: Waiting[] = [];
  #busy = false;

  constructor(stream: Duplex, { apart }: { readonly apart: boolean }) {
    this.#stream = stream;
    this.#apart = apart;
    stream.on('close', () => this.#release(this.#waiting.splice(0)));
  }

  write(frame: Buffer): void {
    this.#add({ frame });
  }

  /** The same; resolves when the stream takes more, or has ended. */
  writeAndWait(frame: Buffer): Promise<void> {
    return new Promise((taken) => this.#add({ frame, taken }));
  }

  #add(waiting: Waiting): void {
    if (this.#stream.destroyed) {
      waiting.taken?.();
      return;
    }
    this.#waiting.push(waiting);
    if (this.#busy) return;
    this.#busy = true;
    queueMicrotask(() => (this.#apart ? this.#writeNext() : this.#writeAll()));
  }

  #writeAll(): void {
    const all = this.#waiting.splice(0);
    this.#busy = false;
    const [first] = all;
    if (!first || this.#stream.destroyed) {
      this.#release(all);
      return;
    }
    const more = this.#stream.write(all.length === 1 ? first.frame : Buffer.concat(all.map(({ frame }) => frame)));
    if (more || all.every(({ taken }) => taken === undefined)) {
      this.#release(all);
      return;
    }
    const proceed = (): void => {
      this.#stream.off('drain', proceed).off('close', proceed);
      this.#release(all);
    };
    this.#stream.on('drain', proceed).on('close', proceed);
  }

  #writeNext(): void {
    const [next] = this.#waiting.splice(0, 1);
    this.#busy = next !== undefined;
    if (!next) return;
    if (this.#stream.destroyed) {
      this.#release([next]);
      return;
    }
    this.#stream.write(next.frame, () => {
      next.taken?.();
      this.#writeNext();
    });
  }

  #release(all: readonly Waiting[]): void {
    for (const { taken } of all) taken?.();
  }
}
