import { type EngineClient, EngineError, getEngineClient } from '@replication-lab/engines';
import type { Bearer } from './bearer.ts';
import { PrimaryBudget } from './budget.ts';
import { LoadBook } from './choice/load-book.ts';
import { type Classification, createClassifier, prepareClassifier } from './classify/index.ts';
import { Cluster, TICK_MS } from './cluster.ts';
import { CallContext } from './context.ts';
import { type Chances, decideRoute, type Route, type RouteRequest } from './decide.ts';
import { Emitter } from './events.ts';
import { NodeAccess } from './node-access.ts';
import { PrimaryWait } from './primary-wait.ts';
import { judgeReign } from './reigns.ts';
import { emptySession, type SessionState } from './session.ts';
import { DEFAULTS, resolveSettings, type Settings } from './settings.ts';
import { Settler } from './settler.ts';
import { type OpenedToken, TokenSealer } from './token.ts';
import {
  type ConsistencyLevel,
  type Decision,
  RouterError,
  type RouterOptions,
  type Topology,
} from './types.ts';
import { NodeWatcher } from './watcher.ts';
import { within } from './within.ts';

const nameOf = ({ name }: { readonly name: string }): string => name;

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
  readonly calls = new CallContext();
  readonly cluster: Cluster;
  readonly load: LoadBook;
  readonly budget: PrimaryBudget;
  readonly primaryWait: PrimaryWait;
  /** Of reads, apart: they are many, and must not take the writes' places. */
  readonly readWait: PrimaryWait;
  readonly classify: (sql: string) => Classification;
  readonly #sealer: TokenSealer;
  readonly #settler: Settler;
  readonly #access: ReadonlyMap<string, NodeAccess>;
  readonly #watchers: ReadonlyMap<string, NodeWatcher>;
  readonly #timer: NodeJS.Timeout;
  readonly #warmer: NodeJS.Timeout;
  readonly #parser: Promise<void>;
  #news = Promise.withResolvers<void>();
  #closing: Promise<void> | null = null;
  #seen: Topology | null = null;
  #newcomer: { readonly epoch: number; readonly text: string } | null = null;
  readonly #chances: Chances;
  /** The moment for which `#chances` answers: a decision is one moment. */
  #decidesAtMs = 0;

  constructor(options: RouterOptions) {
    const settings = resolveSettings(options);
    const names = options.nodes.map(({ name }) => name);
    this.settings = settings;
    this.client = getEngineClient(options.engine);
    this.classify = createClassifier(options.engine, { safeFunctions: options.safeFunctions ?? [] });
    this.#parser = prepareClassifier(options.engine);
    this.#parser.catch(() => {}); // without it `query` sends everything to the primary, and `ready` says why
    this.load = new LoadBook(names);
    this.budget = new PrimaryBudget({
      perSecond: settings.primaryReadsPerSecond,
      perSessionPerSecond: settings.primaryReadsPerSessionPerSecond,
      sessions: DEFAULTS.countedSessions,
    });
    const waiting = { waitMs: settings.primaryWaitMs, maxWaiting: settings.primaryWaiters };
    this.primaryWait = new PrimaryWait(waiting);
    this.readWait = new PrimaryWait(waiting);
    this.#sealer = new TokenSealer(options.tokenKeys, options.engine, this.client.positions);
    this.#access = new Map(
      options.nodes.map((node) => [node.name, new NodeAccess(node, this.client, options, settings)]),
    );
    this.cluster = new Cluster({
      engine: options.engine,
      nodes: options.nodes,
      positions: this.client.positions,
      settings,
      events: this.events,
      onSilent: (node) => this.access(node).abandonReads(),
      random: Math.random,
    });
    this.#settler = new Settler({
      client: this.client,
      connect: (node) => this.#monitor(node, options),
      timeoutMs: DEFAULTS.settleTimeoutMs,
    });
    this.#chances = {
      positions: this.client.positions,
      order: (nodes) => this.load.order(nodes, this.#decidesAtMs, Math.random),
      etaMs: (node, position) => this.cluster.catchUp(node).etaMs(position, this.#decidesAtMs),
      isStalled: (node) => this.#isStalled(node, this.#decidesAtMs),
    };
    this.#listen();
    this.#watchers = new Map(names.map((name) => [name, this.#watch(name, options)]));
    for (const watcher of this.#watchers.values()) watcher.start();
    this.#timer = setInterval(() => this.cluster.tick(now()), TICK_MS);
    this.#warmer = setInterval(() => this.#warm(), DEFAULTS.warmEveryMs);
  }

  access(node: string): NodeAccess {
    const access = this.#access.get(node);
    if (!access) throw new Error(`no node is called ${node}`);
    return access;
  }

  get accesses(): readonly NodeAccess[] {
    return [...this.#access.values()];
  }

  topology(exact = false, nowMs = now()): Topology {
    const topology = this.cluster.topology(nowMs, exact);
    if (topology !== this.#seen) {
      this.#seen = topology;
      const replicas = topology.nodes.filter(({ role }) => role !== 'primary');
      const usable = replicas.filter(({ role, excluded }) => role === 'replica' && excluded === null);
      this.load.setReplicas(replicas.map(nameOf), usable.map(nameOf));
    }
    return topology;
  }

  /** Where a read goes now; null when no node can keep its promise. */
  route(request: RouteRequest, topology: Topology, nowMs = now()): Route | null {
    this.#decidesAtMs = nowMs;
    return decideRoute(request, topology, this.#chances);
  }

  /** Tells listeners, if there are any. */
  decided({ node, role, reason }: Decision, level: ConsistencyLevel | 'write', startedMs: number): void {
    if (!this.events.isHeard('decision')) return;
    this.events.emit('decision', { node, role, reason, level, ms: now() - startedMs });
  }

  assertOpen(): void {
    if (this.#closing) throw new RouterError('closed', 'The router is closed.');
  }

  /** Throws RouterError `invalid-token`. No token and an empty one are the same. */
  openToken(token: string | undefined): OpenedToken | null {
    return token === undefined || token === '' ? null : this.#sealer.open(token);
  }

  sealToken(state: SessionState): string {
    return this.#sealer.seal(state);
  }

  /** The token of whoever has seen nothing: the same for all, so that it costs nothing to hand out. */
  newcomerToken(): string {
    const epoch = this.cluster.highestEpoch;
    if (this.#newcomer?.epoch !== epoch) {
      const nobody = emptySession(epoch, this.client.positions.empty, '');
      this.#newcomer = { epoch, text: this.#sealer.seal(nobody) };
    }
    return this.#newcomer.text;
  }

  newSession(): SessionState {
    return emptySession(this.cluster.highestEpoch, this.client.positions.empty);
  }

  /**
   * The session in terms of the present reign. Asks the living nodes first when it comes from a reign that this router has
   * not heard of (the news is 200 ms late here, or it comes from another life of the databases), for `refreshTimeoutMs` at
   * the longest. Throws RouterError `history-lost`, with a token to go on with, when what it has seen is gone.
   */
  async currentSession(state: SessionState, bearer: Bearer): Promise<SessionState> {
    if (state.epoch > this.cluster.highestEpoch) await this.#hearOfEpoch();
    const { reigns, highestEpoch } = this.cluster;
    if (state.epoch >= highestEpoch) return state;
    const judgement = judgeReign(state, reigns, highestEpoch, this.client.positions);
    if (judgement.kind === 'lost') throw this.historyLost(state, bearer);
    return judgement.kind === 'kept' ? judgement.state : state;
  }

  /** `state` has seen what no node holds any more: the error, with the token that begins anew. */
  historyLost(state: SessionState, bearer: Bearer): RouterError {
    bearer.reset();
    const anew = emptySession(this.cluster.highestEpoch, this.client.positions.empty, state.id);
    return new RouterError(
      'history-lost',
      'What this session has seen is no longer part of the history: it was lost in a failover or a restore. Go on with the token of this error, and read again what matters.',
      undefined,
      this.#sealer.seal(anew),
    );
  }

  async #hearOfEpoch(): Promise<void> {
    const up = this.topology().nodes.filter((node) => node.up);
    const asked = up.map(({ name }) => this.#watchers.get(name)!.refresh());
    await within(Promise.all(asked), DEFAULTS.refreshTimeoutMs);
  }

  /** Waits until `node` holds the position; false when it does not get there in time. */
  async catchUp(
    node: string,
    position: SessionState['position'],
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const waiting = this.cluster.catchUp(node).wait(position, { nowMs: now(), timeoutMs, signal });
    this.#watchers.get(node)?.attend();
    return waiting;
  }

  /** Until `primary` shows all that `left`, where the session was, has shown. See `Settler`. */
  async settle(primary: string, left: string): Promise<void> {
    const witness = this.topology().nodes.find(({ name }) => name === left);
    // One that came back and is not proved to hold all it ever showed cannot tell what that was; a silent one tells nothing.
    if (witness?.up && witness.settled && !this.#isStalled(left, now())) {
      try {
        await this.#settler.settle(primary, left);
        return;
      } catch (error) {
        // Only the time is the primary's own: anything else may be the witness that went away just now.
        if (error instanceof EngineError && error.code === 'timeout') throw error;
      }
    }
    this.assertOpen();
    await this.#settler.settle(primary, null);
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

  async ready(timeoutMs: number): Promise<void> {
    const deadlineMs = now() + timeoutMs;
    await this.#parser;
    await this.#until(() => this.cluster.isAsked(), deadlineMs - now());
    // A replica far behind is compared with the primary in vain for long: that is no reason to stay unready.
    await this.#until(() => this.cluster.isKnown(), Math.min(deadlineMs - now(), 3 * this.settings.pollMs));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    clearInterval(this.#warmer);
    this.#news.resolve();
    this.primaryWait.wake();
    this.readWait.wake();
    this.#settler.close();
    for (const { endpoint } of this.accesses) this.cluster.catchUp(endpoint.name).close();
    await Promise.all([...this.#watchers.values()].map((watcher) => watcher.close()));
    await Promise.all(this.accesses.map((access) => access.close()));
    this.events.clear();
  }

  /** Before a node becomes the primary: while there is none everybody would log in at the same moment. */
  #warm(): void {
    const up = this.topology().nodes.filter((node) => node.up);
    for (const { name } of up) this.access(name).warmWrites();
  }

  #isStalled(node: string, nowMs: number): boolean {
    const { stallMs } = DEFAULTS;
    return this.load.stallMs(node, nowMs) > stallMs && nowMs - this.cluster.aliveAtMs(node) > stallMs;
  }

  #listen(): void {
    this.events.on('primary-changed', ({ to }) => {
      if (to !== null) for (const wait of [this.primaryWait, this.readWait]) wait.wake();
      else this.#warm();
    });
    // A node that was there from the beginning is warm: only one that was away begins gently.
    const away = new Set<string>();
    this.events.on('node-down', ({ node }) => away.add(node));
    this.events.on('node-up', ({ node }) => {
      if (away.delete(node)) this.load.cameUp(node, now());
    });
    this.events.on('lag', ({ node, lagging }) => {
      if (!lagging) this.load.cameUp(node, now());
    });
  }

  #monitor(node: string, { accounts, database }: RouterOptions) {
    const { monitor } = accounts;
    const connectTimeoutMs = DEFAULTS.monitorConnectTimeoutMs;
    return this.client.connect(this.access(node).endpoint, monitor, { database, connectTimeoutMs });
  }

  #watch(name: string, options: RouterOptions): NodeWatcher {
    const told = () => {
      this.#news.resolve();
      this.#news = Promise.withResolvers<void>();
    };
    return new NodeWatcher({
      client: this.client,
      connect: () => this.#monitor(name, options),
      intervalMs: () => this.cluster.intervalMs(now()),
      knownEpoch: () => this.cluster.highestEpoch,
      isAwaited: () => this.cluster.catchUp(name).waiting > 0,
      onPosition: (position, askedAtMs) => this.cluster.advanced(name, position, askedAtMs, now()),
      onGood: (seen, reigns) => {
        this.cluster.probed(name, seen, reigns);
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
