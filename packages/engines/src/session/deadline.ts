import { type CallOptions, EngineError } from '../types.ts';

/** Node fires longer timers at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * The end of one call: its time limit and its caller's AbortSignal, counted from the moment this is made.
 * It covers everything the call does: waiting for a connection, the statements, the rollback.
 */
export class Deadline {
  readonly #endsAt: number;
  readonly #timeoutMs: number | undefined;
  readonly #signal: AbortSignal | undefined;

  constructor({ timeoutMs, signal }: CallOptions = {}) {
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
    this.#endsAt = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
  }

  remainingMs(): number {
    return Math.max(0, this.#endsAt - performance.now());
  }

  /** Throws EngineError `aborted` or `timeout` when the end has come. */
  check(): void {
    if (this.#signal?.aborted) throw this.#aborted();
    if (this.remainingMs() === 0) throw this.#timedOut();
  }

  /**
   * Settles as `work` does. When the end comes first, calls `giveUp` once and rejects with EngineError `timeout` or
   * `aborted`; what `work` does afterwards is ignored.
   */
  race<T>(work: Promise<T>, giveUp: () => void): Promise<T> {
    if (this.#timeoutMs === undefined && !this.#signal) return work;
    return new Promise<T>((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        this.#signal?.removeEventListener('abort', onAbort);
        settle();
      };
      const expire = (error: EngineError): void => {
        finish(() => reject(error));
        giveUp();
      };
      const onAbort = (): void => expire(this.#aborted());
      const timer =
        this.#timeoutMs === undefined
          ? undefined
          : setTimeout(() => expire(this.#timedOut()), Math.min(Math.ceil(this.remainingMs()), MAX_TIMER_MS));
      work.then(
        (value) => finish(() => resolve(value)),
        (error) => finish(() => reject(error)),
      );
      if (this.#signal?.aborted) onAbort();
      else this.#signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  #timedOut(): EngineError {
    return new EngineError('timeout', `no answer within ${this.#timeoutMs} ms`);
  }

  #aborted(): EngineError {
    return new EngineError('aborted', 'the caller gave up', { cause: this.#signal?.reason });
  }
}
