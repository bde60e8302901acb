import type { Row, SqlResult } from '@replication-lab/engines';
import type { Sealed } from './bearer.ts';
import type { Decision, Outcome } from './types.ts';

/** A statement's rows and its outcome in one object, without what is only the router's (position, bound). */
export function statementOutcome<R = Row>(
  { rows, affectedRows, insertId, arrays, columns, command, changedRows }: SqlResult,
  decision: Decision,
  sealed: Sealed,
): SqlResult<R> & Outcome {
  const table = rows as readonly R[];
  const outcome: { -readonly [K in keyof SqlResult<R>]: SqlResult<R>[K] } & Outcome =
    typeof sealed === 'string'
      ? { rows: table, affectedRows, insertId, decision, token: sealed }
      : typeof sealed === 'function'
        ? withToken({ rows: table, affectedRows, insertId, decision }, sealed)
        : new KeptOutcome(table, affectedRows, insertId, decision, sealed);
  if (arrays !== undefined) outcome.arrays = arrays;
  if (columns !== undefined) outcome.columns = columns;
  if (command !== undefined) outcome.command = command;
  if (changedRows !== undefined) outcome.changedRows = changedRows;
  return outcome;
}

/** A transaction's value and its outcome. */
export function valueOutcome<T>(value: T, decision: Decision, sealed: Sealed): { value: T } & Outcome {
  if (typeof sealed === 'string') return { value, decision, token: sealed };
  return withToken({ value, decision }, typeof sealed === 'function' ? sealed : () => sealed.token);
}

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

/** Of a session object, which keeps the token itself: a property of the class will do, and costs nothing to make. */
class KeptOutcome<R> {
  readonly rows: readonly R[];
  readonly affectedRows: number;
  readonly insertId: number | null;
  readonly decision: Decision;
  readonly #session: { readonly token: string };

  constructor(
    rows: readonly R[],
    affectedRows: number,
    insertId: number | null,
    decision: Decision,
    session: { readonly token: string },
  ) {
    this.rows = rows;
    this.affectedRows = affectedRows;
    this.insertId = insertId;
    this.decision = decision;
    this.#session = session;
  }

  get token(): string {
    return this.#session.token;
  }
}
