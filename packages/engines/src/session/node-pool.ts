import type {
  CallOptions,
  CapturedPosition,
  Endpoint,
  EngineError,
  NodePool,
  PoolStats,
  Position,
  ReadOptions,
  RowForm,
  SqlResult,
  SqlValue,
  Transaction,
} from '../types.ts';
import { Deadline } from './deadline.ts';
import { refuseSessionStatement } from './guard.ts';
import { Lending, type LendingOptions } from './lending.ts';
import { judge } from './outcome.ts';
import type { Access, Phase, Session } from './session.ts';
import { RunningTransaction, translated } from './transaction.ts';

const DEFAULT_CLOSE_DEADLINE_MS = 2000;

/** Starts a statement on a session; `done` brings its answer, or an error and null. */
type Send<S, R> = (session: S, done: (error: unknown, result: R | null) => void) => void;

/**
 * `NodePool` for every engine: what differs between them is in the `Session`.
 *
 * What a failure of `write` or `transaction` says: `outcome-unknown`, the statement or the COMMIT was sent and not
 * answered. Every other code, `timeout` and `connection-lost` included: nothing was committed. `overloaded` and
 * `connect-failed`: not even begun.
 */
export class SessionPool<S extends Session> implements NodePool {
  readonly endpoint: Endpoint;
  readonly #lending: Lending<S>;

  constructor(options: LendingOptions<S>) {
    this.endpoint = options.endpoint;
    this.#lending = new Lending(options);
  }

  read(sql: string, params: readonly SqlValue[], options: ReadOptions = {}): ReturnType<NodePool['read']> {
    if (options.withUpperBound) {
      return this.#borrow('read', options, (session) => {
        refuseSessionStatement(sql, null);
        return session.queryWithUpperBound(sql, params, options);
      });
    }
    return this.#alone<SqlResult>('read', sql, options, (session, done) =>
      session.ask(sql, params, options, done),
    );
  }

  write(
    sql: string,
    params: readonly SqlValue[],
    options: CallOptions & RowForm = {},
  ): ReturnType<NodePool['write']> {
    return this.#alone<SqlResult & { position: CapturedPosition }>('write', sql, options, (session, done) =>
      session.write(sql, params, options, done),
    );
  }

  /**
   * One statement on a session that is lent for it: the path that nearly all calls of a service take, so it has no promise
   * but the one it returns, as long as a session lies idle.
   */
  #alone<R>(phase: Phase, sql: string, options: CallOptions, send: Send<S, R>): Promise<R> {
    try {
      refuseSessionStatement(sql, null);
    } catch (error) {
      return Promise.reject(error);
    }
    const deadline = new Deadline(options);
    const session = deadline.isOverFromTheStart() ? null : this.#lending.takeIdle();
    if (session) return this.#lent(phase, session, deadline, send);
    return this.#lending.acquire(deadline).then((lent) => {
      const tooLate = deadline.reached();
      if (tooLate === null) return this.#lent(phase, lent, deadline, send);
      this.#lending.release(lent);
      throw tooLate; // nothing was sent
    });
  }

  #lent<R>(phase: Phase, session: S, deadline: Deadline, send: Send<S, R>): Promise<R> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      const fail = (error: unknown): void => {
        isOver = true;
        const meaning = judge(this.#failed(session, error), phase);
        this.#lending.release(session);
        reject(meaning);
      };
      const watch = deadline.watch((error) => {
        session.destroy();
        fail(error);
      });
      if (isOver) return;
      send(session, (error, result) => {
        if (isOver) return; // the answer came too late
        watch?.stop();
        if (result === null) return fail(error);
        isOver = true;
        this.#lending.release(session);
        resolve(result);
      });
    });
  }

  /** One session for one call. */
  async #borrow<T>(phase: Phase, options: CallOptions, work: (session: S) => Promise<T>): Promise<T> {
    const deadline = new Deadline(options);
    const session = await this.#lending.acquire(deadline);
    try {
      return await deadline.race(work(session), () => session.destroy());
    } catch (error) {
      throw judge(this.#failed(session, error), phase);
    } finally {
      this.#lending.release(session);
    }
  }

  async transaction<T>(
    work: (tx: Transaction) => Promise<T>,
    options: CallOptions = {},
  ): Promise<{ value: T; position: CapturedPosition }> {
    const { value, end } = await this.#transact('read-write', work, options, (session) => session.commit());
    return { value, position: end };
  }

  async readTransaction<T>(
    work: (tx: Transaction) => Promise<T>,
    options: ReadOptions = {},
  ): Promise<{ value: T; upperBound?: Position }> {
    const { value, end } = await this.#transact('read-only', work, options, (session) =>
      session.commitReadOnly(options.withUpperBound ?? false),
    );
    return end === undefined ? { value } : { value, upperBound: end };
  }

  /** `commit` sends the COMMIT; what it answers is returned as `end`. */
  async #transact<T, E>(
    access: Access,
    work: (tx: Transaction) => Promise<T>,
    options: CallOptions,
    commit: (session: S) => Promise<E>,
  ): Promise<{ value: T; end: E }> {
    const deadline = new Deadline(options);
    const session = await this.#lending.acquire(deadline);
    const running = new RunningTransaction(session, deadline, access);
    try {
      const value = await running.run(work);
      return { value, end: await running.commit(commit) };
    } catch (error) {
      await running.abandon();
      if (session.broken) this.#lending.dropIdle();
      throw error;
    } finally {
      this.#lending.release(session);
    }
  }

  #failed(session: S, error: unknown): EngineError {
    const engineError = translated(session, error);
    if (engineError.code === 'connection-lost' || engineError.code === 'timeout') this.#lending.dropIdle();
    return engineError;
  }

  stats(): PoolStats {
    return this.#lending.stats();
  }

  close(deadlineMs = DEFAULT_CLOSE_DEADLINE_MS): Promise<void> {
    return this.#lending.close(deadlineMs);
  }
}
