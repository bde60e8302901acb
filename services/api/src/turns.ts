/** One caller's turn; it ends once, whatever came of it. */
export interface Turn {
  end(): void;
}

/** Lets callers with the same key go one after another. */
export class Turns {
  /** The end of the last turn given out for each key that is in use. */
  readonly #last = new Map<string, Promise<void>>();

  /** Waits for those who came before, at most `waitMs`; null when it was not this caller's turn by then. */
  async take(key: string, waitMs: number): Promise<Turn | null> {
    const before = this.#last.get(key);
    const ended = Promise.withResolvers<void>();
    const last = before === undefined ? ended.promise : before.then(() => ended.promise);
    this.#last.set(key, last);
    const end = (): void => {
      ended.resolve();
      if (this.#last.get(key) === last) this.#last.delete(key);
    };
    if (before === undefined || (await settledWithin(before, waitMs))) return { end };
    // Those behind still wait for those before.
    ended.resolve();
    void last.then(end);
    return null;
  }

  /** Keys in use. */
  get size(): number {
    return this.#last.size;
  }
}

/** True when `work` was done within `waitMs`; rejects as it does. What comes of it later is ignored. */
export async function settledWithin(work: Promise<unknown>, waitMs: number): Promise<boolean> {
  const timeout = Promise.withResolvers<false>();
  const timer = setTimeout(() => timeout.resolve(false), Math.max(0, waitMs));
  try {
    return await Promise.race([work.then(() => true), timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
