import {
  type Connection,
  type Credentials,
  DATABASE_NAME,
  type Endpoint,
  type EngineClient,
  EngineError,
  type EngineErrorCode,
  type NodeProbe,
} from '@replication-lab/engines';

const SILENCE: readonly EngineErrorCode[] = ['connect-failed', 'connection-lost', 'timeout', 'aborted'];

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

  /** Never throws. At most about four times `timeoutMs`: connecting and asking, twice, after a question under way. */
  ask(): Promise<LiveAnswer> {
    if (!this.#running) return this.#start();
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      // One that began in between began after these callers asked, too.
      return this.#running ?? this.#start();
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

  /** A connection that was kept may be to a server that has ended: what it does not answer, a new one is asked. */
  async #probe(): Promise<LiveAnswer> {
    const wasKept = this.#connection !== null;
    const answer = await this.#attempt();
    return wasKept && answer.probe === null ? this.#attempt() : answer;
  }

  async #attempt(): Promise<LiveAnswer> {
    try {
      // In the lab's database: postgres sees the epoch from nowhere else.
      this.#connection ??= await this.#client.connect(this.#endpoint, this.#credentials, {
        database: DATABASE_NAME,
        connectTimeoutMs: this.#timeoutMs,
      });
      const probe = await this.#client.probe(this.#connection, { timeoutMs: this.#timeoutMs });
      return { up: true, probe, error: null };
    } catch (error) {
      this.close();
      const message = error instanceof Error ? error.message : String(error);
      // Before bootstrap there is neither the account nor the database: the refusal itself shows that a server is there.
      const up = error instanceof EngineError && !SILENCE.includes(error.code);
      return { up, probe: null, error: message };
    }
  }
}
