import type { Progress } from '../index.js';

const WIDTH = 24;
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Bytes for people. */
export function bytesText(bytes: number): string {
  const power = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 1024 ** power;
  return `${Number.isInteger(amount) ? amount : amount.toFixed(1)} ${UNITS[power]}`;
}

/** One line on a terminal that is written over and over; nothing elsewhere. */
export class ProgressLine {
  readonly #shown: boolean;
  #written = false;

  constructor(json: boolean) {
    this.#shown = process.stderr.isTTY === true && !json;
  }

  /** How far a copy, a backup or a save is. */
  readonly bytes = ({ what, fraction, bytes, rate, remaining }: Progress): void => {
    const done = Math.round(fraction * WIDTH);
    const bar = `${'#'.repeat(done)}${'.'.repeat(WIDTH - done)}`;
    const speed = rate === undefined ? '' : `  ${bytesText(rate)}/s`;
    const left = remaining === undefined ? '' : `  ${Math.ceil(remaining / 1000)} s left`;
    const amounts = `${bytesText(bytes.done)} of ${bytesText(bytes.total)}`;
    // A narrow terminal cuts the end off: what moves comes first.
    const percent = String(Math.floor(fraction * 100)).padStart(3);
    this.say(`[${bar}] ${percent} %${speed}${left}  ${amounts}  ${what}`);
  };

  say(text: string): void {
    if (!this.#shown) return;
    const width = (process.stderr.columns || 80) - 1;
    process.stderr.write(`\r\x1b[K${text.length > width ? `${text.slice(0, width - 1)}…` : text}`);
    this.#written = true;
  }

  /** Writes a line that stays, above the one that is written over. */
  keep(text: string): void {
    if (!this.#shown) return;
    this.clear();
    process.stderr.write(`${text}\n`);
  }

  /** Takes the line away, so that what comes next stands alone. */
  clear(): void {
    if (this.#written) process.stderr.write('\r\x1b[K');
    this.#written = false;
  }
}
