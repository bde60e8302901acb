import {
  type CallOptions,
  type CapturedPosition,
  type Endpoint,
  EngineError,
  type NodePool,
  type PoolStats,
  type ReadOptions,
  type SqlResult,
  type SqlValue,
  type Transaction,
} from '../types.ts';
import { Deadline } from './deadline.ts';
import { refuseSessionStatement } from './guard.ts';
import { Lending, type LendingOptions } from './lending.ts';
import { judge } from './outcome.ts';
import type { Phase, Session } from './session.ts';

const DEFAULT_CLOSE_DEADLINE_MS = 2000;
const ROLLBACK_TIMEOUT_MS = 1000;

/**
 * `NodePool` for every engine: what differs between them is in the `Session`.
 *
 * What a failure of `write` or `transaction` says: `outcome-unknown`, the statement or the COMMIT was sent and not
 * answered. Every other code, `timeout` and `connection-lost` included: nothing was committed.
 */
export class SessionPool<S extends Session> implements NodePool {
  readonly endpoint: Endpoint;
  readonly #lending: Lending<S>;

  constructor(options: LendingOptions<S>) {
    this.endpoint = options.endpoint;
    this.#lending = new Lending(options);
  }

  async read(sql: string, params: readonly SqlValue[], options: ReadOptions = {}) {
    refuseSessionStatement(sql, false);
    return this.#borrow(
      'read',
      options,
      (session): ReturnType<NodePool['read']> =>
        options.withUpperBound ? session.queryWithUpperBound(sql, params) : session.query(sql, params),
    );
  }

  async write(sql: string, params: readonly SqlValue[], options: CallOptions = {}) {
    refuseSessionStatement(sql, false);
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
    const deadline = new Deadline(options);
    const session = await this.#lending.acquire(deadline);
    const running = new RunningTransaction(session, deadline);
    try {
      const value = await running.run(work);
      return { value, position: await running.commit() };
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

/** A server says that it ends a connection a moment before the socket closes: not to be lent in between. */
function translated(session: Session, error: unknown): EngineError {
  const engineError = session.translate(error);
  if (engineError.code === 'connection-lost') session.destroy();
  return engineError;
}

/** One transaction on a borrowed session, from BEGIN to COMMIT or ROLLBACK. */
class RunningTransaction {
  readonly #session: Session;
  readonly #deadline: Deadline;
  /** The first failure that ended the transaction on the server, whatever `work` made of it. */
  #doom: EngineError | null = null;
  #over = false;

  constructor(session: Session, deadline: Deadline) {
    this.#session = session;
    this.#deadline = deadline;
  }

  /** Errors that `work` throws of its own pass through unchanged. */
  async run<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    // Awaited, though a pipelining driver could send the first statement along with it: were BEGIN to fail (an
    // operator's cancel is enough), that statement would be committed on its own.
    await this.#inTime(this.#send(() => this.#session.begin()));
    return this.#inTime(work({ query: (sql, params = []) => this.#query(sql, params) }));
  }

  async commit(): Promise<CapturedPosition> {
    this.#over = true;
    if (this.#doom) throw this.#doom; // some engines have ended the transaction: what came after it was not part of it
    this.#deadline.check();
    try {
      return await this.#deadline.race(this.#session.commit(), () => this.#session.destroy());
    } catch (error) {
      throw judge(translated(this.#session, error), 'commit');
    }
  }

  /** Rolls back if the session can still be used for it, so that it can be lent again. Never throws. */
  async abandon(): Promise<void> {
    this.#over = true;
    if (this.#session.broken) return;
    const giveUp = (): void => this.#session.destroy();
    const limit = new Deadline({ timeoutMs: ROLLBACK_TIMEOUT_MS });
    await limit.race(this.#session.rollback(), giveUp).catch(giveUp);
  }

  async #query(sql: string, params: readonly SqlValue[]): Promise<SqlResult> {
    if (this.#over) throw new EngineError('bad-statement', 'the transaction is over');
    if (this.#doom) throw this.#doom;
    refuseSessionStatement(sql, true);
    return this.#send(() => this.#session.query(sql, params));
  }

  async #send<T>(statement: () => Promise<T>): Promise<T> {
    try {
      return await statement();
    } catch (error) {
      const engineError = judge(translated(this.#session, error), 'transaction');
      if (endsTransaction(engineError)) this.#doom ??= engineError;
      throw engineError;
    }
  }

  async #inTime<T>(work: Promise<T>): Promise<T> {
    try {
      return await this.#deadline.race(work, () => this.#session.destroy());
    } catch (error) {
      const isOurs = error instanceof EngineError && (error.code === 'timeout' || error.code === 'aborted');
      throw isOurs ? this.#session.translate(error) : (this.#doom ?? error);
    }
  }
}

/**
 * After these the server has rolled back (or may have), and MySQL would run the next statement outside any
 * transaction. Other errors undo one statement there; on PostgreSQL they make COMMIT answer ROLLBACK.
 */
function endsTransaction({ code }: EngineError): boolean {
  return (
    code === 'deadlock' || code === 'connection-lost' || code === 'timeout' || code === 'outcome-unknown'
  );
}
