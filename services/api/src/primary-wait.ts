import { setTimeout as sleep } from 'node:timers/promises';
import type { Router } from '@replication-lab/router';

export interface PrimaryWaitOptions {
  /** How long one write waits for a primary; 0: not at all. */
  readonly waitMs: number;
  /** Writes waiting at once; one more is refused at once, so that reads keep their room while there is no primary. */
  readonly maxWaiting: number;
}

const LOOK_AGAIN_MS = 25;

/**
 * Lets a write that found no primary wait a moment for one. Nothing of it was done then, so it may be tried again: a
 * planned change of the primary, or a hiccup, costs a short delay in place of an error.
 */
export class PrimaryWait {
  readonly #router: Pick<Router, 'topology'>;
  readonly #options: PrimaryWaitOptions;
  #waiting = 0;

  constructor(router: Pick<Router, 'topology'>, options: PrimaryWaitOptions) {
    this.#router = router;
    this.#options = options;
  }

  /** Until when a write that has found no primary just now may wait, by `performance.now()`. */
  deadline(remainingMs: number): number {
    return performance.now() + Math.min(this.#options.waitMs, remainingMs);
  }

  /** True as soon as it is worth another try; false when it is too late, or too many wait already. */
  async again(deadline: number): Promise<boolean> {
    if (performance.now() >= deadline || this.#waiting >= this.#options.maxWaiting) return false;
    this.#waiting += 1;
    try {
      do await sleep(LOOK_AGAIN_MS);
      while (this.#router.topology().primary === null && performance.now() < deadline);
      return this.#router.topology().primary !== null;
    } finally {
      this.#waiting -= 1;
    }
  }
}
