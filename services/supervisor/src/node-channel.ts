import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Connection,
  type Credentials,
  type Endpoint,
  type Engine,
  EngineError,
  type NodeState,
} from '@replication-lab/engines';
import type { Action, AgentOrder, NodeFailure, NodeReport } from './core/types.ts';
import { errorText } from './error-text.ts';
import { Heartbeat } from './heartbeat.ts';

/** How often a node is asked; the lock is renewed by it. */
export type Pace = 'calm' | 'busy' | 'hurried';
/**
 * While primaries change every step waits for an answer, or for an order that is under way at a node. Then the others are asked less
 * often: their answers would cost the servers time in which clients wait.
 */
const ASK_EVERY_MS: Readonly<Record<Pace, number>> = { calm: 200, busy: 50, hurried: 10 };
/** How soon a node that does not answer is tried again. */
const RETRY_EVERY_MS = 30;
const CONNECT_TIMEOUT_MS = 400;
const SAME_AGAIN_MS = 50;
/** A healthy server answers in one or two ms, a busy one in some tens. */
const ASK_TIMEOUT_MS = 1_000;
/** Of a primary whose replicas need a second more to be detached when it is frozen: see `limitsFor`. */
const SHORT_ASK_TIMEOUT_MS = 600;
/** For any other order: then the channel is given up, the order's outcome is unknown, and the next observation tells. */
const ORDER_TIMEOUT_MS = 1_500;
/**
 * A replica whose source is cut off stops receiving only when its attempt to reach the source has ended: after one second on
 * MariaDB, after two (replica_net_timeout) on MySQL. To give up the channel before that is to give up the lock, in the midst of a
 * failover.
 */
const DETACH_TIMEOUT_MS = 4_000;
/** The row that begins a reign waits for a replica. */
const ESTABLISH_TIMEOUT_MS = 2_500;
/** A heartbeat under way may take so long before the primary is closed. */
const LAST_BEAT_MS = 200;
/** It is promoted, and its row written, in one. */
const FOUND_TIMEOUT_MS = 5_000;

/** What goes through the session that holds the node's lock: all but what the node's agent does. */
export type ChannelOrder = Exclude<Action, AgentOrder>;

export interface ChannelOptions {
  readonly engine: Engine;
  readonly node: Endpoint;
  readonly nodes: readonly Endpoint[];
  readonly account: Credentials;
  /** This node's own, to replicate with. */
  readonly replication: Credentials | undefined;
  readonly database: string;
  /** Something new is known of this node. */
  readonly onNews: () => void;
  readonly onOrder: (order: OrderEvent) => void;
}

export interface OrderEvent {
  readonly action: Action;
  readonly outcome: 'done' | 'failed';
  readonly ms: number;
  readonly error: string | null;
}

/**
 * One supervisor's line to one node: asks it again and again, and carries orders to it, one at a time and all over the one
 * connection whose session holds the node's lock. When the server has ended that session, so has everything that was to be
 * done with it.
 */
export class NodeChannel {
  readonly #options: ChannelOptions;
  readonly #stop = new AbortController();
  #connection: Connection | null = null;
  #state: NodeState | null = null;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #failure: NodeFailure | null = null;
  #lock: NodeReport['lock'] = 'none';
  /** Taken, and not shown before the node was asked under it: until then somebody else may have changed it. */
  #isLocked = false;
  #reign: NodeReport['reign'] = null;
  #reigns: NodeReport['reigns'] = {};
  /** The reign that was seen confirmed over the connection that stands. */
  #established: number | null = null;
  #order: ChannelOrder | null = null;
  #busy: ChannelOrder | null = null;
  #carriedOut: { readonly action: ChannelOrder | null; readonly atMs: number } = { action: null, atMs: 0 };
  #wake: (() => void) | null = null;
  #pace: Pace = 'calm';
  #running: Promise<void> | null = null;
  readonly #heartbeat = new Heartbeat((timeoutMs) => this.#openHeart(timeoutMs));

