import { setTimeout as sleep } from 'node:timers/promises';

export interface LoadResult {
  readonly answered: number;
  /** What went wrong, one line a failed read. */
  readonly failures: readonly string[];
  /** Reads by the API replica and by the database node that served them. */
  readonly servedBy: Readonly<Record<string, number>>;
  readonly dataNode: Readonly<Record<string, number>>;
}

/** Reads without a pause between `start` and `stop`: light, but enough that something is under way at any moment. */
export class ReadLoad {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #stop = new AbortController();
  readonly #workers: Promise<void>[];
  readonly #failures: string[] = [];
  readonly #servedBy: Record<string, number> = {};
  readonly #dataNode: Record<string, number> = {};
  #answered = 0;

  constructor(url: string, workers = 6, headers: Readonly<Record<string, string>> = {}) {
    this.#url = url;
    this.#headers = headers;
    this.#workers = Array.from({ length: workers }, () => this.#work());
  }

  async #work(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const response = await fetch(this.#url, {
          headers: this.#headers,
          signal: AbortSignal.timeout(10_000),
        });
        const body = await response.text();
        if (response.status === 200) this.#count(response.headers);
        else this.#failures.push(`${response.status} ${body.slice(0, 200)}`);
      } catch (error) {
        this.#failures.push(String((error as Error).cause ?? error));
      }
      await sleep(10);
    }
  }

  #count(headers: Headers): void {
    this.#answered++;
    const api = headers.get('served-by') ?? '?';
    const node = headers.get('data-node') ?? '?';
    this.#servedBy[api] = (this.#servedBy[api] ?? 0) + 1;
    this.#dataNode[node] = (this.#dataNode[node] ?? 0) + 1;
  }

  async stop(): Promise<LoadResult> {
    this.#stop.abort();
    await Promise.all(this.#workers);
    return {
      answered: this.#answered,
      failures: this.#failures,
      servedBy: this.#servedBy,
      dataNode: this.#dataNode,
    };
  }
}
