import type {
  CallOptions,
  CapturedPosition,
  Endpoint,
  EngineError,
  NodePool,
  PoolStats,
  Position,
  ReadOptions,
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

  async read(sql: string, params: readonly SqlValue[], options: ReadOptions = {}) {
    refuseSessionStatement(sql, null);
    return this.#borrow(
      'read',
      options,
      (session): ReturnType<NodePool['read']> =>
        options.withUpperBound ? session.queryWithUpperBound(sql, params) : session.query(sql, params),
    );
  }

  async write(sql: string, params: readonly SqlValue[], options: CallOptions = {}) {
    refuseSessionStatement(sql, null);
    return this.#borrow('write', options, (session) => session.write(sql, params));
  }

  /** One session for one call of one statement. */
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
