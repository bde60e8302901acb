import { type EngineClient, EngineError, type SqlResult, type Transaction } from '@replication-lab/engines';
import type { Outcome, Router } from '@replication-lab/router';
import type { CallContext } from './levels.ts';
import { render, type Sql, type Statement } from './sql.ts';

/** The router, and how its engine wants statements written. */
export interface Database {
  readonly router: Router;
  readonly engine: Pick<EngineClient, 'name' | 'placeholder'>;
}

export const statement = (db: Database, query: Sql): Statement => render(query, db.engine.placeholder);

/** One statement of a transaction. */
export function run(db: Database, tx: Transaction, query: Sql): Promise<SqlResult> {
  const { text, params } = statement(db, query);
  return tx.query(text, params);
}

/** Tries of a transaction that the database keeps rolling back over conflicts. */
export const CONFLICT_ATTEMPTS = 3;

/**
 * A transaction on the primary, repeated a few times when the database rolled it back over a conflict with others
 * (nothing was written then). Any other failure is the caller's: in particular, an unknown outcome is never repeated.
 */
export async function transact<T>(
  db: Database,
  work: (tx: Transaction) => Promise<T>,
  call: Omit<CallContext, 'disconnected'>,
): Promise<{ value: T } & Outcome> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.router.transaction(work, { token: call.token, timeoutMs: call.remainingMs() });
    } catch (error) {
      if (!failedWith(error, 'deadlock') || attempt === CONFLICT_ATTEMPTS) throw error;
    }
  }
}

export const failedWith = (error: unknown, code: EngineError['code']): error is EngineError =>
  error instanceof EngineError && error.code === code;
