import { AsyncLocalStorage } from 'node:async_hooks';
import type { Transaction } from '@replication-lab/engines';
import type { SessionHandle } from './session-handle.ts';
import type { Decision } from './types.ts';

/** A transaction under way, as the statements inside it find it. */
export interface RunningTransaction {
  readonly tx: Transaction;
  readonly decision: Omit<Decision, 'reason'>;
  /** Set when `work` has ended: what goes on after it (a timer, a queue that was first used there) is outside. */
  over: boolean;
}

interface RunningSession {
  readonly handle: SessionHandle;
  /** Set when the promise of its work has settled. Work that returns none (a callback) has no end that could be seen. */
  over: boolean;
}

interface Scope {
  readonly transaction: RunningTransaction | null;
  readonly session: RunningSession | null;
}

const OUTSIDE: Scope = { transaction: null, session: null };

/**
 * What surrounds a call without being handed to it: a transaction (so that a statement cannot leave it by mistake) and a
 * session. One for each router, so that two routers in one process do not meet. It follows `await`, timers and promises
 * as `AsyncLocalStorage` does, and a scope that has ended counts for nothing, wherever it was carried.
 */
export class CallContext {
  readonly #storage = new AsyncLocalStorage<Scope>();

  get transaction(): RunningTransaction | null {
    const transaction = this.#storage.getStore()?.transaction ?? null;
    return transaction?.over ? null : transaction;
  }

  get session(): SessionHandle | null {
    const session = this.#storage.getStore()?.session ?? null;
    return session === null || session.over ? null : session.handle;
  }

  insideTransaction<T>(transaction: RunningTransaction, work: () => T): T {
    return this.#storage.run({ ...(this.#storage.getStore() ?? OUTSIDE), transaction }, work);
  }

  insideSession<T>(handle: SessionHandle, work: () => T): T {
    const session = { handle, over: false };
    const result = this.#storage.run({ transaction: this.transaction, session }, work);
    if (result instanceof Promise) {
      const end = () => {
        session.over = true;
      };
      result.then(end, end);
    }
    return result;
  }
}
