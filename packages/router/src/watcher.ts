import {
  type Connection,
  type EngineClient,
  EngineError,
  type Position,
  type Reign,
} from '@replication-lab/engines';
import { DEFAULTS } from './settings.ts';
import type { FailedProbe, GoodProbe } from './view.ts';

export interface WatcherOptions {
  readonly client: EngineClient;
  /** A new connection of the monitor account. */
  readonly connect: () => Promise<Connection>;
  /** Time until the next probe, asked after each one. */
  readonly intervalMs: () => number;
  /** The newest epoch whose reign is known already. */
  readonly knownEpoch: () => number;
  /** Somebody waits for this node to move forward. */
  readonly isAwaited: () => boolean;
  readonly onPosition: (position: Position, askedAtMs: number) => void;
  readonly onGood: (seen: GoodProbe, reigns: readonly Reign[]) => void;
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

  /** Somebody has begun to wait for this node: do not sleep on. */
  attend(): void {
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
      const limit = { timeoutMs: DEFAULTS.probeTimeoutMs };
      const probe = await client.probe(connection, limit);
      const endedAtMs = now();
      // A new reign is never shown without the place where it parted from the old one: tokens are judged by it.
      const known = this.#options.knownEpoch();
      const reigns = probe.epoch > known ? await client.reigns(connection, known, limit) : [];
      if (this.#stop.signal.aborted) return false;
      onGood({ probe, startedAtMs: askedAtMs, endedAtMs, connectedAtMs: this.#connectedAtMs }, reigns);
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
    const { connect, now } = this.#options;
    const connection = await connect();
    if (this.#stop.signal.aborted) {
      connection.destroy();
      throw new EngineError('aborted', 'the router was closed');
    }
    this.#connection = connection;
    this.#connectedAtMs = now();
    // A server that ends, and may be back before the next question, is heard of by this.
    connection.onClose(() => {
      if (this.#connection === connection) this.poke();
    });
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
    let positionAtMs = Number.NEGATIVE_INFINITY;
    while (!this.#stop.signal.aborted) {
      const untilMs = this.#poked ? Math.min(waitMs, DEFAULTS.minPollGapMs) : waitMs;
      const leftMs = untilMs - sinceStartMs();
      if (leftMs <= 0) return;
      if (!this.#connection || !this.#options.isAwaited()) {
        await this.#sleep(leftMs);
        continue;
      }
      const gapMs = positionAtMs + DEFAULTS.waitPollMs - now();
      if (gapMs > 0) await this.#sleep(Math.min(gapMs, leftMs));
      positionAtMs = now();
      if (!(await this.#askPosition())) return;
    }
  }

  /** Only how far it is, as often as somebody waits for that. False when the whole question should be asked again. */
  async #askPosition(): Promise<boolean> {
    const { client, now, onPosition } = this.#options;
    const connection = this.#connection;
    if (!connection) return false;
    const askedAtMs = now();
    try {
      const position = await client.replicaPosition(connection, { timeoutMs: DEFAULTS.probeTimeoutMs });
      if (this.#stop.signal.aborted) return false;
      onPosition(position, askedAtMs);
      return true;
    } catch {
      this.#drop();
      return false;
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
