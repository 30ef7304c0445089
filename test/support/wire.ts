import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { CALL_CHANNEL, type CallRecord } from '../../src/index.js';

/** Procedures that change nothing. Whatever is not here counts as a mutator, so that a new one is never overlooked. */
const READS =
  /^(AUTH_|CONNECT_|NODE_GET_|DOMAIN_(GET|LOOKUP|IS|HAS|LIST)_|DOMAIN_SNAPSHOT_NUM$|(NETWORK|SECRET|STORAGE_POOL|STORAGE_VOL)_(GET|LIST|LOOKUP)_|QEMU_CONNECT_)/;
/** Procedures that give a domain another document or take it away. */
const DEFINING = /^DOMAIN_(DEFINE_XML|UNDEFINE|CREATE_XML|MANAGED_SAVE_DEFINE_XML|REVERT_TO_SNAPSHOT|RESTORE|MIGRATE)/;

/** True of a procedure that can change something. */
export function isMutator(procedure: string): boolean {
  return !READS.test(procedure);
}

/** The calls that go over the wire while it is open, as the library's diagnostics channel tells them. */
export class Wire implements Disposable {
  readonly calls: CallRecord[] = [];
  readonly #listener = (message: unknown): void => {
    const record = message as CallRecord;
    if (record.phase === 'start') this.calls.push(record);
  };

  constructor() {
    subscribe(CALL_CHANNEL, this.#listener);
  }

  /** Names of the calls that can change something, in order; of one domain when its UUID is given. */
  mutators(uuid?: string): string[] {
    return this.#names(uuid).filter(isMutator);
  }

  /** Names of the calls that define or undefine. */
  defining(uuid?: string): string[] {
    return this.#names(uuid).filter((name) => DEFINING.test(name));
  }

  #names(uuid: string | undefined): string[] {
    return this.calls
      .filter(({ domain }) => uuid === undefined || domain?.uuid === uuid)
      .map(({ procedure }) => procedure);
  }

  [Symbol.dispose](): void {
    unsubscribe(CALL_CHANNEL, this.#listener);
  }
}
