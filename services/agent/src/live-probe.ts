import type { Connection, Credentials, Endpoint, EngineClient, NodeProbe } from '@replication-lab/engines';

export interface LiveAnswer {
  /** The database server answered, if only to refuse the login. */
  readonly up: boolean;
  /** Null when it could not be asked; `error` then says why. */
  readonly probe: NodeProbe | null;
  readonly error: string | null;
}

/**
 * Asks one node what it is, on a connection that is kept open, with a new question for every caller: an answer never
 * dates from before the call. Callers who come while a question is under way share the next one, so that a slow
 * database has at most one question and a queue of length one.
 */
export class LiveProbe {
  readonly #client: EngineClient;
  readonly #endpoint: Endpoint;
  readonly #credentials: Credentials;
  readonly #timeoutMs: number;
  #connection: Connection | null = null;
  #running: Promise<LiveAnswer> | null = null;
  #next: Promise<LiveAnswer> | null = null;

  constructor(client: EngineClient, endpoint: Endpoint, credentials: Credentials, timeoutMs: number) {
    this.#client = client;
    this.#endpoint = endpoint;
    this.#credentials = credentials;
    this.#timeoutMs = timeoutMs;
  }

  /** Never throws; takes at most about two times `timeoutMs` (the question under way, then this one). */
  ask(): Promise<LiveAnswer> {
    if (!this.#running) return this.#start();
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      return this.#start();
    });
    return this.#next;
  }

  close(): void {
    this.#connection?.destroy();
    this.#connection = null;
  }

  #start(): Promise<LiveAnswer> {
    const answer = this.#probe().finally(() => {
      if (this.#running === answer) this.#running = null;
    });
    this.#running = answer;
    return answer;
  }

  async #probe(): Promise<LiveAnswer> {
    try {
      this.#connection ??= await this.#client.connect(this.#endpoint, this.#credentials, {
        connectTimeoutMs: this.#timeoutMs,
      });
      const probe = await this.#client.probe(this.#connection, { timeoutMs: this.#timeoutMs });
      return { up: true, probe, error: null };
    } catch (error) {
      this.close();
      const code = (error as { code?: string }).code;
      const message = error instanceof Error ? error.message : String(error);
      // Before bootstrap there is no account to log in with.
      return { up: code === 'access-denied' || code === 'bad-statement', probe: null, error: message };
    }
  }
}
