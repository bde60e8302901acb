export interface PrimaryWaitOptions {
  /** How long one write waits for a primary; 0: not at all. */
  readonly waitMs: number;
  /** Writes waiting at once; one more is refused at once. */
  readonly maxWaiting: number;
}

/**
 * Lets writes that found no primary wait a moment for one. Nothing of them was sent, so they may be tried again: a
 * planned change of the primary, or a hiccup, costs a short delay in place of an error. Bounded in time and number.
 */
export class PrimaryWait {
  readonly #options: PrimaryWaitOptions;
  readonly #waiting = new Set<() => void>();

  constructor(options: PrimaryWaitOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get waitMs(): number {
    return this.#options.waitMs;
  }

  /** There is a primary, or the router closes: everybody looks again. */
  wake(): void {
    for (const look of this.#waiting) look();
  }

  /** Resolves when it is worth another look, at `timeoutMs` at the latest; false when too many wait, or the caller left. */
  wait(timeoutMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (timeoutMs <= 0 || this.#waiting.size >= this.#options.maxWaiting || signal?.aborted) {
      return Promise.resolve(false);
    }
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        this.#waiting.delete(done);
        resolve(!signal?.aborted);
      };
      const timer = setTimeout(done, timeoutMs);
      signal?.addEventListener('abort', done, { once: true });
      this.#waiting.add(done);
    });
  }
}
