import { type CallOptions, EngineError } from '../types.ts';
import { type Alarm, alarmClock } from './alarm-clock.ts';
import type { Halt, HaltListener } from './halt.ts';

/**
 * The end of one call: its time limit, its caller's AbortSignal and its node's `Halt`, counted from the moment this is made.
 * It covers everything the call does: waiting for a connection, the statements, the rollback.
 */
export class Deadline {
  readonly endsAtMs: number;
  readonly #timeoutMs: number | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #halt: Halt | undefined;

  constructor({ timeoutMs, signal, halt }: CallOptions = {}) {
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
    this.#halt = halt;
    this.endsAtMs = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
  }

  /** Was it over when it began? Looks at no clock. */
  isOverFromTheStart(): boolean {
    const noTime = this.#timeoutMs !== undefined && this.#timeoutMs <= 0;
    return noTime || this.#signal?.aborted === true || this.#halt?.isOver === true;
  }

  remainingMs(): number {
    return Math.max(0, this.endsAtMs - performance.now());
  }

  /** Throws EngineError `aborted` or `timeout` when the end has come. */
  check(): void {
    const error = this.reached();
    if (error) throw error;
  }

  /** EngineError `aborted` or `timeout` when the end has come, else null. */
  reached(): EngineError | null {
    if (this.#signal?.aborted || this.#halt?.isOver) return this.#aborted();
    return this.endsAtMs <= performance.now() ? this.#timedOut() : null;
  }

  /**
   * Calls `expire` when the end comes, and at most once; at once where the caller has given up already. Whoever is done
   * before calls `stop` on what this returns; null where there is no limit at all.
   */
  watch(expire: (error: EngineError) => void): Watch | null {
    if (!this.#isLimited()) return null;
    return new Watch(this.endsAtMs, this.#signal, this.#halt, (isAborted) =>
      expire(isAborted ? this.#aborted() : this.#timedOut()),
    );
  }

  #isLimited(): boolean {
    return this.#timeoutMs !== undefined || this.#signal !== undefined || this.#halt !== undefined;
  }

  /**
   * Settles as `work` does. When the end comes first, calls `giveUp` once and rejects with EngineError `timeout` or
   * `aborted`; what `work` does afterwards is ignored.
   */
  race<T>(work: Promise<T>, giveUp: () => void): Promise<T> {
    if (!this.#isLimited()) return work;
    return new Promise<T>((resolve, reject) => {
      const watch = this.watch((error) => {
        reject(error);
        giveUp();
      });
      work.then(
        (value) => {
          watch?.stop();
          resolve(value);
        },
        (error) => {
          watch?.stop();
          reject(error);
        },
      );
    });
  }

  #timedOut(): EngineError {
    return new EngineError('timeout', `no answer within ${this.#timeoutMs} ms`);
  }

  #aborted(): EngineError {
    const isHalted = !this.#signal?.aborted && this.#halt?.isOver;
    if (isHalted) return new EngineError('aborted', 'the node fell silent');
    return new EngineError('aborted', 'the caller gave up', { cause: this.#signal?.reason });
  }
}

/** See `Deadline.watch`. Itself alarm and listener, because there is one for every statement. */
class Watch implements Alarm, HaltListener {
  readonly endsAtMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #halt: Halt | undefined;
  #expire: ((isAborted: boolean) => void) | null;

  constructor(
    endsAtMs: number,
    signal: AbortSignal | undefined,
    halt: Halt | undefined,
    expire: (isAborted: boolean) => void,
  ) {
    this.endsAtMs = endsAtMs;
    this.#signal = signal;
    this.#halt = halt;
    this.#expire = expire;
    if (signal?.aborted || halt?.isOver) {
      this.#end(true);
      return;
    }
    signal?.addEventListener('abort', this);
    halt?.join(this);
    if (endsAtMs !== Number.POSITIVE_INFINITY) alarmClock.set(this);
  }

  stop(): void {
    if (!this.#expire) return;
    this.#expire = null;
    alarmClock.clear(this);
    this.#halt?.leave(this);
    this.#signal?.removeEventListener('abort', this);
  }

  /** The signal's listener. */
  handleEvent(): void {
    this.#end(true);
  }

  halted(): void {
    this.#end(true);
  }

  ring(): void {
    this.#end(false);
  }

  #end(isAborted: boolean): void {
    const expire = this.#expire;
    this.stop();
    expire?.(isAborted);
  }
}
