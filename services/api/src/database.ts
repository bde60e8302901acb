import type { EngineClient } from '@replication-lab/engines';
import {
  EngineError,
  type Outcome,
  type Router,
  type SqlResult,
  type Transaction,
} from '@replication-lab/router';
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

type WriteCall = Omit<CallContext, 'disconnected'>;

/**
 * A transaction on the primary. The router waits a moment for one where there is none, and may run `work` again as long as
 * nothing of it was committed: it must do nothing outside its transaction.
 */
export function onPrimary<T>(
  { router }: Database,
  work: (tx: Transaction) => Promise<T>,
  call: WriteCall,
): Promise<{ value: T } & Outcome> {
  return router.transaction(work, {
    token: call.token,
    timeoutMs: call.remainingMs(),
    repeatable: true,
  });
}

/** Tries of a transaction that the database keeps rolling back over conflicts. */
export const CONFLICT_ATTEMPTS = 3;

/**
 * The same, repeated a few times when the database rolled it back over a conflict with others
 * (nothing was written then). Any other failure is the caller's: in particular, an unknown outcome is never repeated.
 */
export async function transact<T>(
  db: Database,
  work: (tx: Transaction) => Promise<T>,
  call: WriteCall,
): Promise<{ value: T } & Outcome> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await onPrimary(db, work, call);
    } catch (error) {
      if (!failedWith(error, 'deadlock') || attempt === CONFLICT_ATTEMPTS) throw error;
    }
  }
}

export const failedWith = (error: unknown, code: EngineError['code']): error is EngineError =>
  error instanceof EngineError && error.code === code;
