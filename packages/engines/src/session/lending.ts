import { type Endpoint, EngineError, type PoolStats } from '../types.ts';
import { Deadline } from './deadline.ts';
import type { Session } from './session.ts';

export interface LendingOptions<S extends Session> {
  readonly endpoint: Endpoint;
  readonly size: number;
  readonly queueLimit: number;
  readonly acquireTimeoutMs: number;
  /** Opens one session; rejects with an EngineError within its own time limit. */
  open(): Promise<S>;
}

/**
 * Logins of one pool under way at once. When a primary changes, all pools want theirs at the same moment: together they would
 * take the processor from each other, and from those who write already. The first of a few is done much sooner.
 */
const MAX_OPENING = 2;

interface Waiter<S> {
  readonly give: (session: S) => void;
  readonly fail: (error: EngineError) => void;
}

/**
 * A bounded stock of sessions, lent to one borrower at a time, first come first served. Opened when somebody needs one.
 *
 * Of our own making, for both drivers alike, because it has to promise what their pools do not: a bounded queue
 * *and* a bounded wait, an AbortSignal while waiting, and sessions that are destroyed rather than closed politely.
 */
export class Lending<S extends Session> {
  readonly #options: LendingOptions<S>;
  readonly #idle: S[] = []; // the last one returned is lent first, so that surplus ones stay unused
  readonly #busy = new Set<S>();
  readonly #waiters = new Set<Waiter<S>>();
  #opening = 0;
  #closed = false;
  #onDrained: (() => void) | null = null;

  constructor(options: LendingOptions<S>) {
    this.#options = options;
  }

  /**
   * A session that is connected and clean; give it back with `release`. Errors: `overloaded` (queue full: at once; none
   * free in time), `connect-failed`, `access-denied`, and the deadline's `timeout` and `aborted`. In all of them
   * nothing was sent.
   */
  async acquire(deadline: Deadline): Promise<S> {
    deadline.check();
    this.#refuseWhenClosed();
    const idle = this.takeIdle();
    if (idle) return idle;
    if (this.#waiters.size - this.#unlent() >= this.#options.queueLimit) {
      throw this.#overloaded(`all ${this.#options.size} connections are busy and the queue is full`);
    }
    return this.#wait(deadline);
  }

  /** What `acquire` would resolve with if it need not wait, else null. */
  takeIdle(): S | null {
    for (let session = this.#idle.pop(); session; session = this.#idle.pop()) {
      if (session.broken) continue;
      this.#busy.add(session);
      return session;
    }
    return null;
  }

