import { DBOS } from '@dbos-inc/dbos-sdk';
import pg from 'pg';
import { EngineError } from '../errors.js';
import { LAYOUTS } from './layout.js';
import { embeddedConnection, embeddedFolder, startEmbedded, stopEmbedded } from './postgres.js';

/**
 * Where operations are kept: `embedded`, a PostgreSQL of our own in the default folder, or in a `folder`; or one that is there,
 * by `postgresql://…`, with a database that may be written.
 */
export type StoreSpec = 'embedded' | { readonly folder: string } | `postgres://${string}` | `postgresql://${string}`;

/** What an operation has been asked for. `pause`: nothing new is begun. `cancel`: nor ever. `abort`: and what is under way is ended. */
export type Asked = 'run' | 'pause' | 'cancel' | 'abort';

export type OperationKind = 'drain' | 'evacuate' | 'upgrade' | 'apply' | 'export';

/** What an operation waits for, by a word of a person. */
export interface Wait {
  /** The run that is to be told. */
  readonly run: string;
  readonly says: string;
  readonly host?: string;
  readonly since: string;
}

export interface OperationRow {
  readonly id: string;
  readonly kind: OperationKind;
  readonly digest: string;
  readonly version: string;
  readonly empties: readonly string[];
  readonly fills: readonly string[];
  readonly asked: Asked;
  readonly waiting: Readonly<Record<string, Wait>>;
  readonly total: number;
  readonly created: Date;
  readonly ended: Date | null;
}

export interface ProgressRow {
  readonly key: string;
  readonly row: Record<string, unknown>;
  readonly at: Date;
}

/** One entry of an operation's audit: who did or said what, and when. */
export interface AuditEntry {
  readonly at: Date;
  readonly who: string;
  readonly what: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface WorkerRow {
  readonly name: string;
  readonly version: string;
  readonly place: string;
  readonly pid: number;
  readonly since: Date;
}

const COLUMNS = 'id, kind, digest, version, empties, fills, asked, waiting, total, created, ended';
/** The lock under which operations are begun, one after the other. */
const BEGIN_LOCK = `hashtextextended('lvc_fleet:begin', 0)`;

/** The store of operations. It holds what is under way; lost, nothing about a domain is lost. */
export class Store {
  readonly pool: pg.Pool;
  readonly connection: pg.ClientConfig;
  readonly #folder: string | undefined;

  private constructor(connection: pg.ClientConfig, folder: string | undefined) {
    this.connection = connection;
    this.#folder = folder;
    this.pool = new pg.Pool({ ...connection, max: 20 });
    // Without a listener an idle connection that ends would end the process. Whoever asks next is told.
    this.pool.on('error', () => undefined);
  }

  /** Opens it, and makes or brings up its tables. Errors: `STORE_UNAVAILABLE`, `STORE_VERSION`. */
  static async open(spec: StoreSpec): Promise<Store> {
    const folder = folderOf(spec);
    if (folder !== undefined) await startEmbedded(folder);
    const store = new Store(
      folder === undefined
        ? { connectionString: spec as string, connectionTimeoutMillis: 10_000 }
        : embeddedConnection(folder),
      folder,
    );
    try {
      await store.#lay();
      await store.#layEngine();
      return store;
    } catch (error) {
      await store.close();
      if (error instanceof EngineError) throw error;
      throw new EngineError(
        'STORE_UNAVAILABLE',
        `the store cannot be used: ${(error as Error).message}`,
        'Look whether PostgreSQL runs and the user may create schemas there',
        { cause: error },
      );
    }
  }

  async #lay(): Promise<void> {
    await this.transaction(async (client) => {
      await client.query(`SELECT pg_advisory_xact_lock(${BEGIN_LOCK})`);
      await client.query('CREATE SCHEMA IF NOT EXISTS lvc_fleet');
      await client.query('CREATE TABLE IF NOT EXISTS lvc_fleet.layout (version integer NOT NULL)');
      const { rows } = await client.query('SELECT version FROM lvc_fleet.layout');
      const have: number = rows[0]?.version ?? 0;
      if (have > LAYOUTS.length)
        throw new EngineError(
          'STORE_VERSION',
          `the store has layout ${have}, and this version knows ${LAYOUTS.length}`,
          'Use the newer version of libvirt-canonical-fleet that wrote it',
        );
      for (const layout of LAYOUTS.slice(have)) await client.query(layout);
      await client.query('DELETE FROM lvc_fleet.layout');
      await client.query('INSERT INTO lvc_fleet.layout VALUES ($1)', [LAYOUTS.length]);
    });
  }

