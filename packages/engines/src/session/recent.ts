/**
 * Remembers about the last entries that were used, in two generations: when the young one is full it becomes the old one,
 * and what was in the old one and not asked for since is forgotten. No bookkeeping for each use, and a stream of keys that
 * never come again can neither make it grow nor drive out what is in use.
 */
export class Recent<T> {
  readonly #mostEntries: number;
  readonly #mostChars: number;
  #young = new Map<string, T>();
  #old: ReadonlyMap<string, T> = new Map();
  #youngChars = 0;

  /** `chars`: of all keys together. Each generation has half of both bounds. */
  constructor(entries: number, chars = Number.POSITIVE_INFINITY) {
    this.#mostEntries = Math.ceil(entries / 2);
    this.#mostChars = chars / 2;
  }

  get(key: string): T | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: T): void {
    const isFull = this.#young.size >= this.#mostEntries || this.#youngChars + key.length > this.#mostChars;
    if (isFull && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngChars = 0;
    }
    if (!this.#young.has(key)) this.#youngChars += key.length;
    this.#young.set(key, value);
  }
}
