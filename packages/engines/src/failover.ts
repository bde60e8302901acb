import type {
  CallOptions,
  Connection,
  Credentials,
  Endpoint,
  NodeProbe,
  Position,
  ReplicationAccount,
} from './types.ts';

/**
 * The supervisor's half of an engine: what it asks of a node, and what it tells it to do, from "the primary is gone" to "the
 * successor is open". One order is one method; all are idempotent, and what they have done can be seen with `observe`, so
 * that another supervisor can go on after any of them.
 *
 * Every call goes through the supervisor's *channel* to that node: the one connection whose session holds the node's lock.
 * The server ends a channel that has been silent for `CHANNEL_IDLE_MS`, and the lock with it: whatever a supervisor that
 * was frozen meanwhile sends then, is sent on a dead connection. No statement of a channel may last longer than
 * `STATEMENT_MS`, because a server that is busy with a statement does not notice the silence.
 */
export interface EngineFailover {
  /**
   * A replica that is started again forgets what it has received and not applied, though it may have confirmed it: it fetches
   * that from its source once more (mariadb: starting a replica without a relay log that it trusts throws the log away).
   */
  readonly forgetsReceived: boolean;
  /** A replica whose source is frozen or cut off needs a whole second more to be detached (mariadb). */
  readonly fencesSlowly: boolean;
  /** A channel, without its lock. `credentials` are the administrator's. Throws EngineError within `connectTimeoutMs`. */
  openChannel(
    endpoint: Endpoint,
    credentials: Credentials,
    options: { readonly database: string; readonly connectTimeoutMs: number },
  ): Promise<Connection>;
  /** Takes the node's lock for this channel's session, at once or not at all. True: it holds it. A repeat renews. */
  lock(channel: Connection, options?: CallOptions): Promise<boolean>;
  /** Gives the lock back. */
  unlock(channel: Connection, options?: CallOptions): Promise<void>;
  /** What the node is, in one round trip. Also keeps the channel alive. */
  observe(channel: Connection, options?: CallOptions): Promise<NodeState>;

  /**
   * Fence. This node receives from nobody any more, and will not begin by itself, not after a restart either. Applying goes
   * on. Returns once both are certain (`NodeState.detached`); throws EngineError `timeout` when they are not in time.
   */
  detach(channel: Connection, options?: CallOptions): Promise<void>;
  /** Makes this node receive from `source` (again), from wherever it is. Closed nodes only. Does not wait until it streams. */
  follow(
    channel: Connection,
    node: Endpoint,
    source: Endpoint,
    replication: ReplicationAccount,
    options?: CallOptions,
  ): Promise<void>;
  /**
   * From now on a commit on this node is acknowledged to its client only when one of `voters` has received it, for however
   * long that takes. On a detached node that has applied all it received: the last thing before it is promoted, and it
   * forgets its source with it. On the open primary: changes who may confirm. Returns once every later commit waits.
   */
  arm(channel: Connection, voters: readonly Endpoint[], options?: CallOptions): Promise<void>;
  /** Ends being a replica. Administrators can write then, clients cannot. On an armed node only. */
  promote(channel: Connection, options?: CallOptions): Promise<void>;
  /**
   * Writes the row that begins the reign and returns when a voter has confirmed it: leadership is established by that, not
   * by anybody's opinion. Throws EngineError `outcome-unknown` when it was not confirmed in time; the row may be there then.
   */
  establish(
    channel: Connection,
    reign: { readonly database: string; readonly epoch: number; readonly node: string },
    options?: CallOptions,
  ): Promise<void>;
  /**
   * By a person's order alone, where the other nodes are given up: begins a reign on this detached, closed node, which has applied
   * all that it received. The row says that the reign is not lossless, and nobody confirms it. The node stays closed to clients,
   * and every later commit waits for one of `voters`, as after `arm`. Throws EngineError `other` where it is not such a node.
   */
  found(
    channel: Connection,
    reign: { readonly database: string; readonly epoch: number; readonly node: string },
    voters: readonly Endpoint[],
    options?: CallOptions,
  ): Promise<void>;
  /** Lets clients write. */
  open(channel: Connection, options?: CallOptions): Promise<void>;
  /**
   * The inverse of `open`: clients' writes are refused as read-only, which proves to them that nothing was done. What is being
   * written is finished first, and a commit that waits for a voter is waited for, never cancelled; transactions that stand
   * idle are rolled back. Throws EngineError `timeout` when that takes too long: then the node is open still (mysql,
   * mariadb), or has begun to refuse (postgres), and `open` ends that.
   */
  close(channel: Connection, options?: CallOptions): Promise<void>;
  /**
   * The inverse of `promote`, of a closed primary: `follow` can be told to it then. Throws EngineError `other` where only a
   * restart does that (see `NodeState.demotable`).
   */
  demote(channel: Connection, options?: CallOptions): Promise<void>;
  /**
   * A line on which heartbeats are written, beside the channel, because a commit that hangs must not keep the node's lock. Throws
   * EngineError within `connectTimeoutMs`.
   */
  openHeart(channel: Connection, connectTimeoutMs: number): Promise<Heart>;
}

