import { setTimeout as sleep } from 'node:timers/promises';

export interface Failure {
  readonly atMs: number;
  readonly what: string;
}

export interface LoadResult {
  readonly reads: number;
  readonly writes: number;
  readonly failures: readonly Failure[];
  /** By `Served-By` and by `Data-Node`. */
  readonly servedBy: Readonly<Record<string, number>>;
  readonly dataNode: Readonly<Record<string, number>>;
  readonly slowestMs: number;
}

export interface LoadOptions {
  readonly baseUrl: string;
  readonly readers: number;
  readonly writers: number;
  /** A path to read. */
  readonly path: string;
}

/**
 * Reads and writes without pause until it is stopped. Whatever is not the wanted answer is a failure: there is no
 * client here that tries again. (k6 measures; this only looks for failures.)
 */
export class Load {
  readonly #options: LoadOptions;
  readonly #stop = new AbortController();
  readonly #workers: Promise<void>[];
  readonly #start = performance.now();
  readonly #failures: Failure[] = [];
  readonly #servedBy: Record<string, number> = {};
  readonly #dataNode: Record<string, number> = {};
  #reads = 0;
  #writes = 0;
  #slowestMs = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    const readers = Array.from({ length: options.readers }, (_, i) => this.#loop(() => this.#read(i)));
    const writers = Array.from({ length: options.writers }, () => this.#loop(() => this.#write()));
    this.#workers = [...readers, ...writers];
  }

  get reads(): number {
    return this.#reads;
  }

  async stop(): Promise<LoadResult> {
    this.#stop.abort();
    await Promise.all(this.#workers);
    return {
      reads: this.#reads,
      writes: this.#writes,
      failures: this.#failures,
      servedBy: this.#servedBy,
      dataNode: this.#dataNode,
      slowestMs: Math.round(this.#slowestMs),
    };
  }

  async #loop(once: () => Promise<void>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await once();
      await sleep(5);
    }
  }

  async #read(i: number): Promise<void> {
    const level = i % 2 === 0 ? 'eventual' : 'session';
    await this.#request('GET', this.#options.path, 200, { headers: { 'Consistency-Level': level } });
    this.#reads += 1;
  }

  async #write(): Promise<void> {
    const email = `${crypto.randomUUID()}@load.test`;
    await this.#request('POST', '/users', 201, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: 'Load', email }),
    });
    this.#writes += 1;
  }

  async #request(verb: string, path: string, want: number, init: RequestInit): Promise<void> {
    const start = performance.now();
    try {
      const response = await fetch(`${this.#options.baseUrl}${path}`, {
        ...init,
        signal: AbortSignal.timeout(15_000),
      });
      const body = await response.text();
      if (response.status !== want) this.#fail(start, `${verb} ${response.status} ${body.slice(0, 200)}`);
      this.#count(this.#servedBy, response.headers.get('served-by'));
      if (verb === 'GET') this.#count(this.#dataNode, response.headers.get('data-node'));
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
      this.#fail(start, `${verb} ${error instanceof Error ? error.message : String(error)}${cause}`);
    }
    this.#slowestMs = Math.max(this.#slowestMs, performance.now() - start);
  }

  #count(where: Record<string, number>, key: string | null): void {
    if (key) where[key] = (where[key] ?? 0) + 1;
  }

  #fail(start: number, what: string): void {
    this.#failures.push({ atMs: Math.round(start - this.#start), what });
  }
}
