import type { Connection, SqlValue } from '@replication-lab/engines';

/** What this session has set; all that it has set or been given would take the server 5 ms to say. */
const CHANGED_SETTINGS = `(SELECT string_agg(name || '=' || setting, ',') FROM pg_settings WHERE source = 'session')`;
const SEQUENCES = `(SELECT string_agg(sequencename || ' ' || coalesce(last_value::text, ''), ',')
  FROM (SELECT * FROM pg_sequences ORDER BY sequencename) AS s) AS sequences`;

/** What a statement can leave behind in its session, or on the server outside of tables. */
const STATE_SQL = `SELECT ${CHANGED_SETTINGS} AS settings,
  (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory') AS advisory,
  (SELECT string_agg(name, ',') FROM pg_prepared_statements) AS prepared,
  (SELECT string_agg(name, ',') FROM pg_cursors WHERE name <> '') AS cursors,
  (SELECT string_agg(relname, ',') FROM pg_class WHERE relpersistence = 't') AS temporary,
  (SELECT string_agg(c, ',') FROM pg_listening_channels() AS c) AS channels,
  (SELECT count(*) FROM pg_replication_slots) AS slots`;

/**
 * What shows inside its transaction: a transaction that writes or locks rows has an id; a read locks nothing harder than
 * this. Sequences apart, which the last column locks itself.
 */
const INSIDE_SQL = `SELECT pg_current_xact_id_if_assigned()::text AS xid,
  (SELECT string_agg(DISTINCT locktype || ' ' || mode, ',') FROM pg_locks
    WHERE pid = pg_backend_pid() AND locktype <> 'virtualxid' AND mode <> 'AccessShareLock'
      AND coalesce(relation, 0) NOT IN (SELECT oid FROM pg_class WHERE relkind = 'S')) AS locks,
  ${CHANGED_SETTINGS} AS settings,
  (SELECT count(*) FROM pg_prepared_statements) AS prepared,
  (SELECT count(*) FROM pg_cursors WHERE name <> '') AS cursors, ${SEQUENCES}`;
const NOTHING_INSIDE: State = { xid: null, locks: null, settings: null, prepared: 0, cursors: 0 };

export type State = Readonly<Record<string, unknown>>;

const rowOf = async (connection: Connection, sql: string): Promise<State> =>
  (await connection.query(sql)).rows[0] ?? {};

export const stateOf = (connection: Connection): Promise<State> => rowOf(connection, STATE_SQL);

export const differences = (before: State, after: State): string[] =>
  Object.keys(after)
    .filter((name) => before[name] !== after[name])
    .map((name) => `${name}: ${before[name]} -> ${after[name]}`);

/** Runs statements on a writable node in transactions that are rolled back, and says what they did there. */
export class Effects {
  readonly #connection: Connection;
  #sequences: State = {};

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Null when the server refused the statement, else a line for every effect. Whatever outlives the roll-back (sequences
   * apart) is taken back: locks, prepared statements, settings.
   */
  async of(sql: string, params: readonly SqlValue[] = []): Promise<string[] | null> {
    if (!('sequences' in this.#sequences))
      this.#sequences = await rowOf(this.#connection, `SELECT ${SEQUENCES}`);
    await this.#connection.query('BEGIN');
    const found = await this.#inside(sql, params);
    await this.#connection.query('ROLLBACK');
    if (found?.length !== 0) {
      await this.#connection.query('SELECT pg_advisory_unlock_all(); DEALLOCATE ALL; CLOSE ALL; RESET ALL');
    }
    return found;
  }

  async #inside(sql: string, params: readonly SqlValue[]): Promise<string[] | null> {
    try {
      await this.#connection.query(sql, params, { timeoutMs: 10_000 });
      const { sequences, ...others } = await rowOf(this.#connection, INSIDE_SQL);
      const found = differences({ ...NOTHING_INSIDE, ...this.#sequences }, { ...others, sequences });
      this.#sequences = { sequences };
      return found;
    } catch (error) {
      if (/^(?:timeout|connection-lost|aborted)$/.test(String(Reflect.get(Object(error), 'code'))))
        throw error;
      this.#sequences = {}; // a statement that fails half-way may have moved them
      return null;
    }
  }
}

/** Every table's rows, as one hash a table, what else there is on the server, and all settings of the session. */
export async function contentsOf(connection: Connection): Promise<State> {
  const { rows } = await connection.query(
    `SELECT oid::regclass::text AS name FROM pg_class
      WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace`,
  );
  const contents: Record<string, unknown> = {
    ...(await rowOf(
      connection,
      `SELECT (SELECT count(*) FROM pg_class) AS relations, (SELECT count(*) FROM pg_proc) AS functions,
         (SELECT count(*) FROM pg_largeobject) AS large_objects, (SELECT count(*) FROM pg_roles) AS roles,
         (SELECT md5(string_agg(name || '=' || coalesce(setting, ''), ',' ORDER BY name)) FROM pg_settings) AS settings`,
    )),
    ...(await rowOf(connection, `SELECT ${SEQUENCES}`)),
  };
  for (const { name } of rows) {
    const hash = `md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), ''))`;
    contents[String(name)] = (
      await rowOf(connection, `SELECT count(*) || ' ' || ${hash} AS rows FROM ${name} t`)
    ).rows;
  }
  return contents;
}
