import { setTimeout as sleep } from 'node:timers/promises';
import type { Credentials, Endpoint, Engine, NodePool, Position, SqlValue } from '@replication-lab/engines';

/** What a row of `users` was made to by an acknowledged write; null: deleted. */
export interface Write {
  /** Names the transaction in the primary's log: its number (postgres) or its GTID. */
  readonly key: string;
  /** What the client was told: the history comes up to there with this write. */
  readonly position: Position;
  readonly email: string;
  readonly row: { readonly name: string; readonly version: number } | null;
}

interface Options {
  readonly engine: Engine;
  readonly primary: Endpoint;
  readonly account: Credentials;
  readonly database: string;
  readonly writers: number;
  readonly pauseMs: number;
  /** Tells the rows of this load from those of others. */
  readonly name: string;
}

/** Inserts, changes and deletes rows, and remembers everything that was acknowledged. */
export class Ledger {
  readonly writes: Write[] = [];
  /** Writes that were not acknowledged, with what was said. */
  readonly failures: string[] = [];
  readonly #options: Options;
  readonly #pool: NodePool;
  readonly #workers: Promise<void>[];
  #stopped = false;

  constructor(options: Options) {
    this.#options = options;
    const { engine, primary, account, database, writers } = options;
    this.#pool = engine.client.createPool(primary, account, {
      ...{ database, mode: 'write', size: writers, queueLimit: writers },
      ...{ connectTimeoutMs: 5000, acquireTimeoutMs: 5000 },
    });
    this.#workers = Array.from({ length: writers }, (_, i) => this.#work(`${options.name}-${i}`));
  }

  async stop(): Promise<readonly Write[]> {
    this.#stopped = true;
    await Promise.all(this.#workers);
    await this.#pool.close();
    return this.writes;
  }

  async #work(writer: string): Promise<void> {
    const alive: { email: string; version: number }[] = [];
    for (let n = 0; !this.#stopped; n++) {
      const email = `${writer}-${n}@ledger.test`;
      const old = alive[n % Math.max(1, alive.length)];
      if (old && n % 11 === 7) {
        alive.splice(alive.indexOf(old), 1);
        await this.#write('DELETE FROM users WHERE email = ?', [old.email], old.email, null);
      } else if (old && n % 5 === 3) {
        old.version++;
        const row = { name: `changed ${n}`, version: old.version };
        const sql = 'UPDATE users SET name = ?, version = ? WHERE email = ?';
        await this.#write(sql, [row.name, row.version, old.email], old.email, row);
      } else {
        alive.push({ email, version: 1 });
        const row = { name: `made ${n}`, version: 1 };
        const sql = 'INSERT INTO users (name, version, email) VALUES (?, ?, ?)';
        await this.#write(sql, [row.name, row.version, email], email, row);
      }
      if (this.#options.pauseMs > 0) await sleep(this.#options.pauseMs);
    }
  }

  async #write(sql: string, values: readonly SqlValue[], email: string, row: Write['row']): Promise<void> {
    const isPostgres = this.#options.engine.name === 'postgres';
    let i = 0;
    const text = isPostgres
      ? `${sql.replaceAll('?', () => `$${++i}`)} RETURNING pg_current_xact_id()::text AS xid`
      : sql;
    try {
      const { rows, position } = await this.#pool.write(text, values, { timeoutMs: 20_000 });
      if (position.kind !== 'known') throw new Error(`no position: ${position.kind}`);
      const key = isPostgres ? String(rows[0]?.xid) : position.position;
      this.writes.push({ key, position: position.position, email, row });
    } catch (error) {
      this.failures.push(String(error));
    }
  }
}
