import type { RowForm, SqlResult, SqlValue } from '@replication-lab/engines';
import type { Router, RouterSession, Statements, TransactionRequest } from '../types.ts';
import { Checkout, type Done, type PoolOptions, type TransactionRules } from './checkout.ts';
import { parseControl, type TransactionModes } from './control.ts';
import { asDriverError } from './driver-error.ts';
import type { OpenTransaction } from './open-transaction.ts';
import { postgresParams } from './params.ts';
import type { PgCommand, PgPool, PgPoolClient, PgQueryConfig, PgResult } from './pg-types.ts';
import { NO_CANCEL, NO_STREAMS, refuseConnectionLocks, refuseOtherEngine, unsupported } from './refuse.ts';

/**
 * A router, or one session of it, in the shape of pg's Pool, for Kysely's PostgresDialect and Drizzle's node-postgres driver.
 * A statement outside transactions goes where `Statements.query` sends it; BEGIN … COMMIT on a client becomes one
 * `Statements.transaction`, and READ ONLY lets it run on a replica. COMMIT rejects with RouterError `outcome-unknown`
 * when nobody knows. `options`: see `PoolOptions`.
 */
export function pgPool(statements: Router | RouterSession, options: PoolOptions = {}): PgPool {
  refuseOtherEngine(statements, 'pgPool');
  return new RouterPgPool(statements, options) as unknown as PgPool;
}

interface Call {
  readonly sql: string;
  readonly params: readonly SqlValue[];
  readonly form: RowForm;
}

/** Drizzle knows a pool by the word in its class's name. */
class RouterPgPool {
  readonly options = {};
  readonly #statements: Statements;
  readonly #defaults: PoolOptions;
  #ended = false;

  constructor(statements: Statements, defaults: PoolOptions) {
    this.#statements = statements;
    this.#defaults = defaults;
  }

  async connect(...rest: unknown[]): Promise<PgPoolClient> {
    this.#refuseEnded();
    if (rest.length > 0) throw unsupported('callbacks are not supported here: connect() returns a promise');
    const checkout = new Checkout(this.#statements, this.#defaults, RULES);
    return new RouterPgClient(checkout) as unknown as PgPoolClient;
  }

  query(statement: string | PgQueryConfig, ...rest: unknown[]): Promise<PgResult<unknown>> {
    const call = readCall(statement, rest);
    return this.#query(call);
  }

  async #query({ sql, params, form }: Call): Promise<PgResult<unknown>> {
    this.#refuseEnded();
    if (parseControl(sql)) throw unsupported('a transaction needs a client of its own: use connect()');
    refuseConnectionLocks(this.#statements, sql);
    try {
      return toResult(await this.#statements.query(sql, params, { ...this.#defaults, ...form }), form);
    } catch (error) {
      throw asDriverError(error);
    }
  }

  async end(): Promise<void> {
    this.#ended = true;
  }

  #refuseEnded(): void {
    if (this.#ended) throw unsupported('end() was called on this pool');
  }
}

class RouterPgClient {
  readonly #checkout: Checkout;

  constructor(checkout: Checkout) {
    this.#checkout = checkout;
  }

  /** Kysely reads it to cancel a statement, and would otherwise ask some connection or other. */
  get processID(): never {
    throw unsupported(NO_CANCEL);
  }

  query(statement: string | PgQueryConfig, ...rest: unknown[]): Promise<PgResult<unknown>> {
    const { sql, params, form } = readCall(statement, rest);
    return this.#checkout.run(sql, params, form).then((result) => toResult(result, form));
  }

  release(): void {
    this.#checkout.release();
  }
}

function readCall(statement: unknown, rest: readonly unknown[]): Call {
  if (rest.some((argument) => typeof argument === 'function')) {
    throw unsupported('callbacks are not supported here: query() returns a promise');
  }
  const [values] = rest as [(readonly unknown[])?];
  if (typeof statement === 'string')
    return { sql: statement, params: postgresParams(values), form: { rowMode: 'object' } };
  if (typeof statement !== 'object' || statement === null) throw unsupported('there is no statement');
  if ('submit' in statement || 'read' in statement) throw unsupported(NO_STREAMS);
  const { text, values: own, rowMode, types } = statement as PgQueryConfig;
  if (typeof text !== 'string') throw unsupported('there is no statement');
  if (rowMode !== undefined && rowMode !== 'array') throw unsupported(`there is no row mode ${rowMode}`);
  return { sql: text, params: postgresParams(values ?? own), form: { rowMode: rowMode ?? 'object', types } };
}

function toResult(result: SqlResult | Done, { rowMode }: RowForm): PgResult<unknown> {
  if ('word' in result) return resultOf(result.word, 0, [], []);
  const rows = rowMode === 'array' ? result.arrays : result.rows;
  if (!rows) throw unsupported('the router answered without arrays, and objects may have lost columns');
  // A SELECT changes nothing, so its rows are what counts; what changes rows says how many, with RETURNING or without.
  const count = result.affectedRows || rows.length;
  return resultOf(result.command ?? '', count, result.columns ?? [], [...rows]);
}

const resultOf = (command: string, rowCount: number, columns: readonly string[], rows: unknown[]) =>
  ({
    command: command as PgCommand,
    rowCount,
    fields: columns.map((name) => ({ name })),
    rows,
  }) as PgResult<unknown>;

const RULES: TransactionRules = {
  request({ readOnly, isolation }, options): TransactionRequest {
    // A standby cannot serve serializable transactions.
    const onPrimary = readOnly && isolation === 'serializable';
    return { ...options, readOnly: readOnly ?? false, ...(onPrimary && { level: 'primary' as const }) };
  },
  /** SET LOCAL of these does what SET TRANSACTION does, and may be said in a pooled session. */
  async apply(transaction: OpenTransaction, { readOnly, isolation, deferrable }: TransactionModes) {
    if (isolation) await transaction.query(`SET LOCAL transaction_isolation = '${isolation}'`, [], {});
    if (deferrable !== undefined) {
      await transaction.query(`SET LOCAL transaction_deferrable = ${deferrable}`, [], {});
    }
    if (readOnly) await transaction.query('SET LOCAL transaction_read_only = on', [], {});
  },
};
