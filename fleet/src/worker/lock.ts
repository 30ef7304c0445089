import { hostname } from 'node:os';
import pg from 'pg';
import { EngineError } from '../errors.js';
import type { Store } from '../store/store.js';
import { WORKFLOWS_VERSION } from '../version.js';

/** The number that PostgreSQL locks for a worker's name. */
const LOCK_OF = `hashtextextended('lvc_fleet:worker:' || $1, 0)`;
/** Milliseconds between two looks at the other workers. */
const LOOK = 250;
/** Seconds of silence after which the session's connection counts as dead. */
const KEEPALIVE = { idle: 5, interval: 2, count: 3 };

/**
 * A worker's life: a lock of a PostgreSQL session under its name. While the session lives, nobody else has the lock, so who
 * gets it knows that the worker is dead; and a worker whose session has ended stops itself.
 */
export class WorkerLock {
  /** Resolves with the reason when the session has ended: the worker may be taken for dead from then on. */
  readonly lost: Promise<string>;
  readonly #client: pg.Client;
  readonly #name: string;
  #looking: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(client: pg.Client, name: string, lost: Promise<string>) {
    this.#client = client;
    this.#name = name;
    this.lost = lost;
  }

  /** Takes the lock of a name. Errors: `WORKER_EXISTS` when a worker that lives has it. */
  static async take(store: Store, name: string): Promise<WorkerLock> {
    const client = new pg.Client({ ...store.connection, keepAlive: true });
    const lost = new Promise<string>((resolve) => {
      client.once('error', (error) => resolve(error.message));
      client.once('end', () => resolve('the session has ended'));
    });
    // A second error would find no listener.
    client.on('error', () => undefined);
    await client.connect();
    await client.query(
      `SET tcp_keepalives_idle = ${KEEPALIVE.idle}; SET tcp_keepalives_interval = ${KEEPALIVE.interval}; SET tcp_keepalives_count = ${KEEPALIVE.count}`,
    );
    const { rows } = await client.query(`SELECT pg_try_advisory_lock(${LOCK_OF}) AS taken`, [name]);
    if (!rows[0].taken) {
      await client.end();
      throw new EngineError('WORKER_EXISTS', `a worker ${name} is at work`, 'Give this one another name');
    }
    await client.query(
      `INSERT INTO lvc_fleet.worker (name, version, place, pid) VALUES ($1, $2, $3, $4)
       ON CONFLICT (name) DO UPDATE SET version = excluded.version, place = excluded.place, pid = excluded.pid, since = now()`,
      [name, WORKFLOWS_VERSION, hostname(), process.pid],
    );
    return new WorkerLock(client, name, lost);
  }

  /** Looks at the other workers from now on: of each that is dead `takeOver` is called, while nobody else can do the same. */
  watch(takeOver: (name: string) => Promise<void>): void {
    const look = async () => {
      try {
        await this.#look(takeOver);
      } catch {
        // The store is away, or the worker's runs could not be re-queued: the next look tries again.
      }
      if (!this.#closed) this.#looking = setTimeout(look, LOOK);
    };
    this.#looking = setTimeout(look, LOOK);
  }

  async #look(takeOver: (name: string) => Promise<void>): Promise<void> {
    const { rows } = await this.#client.query('SELECT name FROM lvc_fleet.worker WHERE name <> $1', [this.#name]);
    for (const { name } of rows as { name: string }[]) {
      const { rows: got } = await this.#client.query(`SELECT pg_try_advisory_lock(${LOCK_OF}) AS taken`, [name]);
      if (!got[0].taken) continue;
      try {
        await takeOver(name);
        await this.#client.query('DELETE FROM lvc_fleet.worker WHERE name = $1', [name]);
      } finally {
        await this.#client.query(`SELECT pg_advisory_unlock(${LOCK_OF})`, [name]);
      }
    }
  }

  /** Gives the lock back. `leave`: it leaves no run behind, so nobody need look after it. */
  async close({ leave }: { readonly leave: boolean }): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#looking);
    try {
      if (leave) await this.#client.query('DELETE FROM lvc_fleet.worker WHERE name = $1', [this.#name]);
    } catch {
      // The session has ended: then the row tells others to look after its runs.
    }
    await this.#client.end().catch(() => undefined);
  }
}
