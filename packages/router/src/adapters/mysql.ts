import type { RowForm, SqlResult, SqlValue } from '@replication-lab/engines';
import type { Router, RouterSession, Statements } from '../types.ts';
import { Checkout, type Done, type PoolOptions, type TransactionRules } from './checkout.ts';
import { type Isolation, parseControl } from './control.ts';
import { asDriverError } from './driver-error.ts';
import type {
  MysqlPool,
  MysqlPromiseConnection,
  MysqlPromisePool,
  MysqlQueryOptions,
} from './mysql-types.ts';
import type { OpenTransaction } from './open-transaction.ts';
import { mysqlParams } from './params.ts';
import { NO_CANCEL, NO_STREAMS, refuseConnectionLocks, refuseOtherEngine, unsupported } from './refuse.ts';

/**
 * A router, or one session of it, in the shape of mysql2's Pool, for Kysely's MysqlDialect and Drizzle's mysql2 driver
 * (`promise()` is the shape of mysql2/promise). A statement outside transactions goes where `Statements.query` sends it;
 * BEGIN … COMMIT on a connection becomes one `Statements.transaction`, and READ ONLY lets it run on a replica. COMMIT
 * fails with RouterError `outcome-unknown` when nobody knows. `options`: see `PoolOptions`.
 */
export function mysqlPool(statements: Router | RouterSession, options: PoolOptions = {}): MysqlPool {
  refuseOtherEngine(statements, 'mysqlPool');
  return new RouterMysqlPool(new Source(statements, options)) as unknown as MysqlPool;
}

type Answer = [rows: unknown, fields: { name: string }[]];
type Statement = string | MysqlQueryOptions;
type Callback = (error: unknown, rows?: unknown, fields?: unknown) => void;

/** What the pool's two shapes have in common. */
class Source {
  readonly #statements: Statements;
  readonly #defaults: PoolOptions;
  #ended = false;

  constructor(statements: Statements, defaults: PoolOptions) {
    this.#statements = statements;
    this.#defaults = defaults;
  }

