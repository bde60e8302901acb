/**
 * Ends all the calls that listen to it, at once: what an AbortSignal does, for the one that is shared by every read of a
 * node. Joining and leaving an AbortSignal costs a microsecond; this costs two steps in a Set.
 */
export class Halt {
  readonly #listeners = new Set<HaltListener>();
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  join(listener: HaltListener): void {
    this.#listeners.add(listener);
  }

  leave(listener: HaltListener): void {
    this.#listeners.delete(listener);
  }

  /** For good: who comes later is too late as well. */
  end(): void {
    this.#isOver = true;
    for (const listener of this.#listeners) listener.halted();
    this.#listeners.clear();
  }
}

export interface HaltListener {
  halted(): void;
}
