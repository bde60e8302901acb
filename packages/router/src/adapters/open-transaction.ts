import type { RowForm, SqlResult, SqlValue, Transaction } from '@replication-lab/engines';
import type { Statements, TransactionRequest } from '../types.ts';

/** Thrown inside the router's transaction to make it roll back. Nobody outside sees it. */
class RollBack extends Error {
  override readonly name = 'RollBack';
}

/**
 * One `Statements.transaction`, steered from outside by calls in place of a function: begin, query, commit or rollback.
 * The router's deadline ends one that nobody ends.
 */
export class OpenTransaction {
  readonly #tx: Transaction;
  readonly #end: (how: 'commit' | 'rollback') => void;
  readonly #done: Promise<unknown>;
  /** Why the router ended it: the deadline, a broken connection. */
  #failure: { readonly error: unknown } | null = null;

  /** Resolves when the transaction is open on the server; rejects with the router's reason why not. */
  static async begin(statements: Statements, request: TransactionRequest): Promise<OpenTransaction> {
    const ending = Promise.withResolvers<'commit' | 'rollback'>();
    const begun = Promise.withResolvers<Transaction>();
    const done = statements.transaction(async (tx) => {
      begun.resolve(tx);
      if ((await ending.promise) === 'rollback') throw new RollBack('ROLLBACK was asked for');
    }, request);
    done.catch(begun.reject);
    return new OpenTransaction(await begun.promise, ending.resolve, done);
  }

  private constructor(tx: Transaction, end: (how: 'commit' | 'rollback') => void, done: Promise<unknown>) {
    this.#tx = tx;
    this.#end = end;
    this.#done = done;
    done.catch((error: unknown) => {
      this.#failure = { error };
    });
  }

  async query(sql: string, params: readonly SqlValue[], form: RowForm): Promise<SqlResult> {
    if (this.#failure) throw this.#failure.error;
    return await this.#tx.query(sql, params, form);
  }

  /** Resolves when the router says committed; rejects with its error, `outcome-unknown` among them. */
  async commit(): Promise<void> {
    this.#end('commit');
    await this.#done;
  }

  /** Resolves when nothing of it can be committed any more, also when something else ended it before. */
  async rollback(): Promise<void> {
    this.#end('rollback');
    await this.#done.catch(() => {});
  }
}
