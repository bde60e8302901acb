import type { RowForm, SqlResult, SqlValue } from '@replication-lab/engines';
import type { QueryRequest, Statements, TransactionRequest } from '../types.ts';
import { type Control, parseControl, type TransactionModes } from './control.ts';
import { asDriverError } from './driver-error.ts';
import { OpenTransaction } from './open-transaction.ts';
import { refuseConnectionLocks, unsupported } from './refuse.ts';

/**
 * What a pool asks for on behalf of every statement: the level, and how long it may take (of a transaction: the whole of it).
 * The token is the session's affair.
 */
export type PoolOptions = Omit<QueryRequest, 'token' | 'signal' | keyof RowForm>;

/** What differs between the engines in how a transaction is opened. */
export interface TransactionRules {
  /** Throws for modes that this engine cannot be given through the router. */
  request(modes: TransactionModes, options: PoolOptions): TransactionRequest;
  /** What the request cannot say, said first in the transaction, or by a SET TRANSACTION inside it. */
  apply(transaction: OpenTransaction, modes: TransactionModes): Promise<void>;
}

/** The answer to a statement that begins or ends a transaction; `word` as PostgreSQL names it. */
export interface Done {
  readonly word: 'BEGIN' | 'SET' | 'COMMIT' | 'ROLLBACK';
}

/**
 * What stands behind a connection that was taken out of the pool. It holds nothing but the transaction that is open on it.
 * Statements run one after the other, as on a connection.
 */
export class Checkout {
  readonly #statements: Statements;
  readonly #options: PoolOptions;
  readonly #rules: TransactionRules;
  #tail: Promise<unknown> = Promise.resolve();
  #transaction: OpenTransaction | null = null;
  /** Of a SET TRANSACTION that came before its BEGIN. */
  #modes: TransactionModes = {};
  #released = false;

  constructor(statements: Statements, options: PoolOptions, rules: TransactionRules) {
    this.#statements = statements;
    this.#options = options;
    this.#rules = rules;
  }

  /** Rejects with what the driver would reject with, where the server refused the statement. */
  run(sql: string, params: readonly SqlValue[], form: RowForm): Promise<SqlResult | Done> {
    if (this.#released) return Promise.reject(unsupported('this connection was released'));
    const next = async () => {
      try {
        const control = parseControl(sql);
        return control ? await this.#control(control) : await this.#statement(sql, params, form);
      } catch (error) {
        throw asDriverError(error);
      }
    };
    const result = this.#tail.then(next);
    this.#tail = result.catch(() => {});
    return result;
  }

  /** Rolls back what is still open. Never throws. */
  release(): void {
    this.#released = true;
    void this.#tail.then(() => this.#take()?.rollback());
  }

  #statement(sql: string, params: readonly SqlValue[], form: RowForm): Promise<SqlResult> {
    if (this.#transaction) return this.#transaction.query(sql, params, form);
    refuseConnectionLocks(this.#statements, sql);
    return this.#statements.query(sql, params, { ...this.#options, ...form });
  }

  async #control(control: Control): Promise<Done> {
    switch (control.kind) {
      case 'begin':
        await this.#begin({ ...this.#modes, ...control.modes });
        return { word: 'BEGIN' };
      case 'set-transaction':
        if (this.#transaction) await this.#rules.apply(this.#transaction, control.modes);
        else this.#modes = { ...this.#modes, ...control.modes };
        return { word: 'SET' };
      case 'commit':
        await this.#take()?.commit();
        return { word: 'COMMIT' };
      case 'rollback':
        await this.#take()?.rollback();
        return { word: 'ROLLBACK' };
    }
  }

  async #begin(modes: TransactionModes): Promise<void> {
    if (this.#transaction) throw unsupported('a transaction is open on this connection: use a savepoint');
    this.#modes = {};
    const request = this.#rules.request(modes, this.#options);
    const transaction = await OpenTransaction.begin(this.#statements, request);
    try {
      const { readOnly: _, ...rest } = modes; // in the request
      await this.#rules.apply(transaction, rest);
    } catch (error) {
      await transaction.rollback();
      throw error;
    }
    this.#transaction = transaction;
  }

  #take(): OpenTransaction | null {
    const transaction = this.#transaction;
    this.#transaction = null;
    return transaction;
  }
}
