import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { CALL_CHANNEL, type CallRecord, type Connection } from 'libvirt-canonical';

/** Names what a side of the story does next; the calls that follow belong to it. */
export type Stage = (name: string) => void;

/** Records every call that goes over the wire of one connection, by stage of the story. */
export class WireRecorder implements Disposable {
  readonly #connection: number;
  readonly #stages: Array<{ readonly name: string; readonly procedures: string[] }> = [];

  constructor(connection: Connection) {
    this.#connection = connection.id;
    subscribe(CALL_CHANNEL, this.#record);
  }

  /** Begins the next stage. */
  stage(name: string): void {
    this.#stages.push({ name, procedures: [] });
  }

  /** How many calls gave a domain another document. */
  get defines(): number {
    return this.#stages.flatMap(({ procedures }) => procedures).filter((name) => /DEFINE_XML|CREATE_XML/.test(name))
      .length;
  }

  /** The calls in order, a line for each stage; calls repeated in a row are counted. */
  toString(): string {
    const width = Math.max(0, ...this.#stages.map(({ name }) => name.length));
    const indent = ' '.repeat(width + 4);
    return this.#stages
      .map(({ name, procedures }) => `  ${name.padEnd(width)}  ${counted(procedures).join(`\n${indent}`)}`)
      .join('\n');
  }

  [Symbol.dispose](): void {
    unsubscribe(CALL_CHANNEL, this.#record);
  }

  readonly #record = (message: unknown): void => {
    const { connection, phase, sent, procedure } = message as CallRecord;
    if (connection !== this.#connection || phase !== 'end' || !sent) return;
    this.#stages.at(-1)?.procedures.push(procedure);
  };
}

function counted(procedures: readonly string[]): string[] {
  const runs: Array<{ name: string; times: number }> = [];
  for (const name of procedures) {
    const last = runs.at(-1);
    if (last?.name === name) last.times += 1;
    else runs.push({ name, times: 1 });
  }
  return runs.map(({ name, times }) => (times === 1 ? name : `${name} ×${times}`));
}
