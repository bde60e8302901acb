import { EngineError, type RowForm, type SqlResult, type SqlValue, type Transaction } from '../types.ts';
import { Deadline } from './deadline.ts';
import { refuseSessionStatement } from './guard.ts';
import { judge } from './outcome.ts';
import type { Access, Phase, Session } from './session.ts';

const ROLLBACK_TIMEOUT_MS = 1000;

/** One transaction on a borrowed session, from BEGIN to COMMIT or ROLLBACK. */
export class RunningTransaction<S extends Session> {
  readonly #session: S;
  readonly #deadline: Deadline;
  readonly #access: Access;
  /** The first failure that ended the transaction on the server, whatever `work` made of it. */
  #doom: EngineError | null = null;
  #over = false;

  constructor(session: S, deadline: Deadline, access: Access) {
    this.#session = session;
    this.#deadline = deadline;
    this.#access = access;
  }

  /** Errors that `work` throws of its own pass through unchanged. */
  async run<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    // Awaited, though a pipelining driver could send the first statement along with it: were BEGIN to fail (an
    // operator's cancel is enough), that statement would be committed on its own.
    await this.#inTime(this.#send('begin', () => this.#session.begin(this.#access)));
    return this.#inTime(work({ query: (sql, params = [], form) => this.#query(sql, params, form) }));
  }

  /** `end` sends the COMMIT. */
  async commit<E>(end: (session: S) => Promise<E>): Promise<E> {
    this.#over = true;
    if (this.#doom) throw this.#doom; // some engines have ended the transaction: what came after it was not part of it
    this.#deadline.check();
    try {
      return await this.#deadline.race(end(this.#session), () => this.#session.destroy());
    } catch (error) {
      throw judge(translated(this.#session, error), this.#access === 'read-only' ? 'read-only' : 'commit');
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

  async #query(sql: string, params: readonly SqlValue[], form?: RowForm): Promise<SqlResult> {
    if (this.#over) throw new EngineError('bad-statement', 'the transaction is over');
    if (this.#doom) throw this.#doom;
    refuseSessionStatement(sql, this.#access);
    const phase = this.#access === 'read-only' ? 'read-only' : 'transaction';
    return this.#send(phase, () => this.#session.query(sql, params, form));
  }

  async #send<T>(phase: Phase, statement: () => Promise<T>): Promise<T> {
    try {
      return await statement();
    } catch (error) {
      const failure = translated(this.#session, error);
      const meaning = judge(failure, phase);
      if (endsTransaction(failure)) this.#doom ??= meaning;
      throw meaning;
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

/** A server says that it ends a connection a moment before the socket closes: not to be lent in between. */
export function translated(session: Session, error: unknown): EngineError {
  const engineError = session.translate(error);
  if (engineError.code === 'connection-lost') session.destroy();
  return engineError;
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