  checkout(): Checkout {
    this.#refuseEnded();
    return new Checkout(this.#statements, this.#defaults, RULES);
  }

  async query(statement: Statement, values: unknown): Promise<Answer> {
    this.#refuseEnded();
    const { sql, params, form } = readCall(statement, values);
    if (parseControl(sql))
      throw unsupported('a transaction needs a connection of its own: use getConnection()');
    refuseConnectionLocks(this.#statements, sql);
    try {
      return toAnswer(await this.#statements.query(sql, params, { ...this.#defaults, ...form }), form);
    } catch (error) {
      throw asDriverError(error);
    }
  }

  end(): void {
    this.#ended = true;
  }

  #refuseEnded(): void {
    if (this.#ended) throw unsupported('end() was called on this pool');
  }
}

async function queryOn(checkout: Checkout, statement: Statement, values: unknown): Promise<Answer> {
  const { sql, params, form } = readCall(statement, values);
  return toAnswer(await checkout.run(sql, params, form), form);
}

class RouterMysqlPool {
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
  }

  getConnection(callback: (error: unknown, connection?: unknown) => void): void {
    giveBack(callback, (async () => new RouterMysqlConnection(this.#source.checkout()))(), (connection) => [
      connection,
    ]);
  }

  query(statement: Statement, ...rest: unknown[]) {
    return withCallback(rest, (values) => this.#source.query(statement, values));
  }

  execute(statement: Statement, ...rest: unknown[]) {
    return this.query(statement, ...rest);
  }

  end(callback: (error: unknown) => void = () => {}): void {
    this.#source.end();
    giveBack(callback, Promise.resolve(), () => []);
  }

  promise(): MysqlPromisePool {
    return new RouterMysqlPromisePool(this.#source) as unknown as MysqlPromisePool;
  }
}

class RouterMysqlConnection {
  readonly #checkout: Checkout;

  constructor(checkout: Checkout) {
    this.#checkout = checkout;
  }

  /** Kysely reads it to cancel a statement, and would otherwise ask some connection or other. */
  get threadId(): never {
    throw unsupported(NO_CANCEL);
  }

  query(statement: Statement, ...rest: unknown[]) {
    return withCallback(rest, (values) => queryOn(this.#checkout, statement, values));
  }

  execute(statement: Statement, ...rest: unknown[]) {
    return this.query(statement, ...rest);
  }

  release(): void {
    this.#checkout.release();
  }

  destroy(): void {
    this.#checkout.release();
  }

  promise(): MysqlPromiseConnection {
    return new RouterMysqlPromiseConnection(this.#checkout) as unknown as MysqlPromiseConnection;
  }
}

class RouterMysqlPromisePool {
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
  }

  async getConnection(): Promise<RouterMysqlPromiseConnection> {
    return new RouterMysqlPromiseConnection(this.#source.checkout());
  }

  query(statement: Statement, values?: unknown): Promise<Answer> {
    return this.#source.query(statement, values);
  }

  execute(statement: Statement, values?: unknown): Promise<Answer> {
    return this.#source.query(statement, values);
  }

  async end(): Promise<void> {
    this.#source.end();
  }
}

class RouterMysqlPromiseConnection {
  readonly #checkout: Checkout;

  constructor(checkout: Checkout) {
    this.#checkout = checkout;
  }

  /** The callback connection, which Drizzle takes to stream from. */
  get connection(): never {
    throw unsupported(NO_STREAMS);
  }

  query(statement: Statement, values?: unknown): Promise<Answer> {
    return queryOn(this.#checkout, statement, values);
  }

  execute(statement: Statement, values?: unknown): Promise<Answer> {
    return queryOn(this.#checkout, statement, values);
  }

  release(): void {
    this.#checkout.release();
  }

  destroy(): void {
    this.#checkout.release();
  }
}

/** `rest` is `values?, callback?`. Nothing is sent without a callback: then the caller wants a stream. */
function withCallback(rest: readonly unknown[], work: (values: unknown) => Promise<Answer>) {
  const callback = rest.findLast((argument) => typeof argument === 'function') as Callback | undefined;
  const values = typeof rest[0] === 'function' ? undefined : rest[0];
  if (callback) giveBack(callback, work(values), ([rows, fields]) => [rows, fields]);
  return {
    stream(): never {
      throw unsupported(NO_STREAMS);
    },
  };
}

/** Calls back outside any promise, so that what a callback throws is not swallowed as a rejection. */
function giveBack<T>(
  callback: (error: unknown, ...results: unknown[]) => void,
  promise: Promise<T>,
  resultsOf: (value: T) => unknown[],
): void {
  promise.then(
    (value) => process.nextTick(() => callback(null, ...resultsOf(value))),
    (error) => process.nextTick(() => callback(error)),
  );
}

function readCall(statement: Statement, values: unknown) {
  const options: MysqlQueryOptions = typeof statement === 'string' ? { sql: statement } : statement;
  if (typeof options?.sql !== 'string') throw unsupported('there is no statement');
  if (options.nestTables || options.namedPlaceholders) {
    throw unsupported('nestTables and namedPlaceholders are not supported here');
  }
  const list = values ?? options.values ?? [];
  if (!Array.isArray(list)) throw unsupported('parameters are a list, one for each placeholder');
  const form: RowForm = {
    rowMode: options.rowsAsArray ? 'array' : 'object',
    typeCast: typeof options.typeCast === 'function' ? options.typeCast : undefined,
  };
  return { sql: options.sql, params: mysqlParams(list) as readonly SqlValue[], form };
}

/** Rows for a statement that answered a table, else the header of what it did. */
function toAnswer(result: SqlResult | Done, { rowMode }: RowForm): Answer {
  if ('word' in result) return [header({}), []];
  const { columns = [] } = result;
  if (!result.columns && result.rows.length === 0) return [header(result), []];
  const rows = rowMode === 'array' ? result.arrays : result.rows;
  if (!rows) throw unsupported('the router answered without arrays, and objects may have lost columns');
  return [[...rows], columns.map((name) => ({ name }))];
}

const header = ({ affectedRows = 0, changedRows = 0, insertId = 0 }: Partial<SqlResult>) => ({
  affectedRows,
  changedRows,
  insertId: insertId ?? 0,
});

/** Weakest first. */
const ISOLATIONS: readonly Isolation[] = [
  'read uncommitted',
  'read committed',
  'repeatable read',
  'serializable',
];
const ISOLATION_SQL = "SHOW VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation')";

const RULES: TransactionRules = {
  request({ readOnly, snapshot }, options) {
    if (snapshot)
      throw unsupported('WITH CONSISTENT SNAPSHOT is not supported: the first read takes the snapshot');
    return { ...options, readOnly: readOnly ?? false };
  },
  /** These servers take a level only before BEGIN, which is the router's: so it is compared, never silently weaker. */
  async apply(transaction: OpenTransaction, { isolation }) {
    if (!isolation) return;
    const [row] = (await transaction.query(ISOLATION_SQL, [], {})).rows;
    const has = String(row?.Value).toLowerCase().replace('-', ' ') as Isolation;
    if (ISOLATIONS.indexOf(has) >= ISOLATIONS.indexOf(isolation)) return;
    throw unsupported(
      `the servers' transaction_isolation is "${has}", and this transaction asked for "${isolation}"`,
    );
  },
};
