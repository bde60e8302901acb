/** Tokens that come back evenly with time. Starts full: a second's worth may be spent at once. */
interface Bucket {
  tokens: number;
  atMs: number;
}

export interface BudgetLimits {
  readonly perSecond: number;
  readonly perSessionPerSecond: number;
  /** Sessions remembered at once. */
  readonly sessions: number;
}

/**
 * How many reads sessions may force upon the primary. When replicas fall behind, every session wants the primary at
 * once; without a limit the one node that has to take the writes drowns in reads. And one client that writes and reads
 * in a tight loop must not use up what all the others need.
 */
export class PrimaryBudget {
  readonly #limits: BudgetLimits;
  readonly #all: Bucket;
  /** In order of last use: the first is the one longest idle. */
  readonly #sessions = new Map<string, Bucket>();

  constructor(limits: BudgetLimits) {
    this.#limits = limits;
    this.#all = { tokens: limits.perSecond, atMs: 0 };
  }

  /** True when `session` may read the primary now. Counts only what it allows. */
  take(session: string, nowMs: number): boolean {
    const { perSecond, perSessionPerSecond } = this.#limits;
    const own = this.#bucketOf(session, nowMs);
    refill(own, perSessionPerSecond, nowMs);
    refill(this.#all, perSecond, nowMs);
    if (own.tokens < 1 || this.#all.tokens < 1) return false;
    own.tokens -= 1;
    this.#all.tokens -= 1;
    return true;
  }

  get size(): number {
    return this.#sessions.size;
  }

  #bucketOf(session: string, nowMs: number): Bucket {
    const known = this.#sessions.get(session);
    if (known) this.#sessions.delete(session);
    const bucket = known ?? { tokens: this.#limits.perSessionPerSecond, atMs: nowMs };
    this.#sessions.set(session, bucket);
    if (this.#sessions.size > this.#limits.sessions) {
      const [longestIdle] = this.#sessions.keys();
      this.#sessions.delete(longestIdle!);
    }
    return bucket;
  }
}

function refill(bucket: Bucket, perSecond: number, nowMs: number): void {
  bucket.tokens = Math.min(perSecond, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * perSecond);
  bucket.atMs = nowMs;
}
