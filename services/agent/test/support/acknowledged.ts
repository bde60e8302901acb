import { setTimeout as sleep } from 'node:timers/promises';
import { until } from './wait.ts';

export interface Acknowledged {
  readonly id: number;
  readonly email: string;
}

/** Creates users without pause, each once, as clients that do not give up; remembers which were acknowledged. */
export class AcknowledgedWrites {
  readonly #url: string;
  readonly #stop = new AbortController();
  readonly #acknowledged: Acknowledged[] = [];
  readonly #workers: Promise<void>[];

  constructor(baseUrl: string, workers = 4) {
    this.#url = `${baseUrl}/users`;
    this.#workers = Array.from({ length: workers }, () => this.#work());
  }

  /** Goes on until so many more are acknowledged. */
  async more(count: number): Promise<void> {
    const goal = this.#acknowledged.length + count;
    await until(`${count} more acknowledged writes`, 60_000, async () => this.#acknowledged.length >= goal);
  }

  async stop(): Promise<readonly Acknowledged[]> {
    this.#stop.abort();
    await Promise.all(this.#workers);
    return this.#acknowledged;
  }

  async #work(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const email = `${crypto.randomUUID()}@quorum.test`;
      const response = await create(this.#url, email, 10_000);
      if (response?.status === 201) {
        const { id } = (await response.json()) as { id: number };
        this.#acknowledged.push({ id, email });
      }
      await sleep(20);
    }
  }
}

/** Null when no answer came in time. */
export async function create(url: string, email: string, timeoutMs: number): Promise<Response | null> {
  return fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: 'Load', email }),
    signal: AbortSignal.timeout(timeoutMs),
  }).catch(() => null);
}
