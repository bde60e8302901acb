import { type EngineClient, getEngineClient } from '@replication-lab/engines';
import { Cluster, TICK_MS } from './cluster.ts';
import { type Candidate, decideRoute, type RouteRequest } from './decide.ts';
import { Emitter } from './events.ts';
import { NodeAccess } from './node-access.ts';
import { emptySession, type SessionState } from './session.ts';
import { DEFAULTS, resolveSettings, type Settings } from './settings.ts';
import { type OpenedToken, TokenSealer } from './token.ts';
import {
  type ConsistencyLevel,
  type Decision,
  RouterError,
  type RouterOptions,
  type Topology,
} from './types.ts';
import { NodeWatcher } from './watcher.ts';

/** Monotonic milliseconds of this process. */
export const now = (): number => performance.now();

/**
 * The parts of a router and what reads and writes share: the watched cluster, the ways into its nodes, the tokens.
 * Starts to watch when made; needs `close`.
 */
export class RouterCore {
  readonly client: EngineClient;
  readonly settings: Settings;
  readonly events = new Emitter();
  readonly cluster: Cluster;
  readonly #sealer: TokenSealer;
  readonly #access: ReadonlyMap<string, NodeAccess>;
  readonly #watchers: ReadonlyMap<string, NodeWatcher>;
  readonly #timer: NodeJS.Timeout;
  #news = Promise.withResolvers<void>();
  #closing: Promise<void> | null = null;

  constructor(options: RouterOptions) {
    this.settings = resolveSettings(options);
    this.client = getEngineClient(options.engine);
    this.#sealer = new TokenSealer(options.tokenKeys, options.engine, this.client.positions);
    this.#access = new Map(
      options.nodes.map((node) => [node.name, new NodeAccess(node, this.client, options, this.settings)]),
    );
    this.cluster = new Cluster({
      engine: options.engine,
      nodes: options.nodes,
      positions: this.client.positions,
      settings: this.settings,
      events: this.events,
      onSilent: (node) => this.access(node).abandonReads(),
      random: Math.random,
    });
    this.#watchers = new Map(options.nodes.map((node) => [node.name, this.#watch(node.name, options)]));
    for (const watcher of this.#watchers.values()) watcher.start();
    this.#timer = setInterval(() => this.cluster.tick(now()), TICK_MS);
  }

  access(node: string): NodeAccess {
    const access = this.#access.get(node);
    if (!access) throw new Error(`no node is called ${node}`);
    return access;
  }

  get accesses(): readonly NodeAccess[] {
    return [...this.#access.values()];
  }

  topology(): Topology {
    return this.cluster.topology(now());
  }

  /** Where a read may go now, best first. */
  candidates(request: RouteRequest, topology: Topology): Candidate[] {
    return decideRoute(request, {
      topology,
      positions: this.client.positions,
      inFlight: (node) => this.access(node).readsInFlight,
      random: Math.random,
    });
  }

  assertOpen(): void {
    if (this.#closing) throw new RouterError('closed', 'The router is closed.');
  }

  /** Throws RouterError `invalid-token`. No token and an empty one are the same. */
  openToken(token: string | undefined): OpenedToken | null {
    return token === undefined || token === '' ? null : this.#sealer.open(token);
  }

  /** Seals `next`, or hands back the caller's text when nothing changed: no cipher, and cookies stay as they are. */
  sealToken(next: SessionState, opened: OpenedToken | null): string {
    return opened?.current && opened.state === next ? opened.text : this.#sealer.seal(next);
  }

  sessionOf(opened: OpenedToken | null, epoch: number): SessionState {
    return opened?.state ?? emptySession(epoch, this.client.positions.empty);
  }

  /**
   * A token of a reign this router has not heard of: either the news is 200 ms late here, or the token comes from
   * another life of the databases. Asking the living nodes settles which. Never longer than `refreshTimeoutMs`.
   */
  async hearOfEpoch(opened: OpenedToken | null): Promise<void> {
    const topology = this.topology();
    if (!opened || opened.state.epoch <= topology.epoch) return;
    const up = topology.nodes.filter((node) => node.up).map(({ name }) => this.#watchers.get(name)!);
    await within(Promise.all(up.map((watcher) => watcher.refresh())), DEFAULTS.refreshTimeoutMs);
  }

  /** Asks for news of one node, or of all, out of turn. */
  poke(node?: string): void {
    if (node !== undefined) this.#watchers.get(node)?.poke();
    else for (const watcher of this.#watchers.values()) watcher.poke();
  }

  /** A session that has to leave the replicas comes back sooner when their positions are fresh, not 200 ms old. */
  pokeOthers(node: string): void {
    for (const [name, watcher] of this.#watchers) if (name !== node) watcher.poke();
  }

  /** The decision as callers see it, told to listeners. */
  decided(choice: Decision, level: ConsistencyLevel | 'write', startedMs: number): Decision {
    const { node, role, reason } = choice;
    this.events.emit('decision', { node, role, reason, level, ms: now() - startedMs });
    return { node, role, reason };
  }

  async ready(timeoutMs: number): Promise<void> {
    await this.#until(() => this.cluster.isAsked(), timeoutMs);
    // A replica far behind is compared with the primary in vain for long: that is no reason to stay unready.
    await this.#until(() => this.cluster.isKnown(), Math.min(timeoutMs, 3 * this.settings.pollMs));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    this.#news.resolve();
    await Promise.all([...this.#watchers.values()].map((watcher) => watcher.close()));
    await Promise.all(this.accesses.map((access) => access.close()));
    this.events.clear();
  }

  #watch(name: string, options: RouterOptions): NodeWatcher {
    const told = () => {
      this.#news.resolve();
      this.#news = Promise.withResolvers<void>();
    };
    return new NodeWatcher({
      client: this.client,
      endpoint: this.access(name).endpoint,
      credentials: options.accounts.monitor,
      database: options.database,
      intervalMs: () => this.cluster.intervalMs(now()),
      onGood: (seen) => {
        this.cluster.probed(name, seen);
        told();
      },
      onFailed: (failed) => {
        this.cluster.probeFailed(name, failed, now());
        told();
      },
      now,
      random: Math.random,
    });
  }

  /** Waits for `condition`, looking again at each piece of news, until the time is up or the router closes. */
  async #until(condition: () => boolean, timeoutMs: number): Promise<void> {
    const deadlineMs = now() + timeoutMs;
    while (!this.#closing && !condition()) {
      const leftMs = deadlineMs - now();
      if (leftMs <= 0) return;
      await within(this.#news.promise, leftMs);
    }
  }
}

/** Waits for `promise`, at most `timeoutMs`. */
async function within(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, timeoutMs);
  try {
    await Promise.race([promise, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
