import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from '../../src/wait.ts';

export interface Written {
  readonly id: number;
  readonly email: string;
}

/** Creates users without a pause, each once, and remembers which were acknowledged. */
export class WriteLoad {
  readonly #url: string;
  readonly #stop = new AbortController();
  readonly #acknowledged: Written[] = [];
  /** Every other answer, one line a write. */
  readonly failures: string[] = [];
  readonly #workers: Promise<void>[];

  constructor(url: string, workers = 4) {
    this.#url = url;
    this.#workers = Array.from({ length: workers }, () => this.#work());
  }

  /** Waits until so many more were acknowledged. */
  async acknowledgedMore(count: number): Promise<void> {
    const enough = this.#acknowledged.length + count;
    await waitFor(() => this.#acknowledged.length >= enough, {
      what: `${count} more writes to be acknowledged`,
      timeoutMs: 60_000,
    });
  }

  /** All that were acknowledged. */
  async stop(): Promise<readonly Written[]> {
    this.#stop.abort();
    await Promise.all(this.#workers);
    return this.#acknowledged;
  }

  async #work(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const email = `${randomUUID()}@load.test`;
      let failure = 'no answer';
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'Load', email }),
        signal: AbortSignal.timeout(10_000),
      }).catch((error: Error) => {
        failure = String(error.cause ?? error);
        return null;
      });
      const body = await response?.json().catch(() => null);
      if (response?.status === 201) this.#acknowledged.push({ id: (body as Written).id, email });
      else this.failures.push(response ? `${response.status} ${JSON.stringify(body)}` : failure);
      await sleep(20);
    }
  }
}
