import type { CallOptions, Connection, Endpoint, SqlResult, SqlValue } from '../types.ts';
import { Deadline } from './deadline.ts';
import type { Session } from './session.ts';

const CLOSE_TIMEOUT_MS = 1000;

/** A `Connection` over one session, for tools and the monitor. Not shared: its user sees to the order of calls. */
export class ToolConnection<S extends Session> implements Connection {
  readonly session: S;

  constructor(session: S) {
    this.session = session;
  }

  get endpoint(): Endpoint {
    return this.session.endpoint;
  }

  query(sql: string, params: readonly SqlValue[] = [], options?: CallOptions): Promise<SqlResult> {
    return this.run((session) => session.query(sql, params), options);
  }

  /** Runs `work` on the session within the call's deadline; errors become EngineErrors. */
  async run<T>(work: (session: S) => Promise<T>, options?: CallOptions): Promise<T> {
    const deadline = new Deadline(options);
    try {
      deadline.check();
      return await deadline.race(work(this.session), () => this.session.destroy());
    } catch (error) {
      throw this.session.translate(error);
    }
  }

  onClose(listener: () => void): void {
    this.session.onClose(listener);
  }

  async close(): Promise<void> {
    const giveUp = (): void => this.session.destroy();
    await new Deadline({ timeoutMs: CLOSE_TIMEOUT_MS }).race(this.session.end(), giveUp).catch(giveUp);
  }

  destroy(): void {
    this.session.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