/**
 * Writes what goes through the whole path of an acknowledged commit (log, disk, a replica's confirmation) and leaves no row
 * behind.
 */
export interface Heart {
  /**
   * True once it is acknowledged, however long that takes: whoever waits counts the time. False when the node takes no clients'
   * writes: then nothing was written. Throws EngineError when the server refuses it, or the connection ends.
   */
  beat(): Promise<boolean>;
  destroy(): void;
}

/** The server ends a channel that says nothing for so long. */
export const CHANNEL_IDLE_MS = 2_000;
/** A supervisor speaks on each channel at least so often. */
export const CHANNEL_RENEW_MS = 500;
/** The longest statement on a channel. Longer work is asked for in pieces. */
export const STATEMENT_MS = 1_000;

export interface NodeState extends NodeProbe {
  /** This life of the server process: another one after each start. */
  readonly bootId: string;
  /** Takes writes of administrators (and, when not `readOnly`, of clients). False for every replica. */
  readonly promoted: boolean;
  /** A closed primary where nothing waits to be confirmed, on an engine that can `demote` it. */
  readonly demotable: boolean;
  /** It receives from nobody, and will not begin by itself. True on a primary. */
  readonly detached: boolean;
  /** Whether the connection to the source stands, by this node's own account. False without a source. */
  readonly linked: boolean;
  /**
   * Changes whenever the source has given a sign of life: data or a heartbeat. Compare with an earlier one; null without a
   * source. How long ago the last sign came is for the observer to count, by its own clock.
   */
  readonly sourceSign: string | null;
  /** Why what was received is not being applied; null when it is, or when there is nothing to apply from. */
  readonly applyTrouble: string | null;
  /** Commits here that have been written down and wait for a replica's confirmation at this moment. */
  readonly waiting: number;
  /** It can be armed: what it has received is applied, or will be when it is promoted. */
  readonly drained: boolean;
  /**
   * What this node has written itself, and not received: at the end of its history (mariadb), or of all times (mysql). Of a node
   * that is no primary only what it wrote while it was one is in order. Empty where a replica cannot be written to (postgres).
   */
  readonly ownWrites: Position;
  /** Everything received or applied, so named that it covers the node's own past: `EngineAdmin.held`. */
  readonly held: Position;
  /** Do commits here wait for a replica, with no way out? */
  readonly quorum: QuorumState;
}

export interface QuorumState {
  readonly armed: boolean;
  /** Why not, or what weakens it; null when armed. For people. */
  readonly trouble: string | null;
  /** Who may confirm, by the same names; null where the engine takes whoever is attached (mysql, mariadb). */
  readonly voters: readonly string[] | null;
  /**
   * Nodes that confirm commits of this node now, by the names that they replicate under (`replicationUser`). A node whose
   * position is ahead of this one's is none: it has another history.
   */
  readonly confirming: readonly string[];
}
