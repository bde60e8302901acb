import { type Dispatcher, Pool } from 'undici';

/** What became of one request. Times in ms of this process's monotonic clock. */
export interface Operation {
  readonly sentMs: number;
  readonly endedMs: number;
  readonly outcome: Outcome;
  /** The database node that served it. */
  readonly node: string | null;
  /** Status and problem code, or the error of the connection: for what was not as wished. */
  readonly detail: string;
}

/** `failed`: the answer says that nothing was done. `unknown`: it says that it does not know, or there was none. */
export type Outcome = 'ok' | 'failed' | 'unknown';

export interface Write extends Operation {
  readonly kind: 'create' | 'update';
  /** The row's unique address. */
  readonly email: string;
  /** Answered with "exists already": for a row of its own, it was executed before. */
  readonly existed: boolean;
}

export interface Read extends Operation {
  readonly level: 'eventual' | 'session';
  /** At `session`: the write that it had to find was not there. */
  readonly violation: boolean;
}

export interface LoadRates {
  readonly writesPerSecond: number;
  readonly readsPerSecond: number;
}

/** Slower is no answer. Longer than anything waits in the lab. */
const ANSWER_WITHIN_MS = 20_000;
/** Requests under way at most; beyond that, what was due is not sent, and counted. */
const UNDER_WAY_MAX = 2_000;
const CONNECTIONS = 512;
const TICK_MS = 5;
const SESSIONS = 10;
const COUNTERS = 5;

interface Session {
  readonly id: number;
  readonly token: string;
}

/**
 * Clients of the lab, through HAProxy: an open loop, so that a lab that stands still is asked as often as one that serves.
 * Of five writes four create a row with a unique address, and one changes one of a few rows whose version counts how often
 * that was done. Of two reads one is `eventual`, one a `session` read of the session's own newest write.
 */
export class DrillLoad {
  readonly #pool: Pool;
  readonly #rates: LoadRates;
  readonly #prefix: string;
  readonly #sessions: (Session | null)[] = Array(SESSIONS).fill(null);
  readonly #counters: { readonly id: number; readonly email: string }[] = [];
  readonly #underWay = new Set<Promise<void>>();
  readonly writes: Write[] = [];
  readonly reads: Read[] = [];
  /** Due, and not sent because too many were under way. */
  unsent = 0;
  #timer: NodeJS.Timeout | undefined;
  #startedMs = 0;
  #due = { writes: 0, reads: 0 };
  #newestAck: Write | null = null;