  /** The engine's own tables, where no worker has made them yet; later ones are brought up by workers. */
  async #layEngine(): Promise<void> {
    const { rows } = await this.pool.query("SELECT to_regclass('dbos.workflow_status') AS made");
    if (rows[0].made !== null) return;
    const { connectionString, host = '', user, database } = this.connection;
    await DBOS.migrate(
      connectionString ?? `postgresql://${user}@localhost/${database}?host=${encodeURIComponent(host)}`,
    );
  }

  async transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      const done = await work(client);
      await client.query('COMMIT');
      return done;
    } catch (error) {
      await client.query('ROLLBACK').catch((failed: Error) => {
        broken = failed;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /**
   * Begins an operation, or finds the one of that id: `enqueue` is called in the same transaction. Errors: `OPERATION_EXISTS`
   * when the id is another operation's, or when another one that is under way empties or fills its hosts.
   */
  async begin(
    row: Pick<OperationRow, 'id' | 'kind' | 'digest' | 'version' | 'empties' | 'fills' | 'total'> & {
      readonly input: object;
    },
    enqueue: (client: pg.PoolClient) => Promise<void>,
  ): Promise<void> {
    const { id, kind, digest, version, empties, fills, total, input } = row;
    await this.transaction(async (client) => {
      await client.query(`SELECT pg_advisory_xact_lock(${BEGIN_LOCK})`);
      const { rows } = await client.query(`SELECT ${COLUMNS} FROM lvc_fleet.operation WHERE id = $1 OR ended IS NULL`, [
        id,
      ]);
      const known = (rows as OperationRow[]).find((each) => each.id === id);
      if (known) {
        if (known.kind === kind && known.digest === digest) return;
        throw new EngineError(
          'OPERATION_EXISTS',
          `operation ${id} is another one: ${known.kind}, begun ${known.created.toISOString()}`,
          'Give this one an id of its own; the same id is the same operation',
        );
      }
      const other = (rows as OperationRow[]).find((each) => inTheWay(row, each));
      if (other)
        throw new EngineError(
          'OPERATION_EXISTS',
          `operation ${other.id} (${other.kind}) is under way on ${hostsOf(other)
            .filter((host) => hostsOf(row).includes(host))
            .join(', ')}`,
          `Wait for it or cancel it: what ${id} plans to empty and fill would not be so any more`,
        );
      await client.query(
        `INSERT INTO lvc_fleet.operation (id, kind, digest, version, input, empties, fills, total) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [id, kind, digest, version, JSON.stringify(input), empties, fills, total],
      );
      await enqueue(client);
    });
  }

  /** What an operation was begun with. It never changes. */
  async input<T>(id: string): Promise<T> {
    const { rows } = await this.pool.query('SELECT input FROM lvc_fleet.operation WHERE id = $1', [id]);
    if (rows.length === 0) throw notFound(id);
    return rows[0].input as T;
  }

  async operations(ids?: readonly string[]): Promise<OperationRow[]> {
    const { rows } = await this.pool.query(
      `SELECT ${COLUMNS} FROM lvc_fleet.operation ${ids ? 'WHERE id = ANY($1)' : ''} ORDER BY created`,
      ids ? [ids] : [],
    );
    return rows as OperationRow[];
  }

  async operation(id: string): Promise<OperationRow> {
    const [row] = await this.operations([id]);
    if (!row) throw notFound(id);
    return row;
  }

  /** Sets what is asked of an operation that has not ended; one that was cancelled stays so. Whether it took it. */
  async ask(id: string, asked: Asked): Promise<boolean> {
    const from = { run: ['pause'], pause: ['run'], cancel: ['run', 'pause'], abort: ['run', 'pause', 'cancel'] }[asked];
    const { rowCount } = await this.pool.query(
      'UPDATE lvc_fleet.operation SET asked = $2 WHERE id = $1 AND ended IS NULL AND asked = ANY($3)',
      [id, asked, from],
    );
    return rowCount === 1;
  }

  async wait(id: string, topic: string, wait: Wait): Promise<void> {
    await this.pool.query(
      'UPDATE lvc_fleet.operation SET waiting = waiting || jsonb_build_object($2::text, $3::jsonb) WHERE id = $1',
      [id, topic, JSON.stringify(wait)],
    );
  }

  async waited(id: string, topic: string): Promise<void> {
    await this.pool.query('UPDATE lvc_fleet.operation SET waiting = waiting - $2::text WHERE id = $1', [id, topic]);
  }

  async end(id: string): Promise<void> {
    await this.pool.query(
      `UPDATE lvc_fleet.operation SET ended = coalesce(ended, now()), waiting = '{}' WHERE id = $1`,
      [id],
    );
    await this.pool.query('DELETE FROM lvc_fleet.held WHERE operation = $1', [id]);
  }

  async tell(id: string, key: string, row: object): Promise<void> {
    await this.pool.query(
      `INSERT INTO lvc_fleet.progress (operation, key, row) VALUES ($1, $2, $3)
       ON CONFLICT (operation, key) DO UPDATE SET row = excluded.row, at = now()`,
      [id, key, JSON.stringify(row)],
    );
  }

  /** What was told of operations last, by operation. */
  async progress(ids: readonly string[]): Promise<Map<string, ProgressRow[]>> {
    const { rows } = await this.pool.query(
      'SELECT operation, key, row, at FROM lvc_fleet.progress WHERE operation = ANY($1) ORDER BY operation, key',
      [ids],
    );
    const all = new Map<string, ProgressRow[]>(ids.map((id) => [id, []]));
    for (const { operation, ...row } of rows as (ProgressRow & { readonly operation: string })[])
      all.get(operation)?.push(row);
    return all;
  }

  /** Writes an entry of the audit once: a step that runs twice does not say it twice. */
  async note(id: string, key: string, who: string, what: string, detail: object = {}): Promise<void> {
    await this.pool.query(
      'INSERT INTO lvc_fleet.audit (operation, key, who, what, detail) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING',
      [id, key, who, what, JSON.stringify(detail)],
    );
  }

  async audit(id: string): Promise<AuditEntry[]> {
    const { rows } = await this.pool.query(
      'SELECT at, who, what, detail FROM lvc_fleet.audit WHERE operation = $1 ORDER BY at, key',
      [id],
    );
    return rows as AuditEntry[];
  }

  /** Holds a domain for an operation. Errors: `OPERATION_EXISTS` when another one has it. */
  async hold(domain: { readonly name: string; readonly uuid: string }, operation: string): Promise<void> {
    const { rows } = await this.pool.query(
      `INSERT INTO lvc_fleet.held (domain, operation) VALUES ($1, $2)
       ON CONFLICT (domain) DO UPDATE SET domain = excluded.domain RETURNING operation`,
      [domain.uuid, operation],
    );
    if (rows[0].operation === operation) return;
    throw new EngineError(
      'OPERATION_EXISTS',
      `operation ${rows[0].operation} has domain ${domain.name}`,
      'Wait for it, or cancel it',
    );
  }

  async release(uuid: string, operation: string): Promise<void> {
    await this.pool.query('DELETE FROM lvc_fleet.held WHERE domain = $1 AND operation = $2', [uuid, operation]);
  }

  async workers(): Promise<WorkerRow[]> {
    const { rows } = await this.pool.query(
      'SELECT name, version, place, pid, since FROM lvc_fleet.worker ORDER BY name',
    );
    return rows as WorkerRow[];
  }

  async forget(id: string): Promise<void> {
    await this.pool.query('DELETE FROM lvc_fleet.operation WHERE id = $1 AND ended IS NOT NULL', [id]);
  }

  /** Closes it; a PostgreSQL of our own is stopped when nobody else uses it. */
  async close(): Promise<void> {
    await this.pool.end();
    if (this.#folder !== undefined) await stopEmbedded(this.#folder);
  }

  /** Starts a PostgreSQL of our own again that has died. */
  async revive(): Promise<void> {
    if (this.#folder !== undefined) await startEmbedded(this.#folder);
  }
}

type Hosts = Pick<OperationRow, 'empties' | 'fills'>;
const hostsOf = ({ empties, fills }: Hosts): string[] => [...empties, ...fills];

/** Whether one of two operations empties a host that the other one empties or fills. */
function inTheWay(one: Hosts, other: Hosts): boolean {
  const meets = (some: readonly string[], others: readonly string[]) => some.some((host) => others.includes(host));
  return meets(one.empties, hostsOf(other)) || meets(other.empties, hostsOf(one));
}

function folderOf(spec: StoreSpec): string | undefined {
  if (spec === 'embedded') return embeddedFolder();
  if (typeof spec === 'object' && typeof spec?.folder === 'string' && spec.folder.startsWith('/')) return spec.folder;
  if (typeof spec === 'string' && /^postgres(ql)?:\/\//.test(spec)) return undefined;
  throw new EngineError('CONFIG_INVALID', 'store is none', "Give 'embedded', { folder: '/…' } or a URL postgresql://…");
}

export const notFound = (id: string): EngineError =>
  new EngineError('OPERATION_NOT_FOUND', `there is no operation ${id}`, 'operations() lists those that are kept');
