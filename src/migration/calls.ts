import {
  type CallOptions,
  type Connection,
  type DomainHandle,
  VIR_MIGRATE_ABORT_ON_ERROR,
  VIR_MIGRATE_AUTO_CONVERGE,
  VIR_MIGRATE_CHANGE_PROTECTION,
  VIR_MIGRATE_OFFLINE,
  VIR_MIGRATE_PARAM_DEST_NAME,
  VIR_MIGRATE_PARAM_DEST_XML,
  VIR_MIGRATE_PARAM_URI,
} from '../connection/index.js';
// biome-ignore lint/style/noRestrictedImports: the one place that may make these calls; the permit is not in the connection's front file.
import { callMigration } from '../connection/migration-permit.js';
import type { MigrationParams } from './params.js';

const EMPTY = new Uint8Array();
/** The migration has deadlines of its own, not its calls. */
const UNLIMITED = { timeout: 0 };
/** Milliseconds for a call that ends a migration: what it ends may not answer. libvirt gives a QEMU 15 s before it is killed. */
const END = 60_000;

/** The two sides of a managed migration, each over a connection of its own: job and incoming QEMU hang on the socket. */
export interface CallEnds {
  readonly source: Connection;
  readonly destination: Connection;
  readonly dom: DomainHandle;
}

/** Peer to peer: the one call by which the source's daemon makes all five by itself. */
export async function performByDaemon(
  source: Connection,
  dom: DomainHandle,
  dconnuri: string,
  params: MigrationParams,
  flags: number,
): Promise<void> {
  const args = { dom, dconnuri, params: params.list(), cookie_in: EMPTY, flags };
  await callMigration(source, 'DOMAIN_MIGRATE_PERFORM3_PARAMS', args, UNLIMITED);
}

/** The five calls of a managed migration, each with the cookie of the one before it, as virDomainMigrateVersion3 makes them. */
export class MigrationCalls {
  readonly #ends: CallEnds;
  #flags: number;
  #params: MigrationParams;
  #cookie: Uint8Array = EMPTY;

  constructor(ends: CallEnds, flags: number, params: MigrationParams) {
    this.#ends = ends;
    this.#flags = flags;
    this.#params = params;
  }

  get #protected(): number {
    return this.#flags | VIR_MIGRATE_CHANGE_PROTECTION;
  }

  get #atDestination(): number {
    return destinationFlags(this.#flags);
  }

  /** Flags that the guest's state at Begin asks for. */
  add(flags: number): void {
    this.#flags |= flags;
  }

  async begin(): Promise<void> {
    const { source, dom } = this.#ends;
    const args = { dom, params: this.#params.list(), flags: this.#protected };
    const { xml, cookie_out } = await callMigration(source, 'DOMAIN_MIGRATE_BEGIN3_PARAMS', args, UNLIMITED);
    this.#params = this.#params.with(VIR_MIGRATE_PARAM_DEST_XML, xml);
    this.#cookie = cookie_out;
  }

  async prepare(): Promise<void> {
    const args = { params: this.#params.list(), cookie_in: this.#cookie, flags: this.#atDestination };
    const { destination } = this.#ends;
    const { cookie_out, uri_out } = await callMigration(destination, 'DOMAIN_MIGRATE_PREPARE3_PARAMS', args, UNLIMITED);
    if (uri_out) this.#params = this.#params.with(VIR_MIGRATE_PARAM_URI, uri_out);
    this.#cookie = cookie_out;
  }

  async perform(): Promise<void> {
    const { source, dom } = this.#ends;
    const args = { dom, dconnuri: null, params: this.#params.list(), cookie_in: this.#cookie, flags: this.#protected };
    const { cookie_out } = await callMigration(source, 'DOMAIN_MIGRATE_PERFORM3_PARAMS', args, UNLIMITED);
    this.#cookie = cookie_out;
  }

  /** The answer to Perform was lost, and with it what Finish is to be told: this stands for it. */
  performed(cookie: Uint8Array): void {
    this.#cookie = cookie;
  }

  /** Starts the guest at the destination. */
  async finish(): Promise<void> {
    const { destination } = this.#ends;
    // Offline there was no Perform to bring one, and that of Prepare is refused.
    const cookie_in = this.#flags & VIR_MIGRATE_OFFLINE ? EMPTY : this.#cookie;
    const args = { params: this.#named(), cookie_in, flags: this.#atDestination, cancelled: 0 };
    const { cookie_out } = await callMigration(destination, 'DOMAIN_MIGRATE_FINISH3_PARAMS', args, UNLIMITED);
    this.#cookie = cookie_out;
  }

  /** Lets the source go. */
  async confirm(): Promise<void> {
    const { source, dom } = this.#ends;
    const args = { dom, params: this.#params.list(), cookie_in: this.#cookie, flags: this.#protected, cancelled: 0 };
    await callMigration(source, 'DOMAIN_MIGRATE_CONFIRM3_PARAMS', args, UNLIMITED);
  }

  #named() {
    return this.#params.has(VIR_MIGRATE_PARAM_DEST_NAME)
      ? this.#params.list()
      : this.#params.with(VIR_MIGRATE_PARAM_DEST_NAME, this.#ends.dom.name).list();
  }
}

/** Some flags are of the source alone, and the destination refuses them. */
const destinationFlags = (flags: number): number => flags & ~(VIR_MIGRATE_ABORT_ON_ERROR | VIR_MIGRATE_AUTO_CONVERGE);

/**
 * Finish, cancelled: ends what waits at the destination. libvirt answers it with an error always; that of a QEMU that died is
 * its last word, and returned. May be made over any connection.
 */
export async function cancelFinish(
  destination: Connection,
  name: string,
  flags: number,
  options: CallOptions,
): Promise<unknown> {
  const params = [{ field: VIR_MIGRATE_PARAM_DEST_NAME, value: { type: 'string', value: name } as const }];
  const args = { params, cookie_in: EMPTY, flags: destinationFlags(flags), cancelled: 1 };
  try {
    await callMigration(destination, 'DOMAIN_MIGRATE_FINISH3_PARAMS', args, options);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Finish with a cookie that was made by hand, over any connection. */
export async function finishWith(
  destination: Connection,
  name: string,
  cookie: Uint8Array,
  flags: number,
): Promise<void> {
  const params = [{ field: VIR_MIGRATE_PARAM_DEST_NAME, value: { type: 'string', value: name } as const }];
  const args = { params, cookie_in: cookie, flags, cancelled: 0 };
  await callMigration(destination, 'DOMAIN_MIGRATE_FINISH3_PARAMS', args, { timeout: END });
}

/** Confirm over any connection, without a cookie, which holds statistics only. `cancelled`: the source goes on. */
export async function confirm(
  source: Connection,
  dom: DomainHandle,
  flags: number,
  cancelled: boolean,
  options: CallOptions = {},
): Promise<void> {
  const args = {
    dom,
    params: [],
    cookie_in: EMPTY,
    flags: flags | VIR_MIGRATE_CHANGE_PROTECTION,
    cancelled: cancelled ? 1 : 0,
  };
  await callMigration(source, 'DOMAIN_MIGRATE_CONFIRM3_PARAMS', args, { timeout: END, ...options });
}