  /** `prefix` makes the addresses of this trial unlike all others. */
  constructor(baseUrl: string, prefix: string, rates: LoadRates) {
    this.#pool = new Pool(baseUrl, {
      connections: CONNECTIONS,
      headersTimeout: ANSWER_WITHIN_MS,
      bodyTimeout: ANSWER_WITHIN_MS,
      keepAliveTimeout: 20_000,
    });
    this.#prefix = prefix;
    this.#rates = rates;
  }

  get newestAck(): Write | null {
    return this.#newestAck;
  }

  /** Makes the rows that are changed again and again, and begins. Throws when the lab takes no writes. */
  async start(): Promise<void> {
    for (let i = 0; i < COUNTERS; i++) {
      const email = `${this.#prefix}-counter-${i}@drill.test`;
      const { status, body } = await this.#send('POST', '/users', {}, { name: 'Counter', email });
      if (status !== 201)
        throw new Error(`the lab took no write before the fault: ${status} ${codeOf(body)}`);
      this.#counters.push({ id: (body as { id: number }).id, email });
    }
    this.#startedMs = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Ends sending, and waits for the answers that are due. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    await this.#pool.destroy();
  }

  #tick(): void {
    const seconds = (performance.now() - this.#startedMs) / 1000;
    for (; this.#due.writes < seconds * this.#rates.writesPerSecond; this.#due.writes++) {
      this.#launch(
        this.#due.writes % 5 === 4 ? this.#update(this.#due.writes) : this.#create(this.#due.writes),
      );
    }
    for (; this.#due.reads < seconds * this.#rates.readsPerSecond; this.#due.reads++) {
      this.#launch(this.#read(this.#due.reads));
    }
  }

  #launch(operation: (() => Promise<void>) | null): void {
    if (operation === null) return;
    if (this.#underWay.size >= UNDER_WAY_MAX) {
      this.unsent++;
      return;
    }
    const running = operation().finally(() => this.#underWay.delete(running));
    this.#underWay.add(running);
  }

  #create(n: number): () => Promise<void> {
    const email = `${this.#prefix}-${n}@drill.test`;
    return async () => {
      const write = await this.#write('POST', '/users', { name: 'Drill', email });
      this.#keep({ ...write.operation, kind: 'create', email, existed: write.code === 'email-taken' });
      if (write.operation.outcome !== 'ok' || write.token === null) return;
      this.#sessions[n % SESSIONS] = { id: (write.body as { id: number }).id, token: write.token };
    };
  }

  #update(n: number): () => Promise<void> {
    const { id, email } = this.#counters[n % COUNTERS]!;
    return async () => {
      const { operation } = await this.#write('PATCH', `/users/${id}`, { name: `Counter ${n}` });
      this.#keep({ ...operation, kind: 'update', email, existed: false });
    };
  }

  #keep(write: Write): void {
    this.writes.push(write);
    if (write.outcome === 'ok') this.#newestAck = write;
  }

  async #write(method: 'POST' | 'PATCH', path: string, json: object) {
    const sentMs = performance.now();
    const { status, headers, body, error } = await this.#send(method, path, {}, json);
    const code = codeOf(body);
    const outcome = outcomeOf(status, code, error);
    const detail = outcome === 'ok' ? '' : `${status ?? errorText(error)} ${code}`;
    const operation = {
      sentMs,
      endedMs: performance.now(),
      outcome,
      node: text(headers['data-node']),
      detail,
    };
    return { operation, body, code, token: text(headers['consistency-token']) };
  }

  #read(n: number): (() => Promise<void>) | null {
    if (n % 2 === 0) {
      const { id } = this.#counters[(n / 2) % COUNTERS]!;
      return () => this.#get(id, 'eventual', { 'consistency-level': 'eventual' });
    }
    const session = this.#sessions[((n - 1) / 2) % SESSIONS];
    if (!session) return null;
    return () => this.#get(session.id, 'session', { 'consistency-token': session.token });
  }

  async #get(id: number, level: Read['level'], asked: Record<string, string>): Promise<void> {
    const sentMs = performance.now();
    const { status, headers, body, error } = await this.#send('GET', `/users/${id}`, asked);
    // A replica that lags may not have the row yet: that is what `eventual` means.
    const missing = status === 404;
    const ok = status === 200 || (missing && level === 'eventual');
    this.reads.push({
      sentMs,
      endedMs: performance.now(),
      outcome: ok ? 'ok' : 'failed',
      node: text(headers['data-node']),
      detail: ok ? '' : `${status ?? errorText(error)} ${codeOf(body)}`,
      level,
      violation: missing && level === 'session',
    });
  }

  async #send(
    method: 'GET' | 'POST' | 'PATCH',
    path: string,
    headers: Record<string, string>,
    json?: object,
  ) {
    const content = json ? { 'content-type': 'application/json' } : {};
    try {
      const response = await this.#pool.request({
        method,
        path,
        headers: { ...headers, ...content },
        body: json ? JSON.stringify(json) : null,
      });
      const body: unknown = await response.body.json().catch(() => null);
      return { status: response.statusCode, headers: response.headers, body, error: null };
    } catch (error) {
      return { status: null, headers: {} as Dispatcher.ResponseData['headers'], body: null, error };
    }
  }
}

const text = (value: string | string[] | undefined): string | null =>
  typeof value === 'string' ? value : null;

const codeOf = (body: unknown): string => (body as { code?: string } | null)?.code ?? '';

const errorText = (error: unknown): string =>
  (error as { code?: string } | null)?.code ?? (error instanceof Error ? error.message : String(error));

function outcomeOf(status: number | null, code: string, error: unknown): Outcome {
  if (status === null) return wasNeverSent(error) ? 'failed' : 'unknown';
  if (status < 300) return 'ok';
  return code === 'outcome-unknown' || status === 500 ? 'unknown' : 'failed';
}

const wasNeverSent = (error: unknown): boolean =>
  (error as { code?: string } | null)?.code === 'ECONNREFUSED';