  async #wait(deadline: Deadline): Promise<S> {
    const { promise, resolve, reject } = Promise.withResolvers<S>();
    let given: S | null = null;
    const give = (session: S): void => {
      given = session;
      resolve(session);
    };
    const waiter: Waiter<S> = { give, fail: reject };
    this.#waiters.add(waiter);
    this.#openForWaiters();
    const leave = (): void => {
      this.#waiters.delete(waiter);
    };
    const { acquireTimeoutMs } = this.#options;
    const inQueue = new Deadline({ timeoutMs: acquireTimeoutMs })
      .race(promise, leave)
      .catch((error) => Promise.reject(this.#whyNone(error, `within ${acquireTimeoutMs} ms`)));
    return deadline.race(inQueue, leave).catch((error) => {
      if (given) this.release(given); // it was given and given up in the same moment: nobody else would return it
      if (codeOf(error) === 'timeout' && this.#opening === 0)
        throw this.#whyNone(error, 'before the deadline');
      throw error;
    });
  }

  /** What a wait that took too long means: everybody is busy, or the node does not let anybody in. */
  #whyNone(error: unknown, when: string): unknown {
    if (codeOf(error) !== 'timeout') return error;
    if (this.#opening === 0) return this.#overloaded(`no connection became free ${when}`);
    const { endpoint } = this.#options;
    const message = `${endpoint.name}: no connection could be opened ${when}`;
    return new EngineError('connect-failed', message, { endpoint, cause: error });
  }

  /** Takes a session back. One that is not as it was when it was lent is destroyed. */
  release(session: S): void {
    if (!this.#busy.delete(session)) return;
    if (!session.clean || this.#closed) session.destroy();
    else this.#offer(session);
    this.#openForWaiters();
    this.#tellWhenDrained();
  }

  /**
   * Destroys what lies idle. When one connection of a node has gone silent the others may have too (a host that is gone
   * sends no goodbye), and each of them would cost its next borrower a whole timeout.
   */
  dropIdle(): void {
    for (const session of this.#idle.splice(0)) session.destroy();
  }

  /** To the first who waits, else to the stock. */
  #offer(session: S): void {
    const waiter = this.#waiters.size === 0 ? undefined : this.#waiters.values().next().value;
    if (!waiter) {
      this.#idle.push(session);
      return;
    }
    this.#waiters.delete(waiter);
    this.#busy.add(session);
    waiter.give(session);
  }

  /** Connections that are not in use, or not open yet. */
  #unlent(): number {
    return this.#options.size - this.#busy.size;
  }

  #openForWaiters(): void {
    const mayOpen = () => this.#opening < Math.min(MAX_OPENING, this.#unlent() - this.#idle.length);
    while (!this.#closed && this.#waiters.size > this.#opening && mayOpen()) {
      this.#opening += 1;
      this.#openOne().catch(() => {}); // told to the waiters
    }
  }

  async #openOne(): Promise<void> {
    try {
      const session = await this.#options.open();
      this.#opening -= 1;
      session.onClose(() => this.#forget(session));
      if (this.#closed) session.destroy();
      else if (!session.broken) this.#offer(session);
    } catch (error) {
      this.#opening -= 1;
      this.#openingFailed(error as EngineError);
    }
    this.#openForWaiters();
    this.#tellWhenDrained();
  }

  /** When no session is left that could ever become free, everybody who waits gets the reason at once. */
  #openingFailed(error: EngineError): void {
    const hopeless = this.#busy.size + this.#opening === 0;
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      waiter.fail(error);
      if (!hopeless) break;
    }
  }

  #forget(session: S): void {
    const index = this.#idle.indexOf(session);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  stats(): PoolStats {
    const [idle, busy] = [this.#idle.length, this.#busy.size];
    return { size: idle + busy + this.#opening, idle, busy, waiting: this.#waiters.size };
  }

  /** Refuses new borrowers, ends idle sessions, waits for busy ones until the deadline, destroys what is left. */
  async close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    for (const waiter of this.#waiters) waiter.fail(this.#closedError());
    this.#waiters.clear();
    const ending = this.#idle.splice(0).map((session) => {
      const giveUp = (): void => session.destroy();
      return new Deadline({ timeoutMs: deadlineMs }).race(session.end(), giveUp).catch(giveUp);
    });
    const { promise: drained, resolve } = Promise.withResolvers<void>();
    this.#onDrained = resolve;
    this.#tellWhenDrained();
    const destroyBusy = (): void => {
      for (const session of this.#busy) session.destroy();
    };
    await Promise.all([
      ...ending,
      new Deadline({ timeoutMs: deadlineMs }).race(drained, destroyBusy).catch(() => {}),
    ]);
  }

  #tellWhenDrained(): void {
    if (this.#busy.size + this.#opening === 0) this.#onDrained?.();
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw this.#closedError();
  }

  #closedError(): EngineError {
    const { endpoint } = this.#options;
    return new EngineError('connect-failed', `the pool of ${endpoint.name} is closed`, { endpoint });
  }

  #overloaded(why: string): EngineError {
    const { endpoint } = this.#options;
    return new EngineError('overloaded', `${endpoint.name}: ${why}`, { endpoint });
  }
}

const codeOf = (error: unknown) => (error instanceof EngineError ? error.code : null);
