import {
  type Connection,
  type Credentials,
  type Endpoint,
  type EngineClient,
  EngineError,
} from '@replication-lab/engines';
import { DEFAULTS } from './settings.ts';
import type { FailedProbe, GoodProbe } from './view.ts';

export interface WatcherOptions {
  readonly client: EngineClient;
  readonly endpoint: Endpoint;
  readonly credentials: Credentials;
  readonly database: string;
  /** Time until the next probe, asked after each one. */
  readonly intervalMs: () => number;
  readonly onGood: (seen: GoodProbe) => void;
  readonly onFailed: (failed: FailedProbe) => void;
  readonly now: () => number;
  readonly random: () => number;
}

/**
 * Asks one node how it is, again and again, over one connection of its own. Each node has its own watcher, so that
 * one node's silence delays nobody's news. The loop is sequential: a probe never starts before the last one ended.
 */
export class NodeWatcher {
  readonly #options: WatcherOptions;
  readonly #stop = new AbortController();
  #connection: Connection | null = null;
  #connectedAtMs = Number.NEGATIVE_INFINITY;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #wake: (() => void) | null = null;
  #poked = false;
  #next: PromiseWithResolvers<void> | null = null;
  #finished: Promise<void> = Promise.resolve();

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  start(): void {
    this.#finished = this.#run();
  }

  /** Something happened: ask now, or as soon as the last probe is `minPollGapMs` ago. */
  poke(): void {
    this.#poked = true;
    this.#wake?.();
  }

  /** Pokes, and resolves when a probe that began after this call has ended, well or badly. All callers share it. */
  refresh(): Promise<void> {
    this.#next ??= Promise.withResolvers<void>();
    this.poke();
    return this.#next.promise;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#wake?.();
    this.#drop();
    await this.#finished;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const next = this.#next;
      this.#next = null;
      const lost = await this.#ask();
      next?.resolve();
      // A connection that broke may be the connection's fault alone: try a new one before judging the node.
      if (!lost) await this.#pause();
    }
    this.#drop();
    this.#next?.resolve();
  }

  /** One probe. True when an established connection broke and the node deserves another attempt at once. */
  async #ask(): Promise<boolean> {
    const { client, now, onGood, onFailed } = this.#options;
    const hadConnection = this.#connection !== null;
    const startedAtMs = now();
    this.#lastStartMs = startedAtMs;
    this.#poked = false;
    try {
      const connection = this.#connection ?? (await this.#connect());
      const askedAtMs = hadConnection ? startedAtMs : now();
      const probe = await client.probe(connection, { timeoutMs: DEFAULTS.probeTimeoutMs });
      if (this.#stop.signal.aborted) return false;
      onGood({ probe, startedAtMs: askedAtMs, endedAtMs: now(), connectedAtMs: this.#connectedAtMs });
      return false;
    } catch (error) {
      const connected = this.#connection !== null;
      this.#drop();
      if (this.#stop.signal.aborted) return false;
      onFailed({ error: describe(error), refused: !connected && isRefusal(error, now() - startedAtMs) });
      return hadConnection && error instanceof EngineError && error.code === 'connection-lost';
    }
  }

  async #connect(): Promise<Connection> {
    const { client, endpoint, credentials, database, now } = this.#options;
    const connectTimeoutMs = DEFAULTS.monitorConnectTimeoutMs;
    const connection = await client.connect(endpoint, credentials, { database, connectTimeoutMs });
    if (this.#stop.signal.aborted) {
      connection.destroy();
      throw new EngineError('aborted', 'the router was closed', { endpoint });
    }
    this.#connection = connection;
    this.#connectedAtMs = now();
    return connection;
  }

  #drop(): void {
    this.#connection?.destroy();
    this.#connection = null;
  }

  async #pause(): Promise<void> {
    const { intervalMs, now, random } = this.#options;
    const sinceStartMs = () => now() - this.#lastStartMs;
    // A node that is away is asked with jitter, so that many routers do not greet its return as one.
    const waitMs = intervalMs() * (this.#connection ? 1 : 0.75 + random() / 2);
    while (!this.#stop.signal.aborted) {
      const untilMs = this.#poked ? Math.min(waitMs, DEFAULTS.minPollGapMs) : waitMs;
      const leftMs = untilMs - sinceStartMs();
      if (leftMs <= 0) return;
      await this.#sleep(leftMs);
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = done;
    });
  }
}

/** Did the host say that no server is there? A connect that ran into its deadline says only that it is slow. */
function isRefusal(error: unknown, tookMs: number): boolean {
  return (
    error instanceof EngineError &&
    error.code === 'connect-failed' &&
    tookMs < DEFAULTS.monitorConnectTimeoutMs * 0.9
  );
}

const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error));
