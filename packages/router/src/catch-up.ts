import type { Position, PositionOps } from '@replication-lab/engines';

interface Waiter {
  readonly position: Position;
  readonly sinceMs: number;
  readonly settle: (reached: boolean) => void;
}

/** Weight of the newest observation of how fast a node applies. */
const RATE_WEIGHT = 0.3;
/** What was observed longer ago than this says nothing any more. */
const VALID_MS = 10_000;

/**
 * How one replica moves forward, and who waits for it. All waiters share the one watcher that asks the node: nobody
 * holds a connection while waiting. Time is an argument.
 */
export class CatchUp {
  readonly #positions: Pick<PositionOps, 'covers' | 'distance'>;
  readonly #limit: number;
  readonly #waiters = new Set<Waiter>();
  #position: Position | null = null;
  #atMs = 0;
  #ratePerMs = 0;
  #movedAtMs = Number.NEGATIVE_INFINITY;
  /** What somebody waited for in vain, until the node holds it. */
  #overdue: { readonly position: Position; readonly sinceMs: number } | null = null;
  /** How long the last wait took, or would have taken. */
  #lagMs = 0;
  #lagAtMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  /** `limit`: waiters at once. */
  constructor(positions: Pick<PositionOps, 'covers' | 'distance'>, limit: number) {
    this.#positions = positions;
    this.#limit = limit;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** The node stands at `position` at `atMs`. */
  moved(position: Position, atMs: number): void {
    const before = this.#position;
    if (before !== null && position !== before && atMs > this.#atMs) {
      const rate =
        this.#positions.distance(position, before) === 0
          ? this.#positions.distance(before, position) / (atMs - this.#atMs)
          : 0; // it went back: another life of the node
      this.#ratePerMs =
        this.#ratePerMs === 0 ? rate : this.#ratePerMs * (1 - RATE_WEIGHT) + rate * RATE_WEIGHT;
      this.#movedAtMs = atMs;
    }
    if (position === before) this.#atMs = Math.max(this.#atMs, atMs);
    else {
      this.#position = position;
      this.#atMs = atMs;
    }
    const holds = (wanted: Position) => this.#positions.covers(position, wanted);
    if (this.#overdue && holds(this.#overdue.position)) {
      this.#observeLag(atMs - this.#overdue.sinceMs, atMs);
      this.#overdue = null;
    }
    for (const waiter of this.#waiters) {
      if (!holds(waiter.position)) continue;
      this.#observeLag(atMs - waiter.sinceMs, atMs);
      waiter.settle(true);
    }
  }

  /** The way to the node broke, or the node is no replica: nobody knows when it gets anywhere. */
  lost(): void {
    this.#position = null;
    this.#ratePerMs = 0;
    this.#overdue = null;
    for (const waiter of this.#waiters) waiter.settle(false);
  }

  /**
   * Milliseconds until the node probably holds `position`: what it lacks over how fast it last moved, less the time since,
   * and not less than waits took lately. Infinite while it lacks what somebody has already waited for in vain.
   */
  etaMs(position: Position, nowMs: number): number {
    if (this.#position === null) return Number.POSITIVE_INFINITY;
    const gap = this.#positions.distance(this.#position, position);
    if (gap === 0) return 0;
    if (this.#overdue && this.#positions.covers(position, this.#overdue.position)) {
      return Number.POSITIVE_INFINITY;
    }
    const lagMs = nowMs - this.#lagAtMs <= VALID_MS ? this.#lagMs : 0;
    // Nothing was seen to move: it is idle, or it is stuck. The first question tells which.
    if (this.#ratePerMs === 0 || nowMs - this.#movedAtMs > VALID_MS) return lagMs;
    return Math.max(lagMs, gap / this.#ratePerMs - (nowMs - this.#atMs));
  }

  /** Nobody asks the node any more. */
  close(): void {
    this.#closed = true;
    this.lost();
  }

  /** Resolves true once the node is seen to hold `position`; false at the deadline, or when it cannot be waited for. */
  wait(
    position: Position,
    { nowMs, timeoutMs, signal }: { nowMs: number; timeoutMs: number; signal: AbortSignal | undefined },
  ): Promise<boolean> {
    if (this.#closed || this.#waiters.size >= this.#limit || signal?.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (reached: boolean) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#waiters.delete(waiter);
        resolve(reached);
      };
      const waiter: Waiter = { position, sinceMs: nowMs, settle };
      const onAbort = () => settle(false);
      const timer = setTimeout(() => {
        this.#overdue ??= { position, sinceMs: nowMs };
        settle(false);
      }, timeoutMs);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  #observeLag(lagMs: number, atMs: number): void {
    this.#lagMs = Math.max(0, lagMs); // the node was asked a moment before the wait began
    this.#lagAtMs = atMs;
  }
}
