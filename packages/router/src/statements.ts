import type { Row, RowForm, SqlResult, SqlValue, Transaction } from '@replication-lab/engines';
import type { FindBearer } from './bearer.ts';
import type { Classification } from './classify/types.ts';
import type { RunningTransaction } from './context.ts';
import { now, type RouterCore } from './core.ts';
import { WorkFailed } from './failures.ts';
import { statementOutcome, valueOutcome } from './outcome.ts';
import { type Ask, explainRead, levelOf, read, type Seen } from './reads.ts';
import {
  type Explanation,
  type Outcome,
  type QueryRequest,
  type ReadRequest,
  RouterError,
  type Statements,
  type TransactionRequest,
  type WriteRequest,
} from './types.ts';
import { onPrimary, statementWork, transactionWork } from './writes.ts';

type StatementOutcome<R = Row> = SqlResult<R> & Outcome;

/**
 * `Statements` over a router's core. Inside a transaction of the same router every statement belongs to it, whatever
 * its level; outside it goes where its level and its bearer's session allow.
 */
export class RoutedStatements implements Statements {
  readonly #core: RouterCore;
  readonly #bearer: FindBearer;

  constructor(core: RouterCore, bearer: FindBearer) {
    this.#core = core;
    this.#bearer = bearer;
  }

  query<R = Row>(
    sql: string,
    params: readonly SqlValue[] = [],
    request: QueryRequest = {},
  ): Promise<StatementOutcome<R>> {
    const { target } = this.#core.classify(sql);
    return target === 'any' ? this.read<R>(sql, params, request) : this.write<R>(sql, params, request);
  }

  read<R = Row>(
    sql: string,
    params: readonly SqlValue[] = [],
    request: ReadRequest = {},
  ): Promise<StatementOutcome<R>> {
    const wrong = wrongArguments(sql, params);
    if (wrong) return Promise.reject(wrong);
    const inside = this.#core.calls.transaction;
    if (inside) return this.#within<R>(inside, sql, params, request);
    const form = formOf(request);
    const ask: Ask<SqlResult & Seen> = (pool, options) =>
      pool.read(sql, params, form ? { ...options, ...form } : options);
    return read(this.#core, this.#bearer, request, ask, statementOutcome<R>);
  }

  write<R = Row>(
    sql: string,
    params: readonly SqlValue[] = [],
    request: WriteRequest = {},
  ): Promise<StatementOutcome<R>> {
    const wrong = wrongArguments(sql, params);
    if (wrong) return Promise.reject(wrong);
    const inside = this.#core.calls.transaction;
    if (inside) return this.#within<R>(inside, sql, params, request);
    const work = statementWork(sql, params, formOf(request));
    return onPrimary(this.#core, this.#bearer, request, work, statementOutcome<R>);
  }

  async transaction<T>(
    work: (tx: Transaction) => Promise<T>,
    request: TransactionRequest = {},
  ): Promise<{ value: T } & Outcome> {
    if (this.#core.calls.transaction) {
      throw new RouterError(
        'nested-transaction',
        'A transaction cannot begin inside another one of the same router. Use the one that is there, with savepoints if need be.',
      );
    }
    if (request.readOnly) return this.#readTransaction(work, request);
    const repeatable = request.repeatable === true;
    const primaryWork = transactionWork(this.#core, work, repeatable);
    return onPrimary(this.#core, this.#bearer, request, primaryWork, valueOutcome<T>);
  }

  explain(sql: string, request: QueryRequest = {}): Explanation {
    this.#core.assertOpen();
    const classification: Classification = this.#core.classify(sql);
    const inside = this.#core.calls.transaction;
    if (inside) return { ...inside.decision, reason: 'in-transaction', classification };
    const bearer = this.#bearer(request.token);
    if (classification.target === 'any') {
      return { ...explainRead(this.#core, bearer, request), classification };
    }
    levelOf(request);
    const { primary } = this.#core.topology();
    if (primary === null) throw new RouterError('no-primary', 'No node takes writes now.');
    return { node: primary, role: 'primary', reason: 'write', classification };
  }

  /** On a node that keeps the promise of the level. Asked elsewhere only when `work` has not begun. */
  #readTransaction<T>(
    work: (tx: Transaction) => Promise<T>,
    request: TransactionRequest,
  ): Promise<{ value: T } & Outcome> {
    const { calls } = this.#core;
    const ask: Ask<{ value: T } & Seen> = (pool, options) => {
      let begun = false;
      const answer = pool.readTransaction((tx) => {
        begun = true;
        const { name: node } = pool.endpoint;
        const role = this.#core.topology().primary === node ? ('primary' as const) : ('replica' as const);
        const running: RunningTransaction = { tx, decision: { node, role }, over: false };
        return calls
          .insideTransaction(running, () => work(tx))
          .finally(() => {
            running.over = true;
          });
      }, options);
      // What `work` has done outside must not be done twice, so from here on a failure is the caller's.
      return answer.catch((error) => Promise.reject(begun ? new WorkFailed(error) : error));
    };
    return read(this.#core, this.#bearer, request, ask, ({ value }, decision, sealed) =>
      valueOutcome(value, decision, sealed),
    );
  }

  /** A statement of the surrounding transaction. What it saw is told by the transaction, at its end. */
  async #within<R>(
    { tx, decision }: RunningTransaction,
    sql: string,
    params: readonly SqlValue[],
    request: ReadRequest,
  ): Promise<StatementOutcome<R>> {
    this.#core.assertOpen();
    const startedMs = now();
    const bearer = this.#bearer(request.token);
    const value = await tx.query(sql, params, formOf(request));
    const inTransaction = { ...decision, reason: 'in-transaction' } as const;
    this.#core.decided(inTransaction, decision.role === 'primary' ? 'write' : 'session', startedMs);
    return statementOutcome<R>(value, inTransaction, bearer.advance(bearer.state, bearer.state));
  }
}

/** How rows shall come back, where the caller says so. */
const formOf = ({ rowMode, types, typeCast }: RowForm): RowForm | undefined =>
  rowMode || types || typeCast ? { rowMode, types, typeCast } : undefined;

/** What callers bring along from other pools' ways of being called. */
function wrongArguments(sql: unknown, params: unknown): TypeError | null {
  if (typeof sql === 'string' && Array.isArray(params)) return null;
  return new TypeError(
    'call it as query(text, [values], options): a text with placeholders and an array, and await an object with `rows`',
  );
}
