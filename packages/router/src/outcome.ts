import type { Row, SqlResult } from '@replication-lab/engines';
import type { Sealed } from './bearer.ts';
import type { Decision, Outcome } from './types.ts';

/** A statement's rows and its outcome in one object, without what is only the router's (position, bound). */
export function statementOutcome<R = Row>(
  { rows, affectedRows, insertId, arrays, columns, command, changedRows }: SqlResult,
  decision: Decision,
  sealed: Sealed,
): SqlResult<R> & Outcome {
  const outcome: { -readonly [K in keyof SqlResult<R>]: SqlResult<R>[K] } & Outcome =
    typeof sealed === 'string'
      ? { rows: rows as readonly R[], affectedRows, insertId, decision, token: sealed }
      : withToken({ rows: rows as readonly R[], affectedRows, insertId, decision }, sealed);
  if (arrays !== undefined) outcome.arrays = arrays;
  if (columns !== undefined) outcome.columns = columns;
  if (command !== undefined) outcome.command = command;
  if (changedRows !== undefined) outcome.changedRows = changedRows;
  return outcome;
}

/** A transaction's value and its outcome. */
export const valueOutcome = <T>(value: T, decision: Decision, sealed: Sealed): { value: T } & Outcome =>
  typeof sealed === 'string' ? { value, decision, token: sealed } : withToken({ value, decision }, sealed);

/**
 * The token is sealed when somebody looks at it, and only once. A property of its own, so that copies of the object have it
 * too: to lose a token unnoticed is to lose what it promises.
 */
function withToken<T extends object>(outcome: T, seal: () => string): T & { readonly token: string } {
  let token: string | null = null;
  return Object.defineProperty(outcome, 'token', {
    enumerable: true,
    get: () => {
      token ??= seal();
      return token;
    },
  }) as T & { readonly token: string };
}
