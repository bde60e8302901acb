import type { Row, SqlResult } from '@replication-lab/engines';
import type { Decision, Outcome } from './types.ts';

/**
 * A statement's rows and its outcome in one object, without what is only the router's (position, bound). The token is
 * sealed when somebody looks at it: few look at each.
 */
export function statementOutcome<R = Row>(
  result: SqlResult,
  decision: Decision,
  seal: () => string,
): SqlResult<R> & Outcome {
  let token: string | null = null;
  const outcome: { -readonly [K in keyof SqlResult<R>]: SqlResult<R>[K] } & Outcome = {
    rows: result.rows as readonly R[],
    affectedRows: result.affectedRows,
    insertId: result.insertId,
    decision,
    get token() {
      token ??= seal();
      return token;
    },
  };
  if (result.arrays !== undefined) outcome.arrays = result.arrays;
  if (result.columns !== undefined) outcome.columns = result.columns;
  if (result.command !== undefined) outcome.command = result.command;
  if (result.changedRows !== undefined) outcome.changedRows = result.changedRows;
  return outcome;
}

/** A transaction's value and its outcome. */
export function valueOutcome<T>(value: T, decision: Decision, seal: () => string): { value: T } & Outcome {
  let token: string | null = null;
  return {
    value,
    decision,
    get token() {
      token ??= seal();
      return token;
    },
  };
}
