import { EngineError } from '@replication-lab/engines';
import type { Router, RouterSession, Statements } from '../types.ts';

/** Refused before anything was sent. */
export const unsupported = (message: string): EngineError => new EngineError('bad-statement', message);

export const NO_STREAMS =
  'streams and cursors need one server connection for as long as they live, and the router lends none: read in pages';
export const NO_CANCEL =
  'a statement cannot be cancelled on the server through the router: a cancelled wait for a commit would be answered as done';

/**
 * GET_LOCK, pg_advisory_lock and their kin outside a transaction: the lock would stay with whichever connection served, and
 * its release would be asked of another. (Migration tools take such locks: give them a pool of the driver's own.)
 */
export function refuseConnectionLocks(statements: Statements, sql: string): void {
  if (!/lock/i.test(sql) || classOf(statements, sql) !== 'lock-function') return;
  throw unsupported(
    'a lock of this kind belongs to one connection, and the router lends none outside transactions',
  );
}

/** Null when no node can be named now: the statement itself will say so. */
function classOf(statements: Statements, sql: string): string | null {
  try {
    return statements.explain(sql).classification.reason;
  } catch {
    return null;
  }
}

/** A session does not say which engine it is of. */
export function refuseOtherEngine(statements: Router | RouterSession, pool: 'pgPool' | 'mysqlPool'): void {
  if (!('engine' in statements)) return;
  const right = statements.engine === 'postgres' ? 'pgPool' : 'mysqlPool';
  if (right !== pool) throw new TypeError(`this router is of ${statements.engine}: use ${right}`);
}