  constructor(options: ChannelOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  report(): NodeReport {
    return {
      name: this.#options.node.name,
      state: this.#state,
      askedAtMs: this.#askedAtMs,
      failure: this.#failure,
      lock: this.#lock,
      reign: this.#reign,
      reigns: this.#reigns,
      pulse: this.#heartbeat.pulse,
    };
  }

  /** Takes the order up when the one before is done. The same order as the one under way is not given twice. */
  give(action: ChannelOrder): void {
    if (isSame(action, this.#busy) || isSame(action, this.#order)) return;
    // What is wanted again at once has not helped: no reason to keep the node busy with it.
    const { action: last, atMs } = this.#carriedOut;
    if (isSame(action, last) && performance.now() - atMs < SAME_AGAIN_MS) return;
    this.#order = action;
    this.#wake?.();
  }

  /** Is an order under way here, or about to be? */
  get isBusy(): boolean {
    return this.#busy !== null || this.#order !== null;
  }

  /** Asks as often as that from now on, and at once when it is in a hurry now. */
  set pace(pace: Pace) {
    if (pace === 'hurried' && this.#pace !== 'hurried') this.#wake?.();
    this.#pace = pace;
  }

  /** Whether heartbeats are written to this node. Only while it answers, and under its lock. */
  set beats(wanted: boolean) {
    if (wanted && this.#connection !== null && this.#lock === 'held') this.#heartbeat.start();
    else this.#heartbeat.stop();
  }

  async #openHeart(connectTimeoutMs: number) {
    if (this.#connection === null) throw new EngineError('connection-lost', 'the channel has ended');
    return this.#options.engine.failover.openHeart(this.#connection, connectTimeoutMs);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#heartbeat.stop();
    this.#wake?.();
    // Not politely: the server would otherwise keep the lock until it notices.
    this.#connection?.destroy();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const startedMs = performance.now();
      const order = this.#order;
      this.#order = null;
      try {
        if (order && this.#connection) await this.#carryOut(order, this.#connection);
        await this.#ask();
      } catch (error) {
        this.#failed(error);
      }
      // Only now: until it has been seen what the order did, it would be given again.
      if (this.#busy) this.#carriedOut = { action: this.#busy, atMs: performance.now() };
      this.#busy = null;
      if (this.#stop.signal.aborted) return;
      this.#options.onNews();
      if (this.#order) continue;
      const pauseMs =
        (this.#failure ? RETRY_EVERY_MS : ASK_EVERY_MS[this.#pace]) - (performance.now() - startedMs);
      await this.#pause(Math.max(this.#failure ? 10 : 1, pauseMs));
    }
  }

  async #pause(ms: number): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await sleep(ms, undefined, { signal: woken.signal }).catch(() => {});
    this.#wake = null;
  }

  async #ask(): Promise<void> {
    const { engine } = this.#options;
    const isShort = engine.failover.fencesSlowly && this.#state?.promoted === true;
    const limit = { timeoutMs: isShort ? SHORT_ASK_TIMEOUT_MS : ASK_TIMEOUT_MS };
    this.#connection ??= await this.#open();
    const askedAtMs = performance.now();
    const state = await engine.failover.observe(this.#connection, limit);
    if (state.epoch !== (this.#reign?.epoch ?? 0)) {
      const reigns = await engine.client.reigns(this.#connection, 0, limit);
      const newest = reigns.find(({ epoch }) => epoch === state.epoch);
      this.#reign = newest ? { epoch: newest.epoch, node: newest.node } : null;
      this.#reigns = Object.fromEntries(reigns.map((reign) => [reign.epoch, reign]));
    }
    if (this.#isLocked) this.#lock = 'held';
    this.#state = state;
    this.#askedAtMs = askedAtMs;
    this.#failure = null;
  }

  async #open(): Promise<Connection> {
    const { engine, node, account, database } = this.#options;
    const connection = await engine.failover.openChannel(node, account, {
      database,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
    });
    // A server that dies says so by this: no need to wait for the next question.
    connection.onClose(() => this.#wake?.());
    return connection;
  }

  #failed(error: unknown): void {
    const hadConnection = this.#connection !== null;
    this.#connection?.destroy();
    this.#connection = null;
    this.#heartbeat.stop();
    this.#lock = 'none';
    this.#isLocked = false;
    this.#established = null;
    const refused = isRefused(error);
    this.#failure = {
      kind: hadConnection ? 'lost' : refused ? 'refused' : 'silent',
      sinceMs: this.#failure?.sinceMs ?? performance.now(),
      attempts: (this.#failure?.attempts ?? 0) + 1,
      error: errorText(error, this.#options.account.user),
    };
  }

  /** One order, and what it goes on with when it is done. */
  async #carryOut(action: ChannelOrder, channel: Connection): Promise<void> {
    this.#busy = action;
    const next = secondHalfOf(action);
    if (!(await this.#carryOutOne(action, channel)) || !next) return;
    // Others may tell of the reign that it begins before it is asked again itself; it would be taken for one that lost its office.
    if (action.do === 'promote' && this.#state) this.#state = { ...this.#state, promoted: true };
    await this.#carryOutOne(next, channel);
  }

  /** False when it was refused. */
  async #carryOutOne(action: ChannelOrder, channel: Connection): Promise<boolean> {
    const startedMs = performance.now();
    const tell = (outcome: 'done' | 'failed', error: unknown) => {
      const ms = performance.now() - startedMs;
      const text = error === null ? null : errorText(error, this.#options.account.user);
      this.#options.onOrder({ action, outcome, ms, error: text });
    };
    try {
      await this.#do(action, channel);
      tell('done', null);
      return true;
    } catch (error) {
      tell('failed', error);
      // An order that was refused leaves the channel as it was; one that got no answer leaves nothing to go on with.
      if (!(error instanceof EngineError) || FATAL.has(error.code)) throw error;
      return false;
    }
  }

  async #do(action: ChannelOrder, channel: Connection): Promise<void> {
    const { engine, node, replication } = this.#options;
    const { failover } = engine;
    const limit = { timeoutMs: ORDER_TIMEOUT_MS };
    switch (action.do) {
      case 'lock':
        this.#isLocked = await failover.lock(channel, limit);
        if (!this.#isLocked) this.#lock = 'other';
        return;
      case 'unlock':
        await failover.unlock(channel, limit);
        this.#lock = 'none';
        this.#isLocked = false;
        return;
      case 'detach':
        return failover.detach(channel, { timeoutMs: DETACH_TIMEOUT_MS });
      case 'follow': {
        if (!replication) throw new EngineError('other', `there is no replication account for ${node.name}`);
        return failover.follow(channel, node, this.#endpoint(action.source), replication, limit);
      }
      case 'arm':
        return failover.arm(
          channel,
          action.voters.map((name) => this.#endpoint(name)),
          limit,
        );
      case 'promote':
        return failover.promote(channel, limit);
      case 'reopen':
        await failover.promote(channel, limit);
        return this.#establish(channel, action.epoch);
      case 'establish':
        return this.#establish(channel, action.epoch);
      case 'found': {
        const { database, node } = this.#options;
        const voters = action.voters.map((name) => this.#endpoint(name));
        const reign = { database, epoch: action.epoch, node: node.name };
        return failover.found(channel, reign, voters, { timeoutMs: FOUND_TIMEOUT_MS });
      }
      case 'open':
        // A row that is there may be one that nobody confirmed: who wrote it may have gone before it was. So once more.
        if (this.#established !== action.epoch) await this.#establish(channel, action.epoch);
        return failover.open(channel, limit);
      case 'close':
        await this.#heartbeat.rest(LAST_BEAT_MS);
        return failover.close(channel, limit);
      case 'demote':
        return failover.demote(channel, limit);
    }
  }

  async #establish(channel: Connection, epoch: number): Promise<void> {
    const { engine, node, database } = this.#options;
    const reign = { database, epoch, node: node.name };
    await engine.failover.establish(channel, reign, { timeoutMs: ESTABLISH_TIMEOUT_MS });
    this.#established = epoch;
  }

  #endpoint(name: string): Endpoint {
    const node = this.#options.nodes.find((endpoint) => endpoint.name === name);
    if (!node) throw new Error(`there is no node ${name}`);
    return node;
  }
}

const FATAL: ReadonlySet<EngineError['code']> = new Set([
  'connection-lost',
  'timeout',
  'aborted',
  'outcome-unknown',
]);

/** See `Action`. */
function secondHalfOf(action: ChannelOrder): ChannelOrder | null {
  const { node } = action;
  if (action.do === 'promote') return { do: 'establish', node, epoch: action.epoch };
  return action.do === 'detach' && action.voters ? { do: 'arm', node, voters: action.voters } : null;
}

const isSame = (a: Action, b: Action | null): boolean =>
  b !== null && JSON.stringify(a) === JSON.stringify(b);

function isRefused(error: unknown): boolean {
  let cause: unknown = error;
  for (let depth = 0; depth < 4 && cause instanceof Error; depth++) {
    if ((cause as { code?: string }).code === 'ECONNREFUSED') return true;
    cause = cause.cause;
  }
  return false;
}
