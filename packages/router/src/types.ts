import type {
  Accounts,
  CallOptions,
  Endpoint,
  EngineName,
  NodeProbe,
  PoolStats,
  Position,
  Row,
  RowForm,
  SqlResult,
  SqlValue,
  Transaction,
} from '@replication-lab/engines';
import type { Classification } from './classify/types.ts';

/** What a read is promised. `session` needs a token to promise anything; without one it is `eventual` that starts a session. */
export type ConsistencyLevel = 'eventual' | 'bounded' | 'session' | 'primary';

/**
 * Why a statement went where it went. One closed list, used at once in logs, metric labels and the `Route-Reason` header.
 */
export const ROUTE_REASONS = [
  'write', //               a write: only the primary takes those
  'level-primary', //       the caller asked for the primary
  'any-replica', //         eventual: a healthy replica
  'no-token', //            session without a token: any healthy replica, the session starts here
  'replica-sticky', //      session: the replica that served last, known to hold the token's position
  'replica-caught-up', //   session: a replica known to hold the token's position
  'replica-fresh', //       bounded: a replica known to be fresh enough
  'replica-behind', //      session: no replica is known to hold the position, so the primary
  'replica-stale', //       bounded: no replica is known to be fresh enough, so the primary
  'replica-waited', //      session: a replica that reached the position within a bounded wait
  'position-unknown', //    session: the last write's position is not known, so the primary
  'no-replica', //          no replica can be read, so the primary
  'primary-lost', //        level eventual, and only a closed node is left: still readable
  'in-transaction', //      a statement of the transaction that surrounds it
  'retry', //               the first choice failed, this is another node
] as const;
export type RouteReason = (typeof ROUTE_REASONS)[number];

export interface Decision {
  readonly node: string;
  readonly role: 'primary' | 'replica';
  readonly reason: RouteReason;
}

/** Why a node is left out of reads right now. */
export type ExclusionReason = 'down' | 'role-unknown' | 'not-replicating' | 'lagging' | 'banned';

/** A node as the router sees it. */
export interface NodeView {
  readonly name: string;
  readonly address: string;
  readonly role: 'primary' | 'replica' | 'unknown';
  readonly up: boolean;
  readonly readOnly: boolean;
  readonly position: Position | null;
  /**
   * No connection to the node has failed since it told `position`, so it was not restarted and holds at least that
   * much. Only then a session may rely on it.
   */
  readonly positionKnown: boolean;
  /**
   * Upper bound of how old this node's data can be, in ms: now minus the newest moment at which the primary's
   * position was already held here. Null while unknown. A primary has 0.
   */
  readonly stalenessMs: number | null;
  /**
   * Proved to hold everything it ever showed: since it was last away (a restart, a rebuild, a lost monitor connection)
   * it was seen at or behind a position that the primary had after its return. A PostgreSQL standby may come back
   * from a crash older than it left, so until then no session relies on having been here before.
   */
  readonly settled: boolean;
  readonly epoch: number;
  readonly excluded: ExclusionReason | null;
  /** Why the last probe failed, null when it was good. */
  readonly error: string | null;
  readonly probe: NodeProbe | null;
}

export interface Topology {
  readonly engine: EngineName;
  /** The one writable node with the highest epoch, or null. */
  readonly primary: string | null;
  readonly epoch: number;
  readonly nodes: readonly NodeView[];
}

export type RouterErrorCode =
  | 'no-primary' //       no node takes writes now; nothing was written. Retry later.
  | 'no-node' //          no node can serve this read at its level. Retry later.
  | 'overloaded' //       pools and their queues are full; nothing was executed. Retry later.
  | 'outcome-unknown' //  the write may or may not have happened
  | 'timeout' //          not finished in time; of a write: nothing was written
  | 'invalid-token'
  | 'history-lost' //     what this session has seen is gone (a failover or a restore): `token` starts it anew
  | 'nested-transaction'
  | 'closed';

export class RouterError extends Error {
  override readonly name = 'RouterError';
  readonly code: RouterErrorCode;
  /**
   * The token to go on with. With `history-lost` it has forgotten what no node holds any more; with `outcome-unknown` it
   * reads the primary, which alone can tell whether the write is there.
   */
  readonly token: string | null;
  constructor(code: RouterErrorCode, message: string, cause?: unknown, token: string | null = null) {
    super(message, { cause });
    this.code = code;
    this.token = token;
  }
}

export interface ReadRequest extends CallOptions, RowForm {
  /** Default `session`. */
  readonly level?: ConsistencyLevel;
  /** For `bounded`: at most this many ms behind. */
  readonly maxStalenessMs?: number;
  /** The newest token the client holds (sealed text). */
  readonly token?: string | undefined;
}

export interface WriteRequest extends CallOptions, RowForm {
  readonly token?: string | undefined;
}

/** `query`: the level counts when the statement is proved to be a pure read; everything else goes to the primary. */
export type QueryRequest = ReadRequest;

export interface TransactionRequest extends ReadRequest {
  /**
   * Only reads, on a node that keeps the promise of `level`. Default false: a read-write transaction on the primary, for
   * which `level` and `maxStalenessMs` mean nothing.
   */
  readonly readOnly?: boolean;
  /**
   * `work` does nothing outside its transaction and may be run again from its beginning, as long as COMMIT was not sent:
   * when the primary refuses writes or goes away in between. Default false.
   */
  readonly repeatable?: boolean;
}

/** `token` is the newest proof of what this client has seen: hand it back with the next call. */
export interface Outcome {
  readonly decision: Decision;
  readonly token: string;
}

export interface RouterEvents {
  'primary-changed': { readonly from: string | null; readonly to: string | null; readonly epoch: number };
  'node-up': { readonly node: string };
  'node-down': { readonly node: string; readonly error: string };
  /** A replica is left out of reads for its lag, or taken back. `stalenessMs` is null while it is not known. */
  lag: { readonly node: string; readonly lagging: boolean; readonly stalenessMs: number | null };
  decision: Decision & { readonly level: ConsistencyLevel | 'write'; readonly ms: number };
}

/** What a routed statement can be asked for: a router, a session and a transaction in progress all have these. */
export interface Statements {
  /**
   * Any one statement. One that is proved to be a pure read (`classify`) is read at the level asked for, every other goes
   * to the primary.
   */
  query<R = Row>(
    sql: string,
    params?: readonly SqlValue[],
    request?: QueryRequest,
  ): Promise<SqlResult<R> & Outcome>;
  /** A read, on the caller's word. Sessions for reads are opened read-only, so a write fails and changes nothing. */
  read<R = Row>(
    sql: string,
    params?: readonly SqlValue[],
    request?: ReadRequest,
  ): Promise<SqlResult<R> & Outcome>;
  /** One autocommitted statement on the primary. */
  write<R = Row>(
    sql: string,
    params?: readonly SqlValue[],
    request?: WriteRequest,
  ): Promise<SqlResult<R> & Outcome>;
  /**
   * A transaction; `query`, `read` and `write` of the same router inside `work` are part of it, without being handed `tx`.
   * Once `work` has begun it is not repeated, unless the caller says that it may be (`repeatable`).
   */
  transaction<T>(
    work: (tx: Transaction) => Promise<T>,
    request?: TransactionRequest,
  ): Promise<{ value: T } & Outcome>;
  /** The decision a statement would get now, without running it. */
  explain(sql: string, request?: QueryRequest): Explanation;
}

/**
 * A client's session: `Statements` that hand the token on from call to call. Calls may overlap: what they have seen is
 * merged.
 */
export interface RouterSession extends Statements {
  /** The newest proof of what this session has seen: hand it to the client. */
  readonly token: string;
  /**
   * Runs `work` so that the router's own methods, called inside it without a `token`, belong to this session: for query
   * builders that know nothing of sessions. Ends with `work` and what it awaits.
   */
  run<T>(work: () => T): T;
}

/** Where a statement would go, and why: the classifier's part and the decision's. */
export interface Explanation extends Decision {
  readonly classification: Classification;
}

export interface RouterEventSource {
  /** Returns the function that takes the listener off again. */
  on<E extends keyof RouterEvents>(event: E, listener: (detail: RouterEvents[E]) => void): () => void;
}

export interface Router extends Statements, AsyncDisposable {
  /** A session that goes on where `token` ends, or starts. Throws RouterError `invalid-token`. */
  session(token?: string): RouterSession;
  /** Checks the token's seal and size; throws RouterError `invalid-token`. */
  verifyToken(token: string): void;
  topology(): Topology;
  poolStats(): Readonly<Record<string, { read: PoolStats; write: PoolStats }>>;
  readonly engine: EngineName;
  readonly events: RouterEventSource;
  /** Resolves once every node has been asked once, or at the deadline. */
  ready(timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

export interface RouterOptions {
  readonly engine: EngineName;
  readonly nodes: readonly Endpoint[];
  readonly accounts: Pick<Accounts, 'app' | 'appReadOnly' | 'monitor'>;
  readonly database: string;
  /** Keys that seal tokens, newest first; older ones still open. At least 32 characters each. */
  readonly tokenKeys: readonly string[];
  /** Connections per node; the textbook's 5 and 10. */
  readonly pool?: { readonly write?: number; readonly read?: number; readonly queueLimit?: number };
  /** How often each node is asked; 250 at most, default 200. */
  readonly pollMs?: number;
  /** A replica staler than this serves no `eventual` read, until it is below half of it. Default 10,000. */
  readonly maxLagMs?: number;
  /** Default deadlines. */
  readonly readTimeoutMs?: number;
  readonly writeTimeoutMs?: number;
  /**
   * How long a write may wait for a primary while there is none, and a read for a node that can serve it; 0: not at all.
   * Nothing of a write was sent.
   */
  readonly primaryWaitMs?: number;
  /** Writes that wait for a primary at once, and as many reads; one more is refused at once. */
  readonly primaryWaiters?: number;
  /** How long a session read may wait for a replica to catch up before it goes to the primary; 0: not at all. */
  readonly sessionWaitMs?: number;
  /** Reads of the primary that sessions force because no replica holds what they need. */
  readonly primaryReads?: {
    /** Of all sessions of this router together. */
    readonly perSecond?: number;
    /** Of one session, told apart by its token. */
    readonly perSessionPerSecond?: number;
  };
  /** Functions of your own that only read, for `query`: `my_function` or `my_schema.my_function`, any case. */
  readonly safeFunctions?: readonly string[];
}

export type {
  CallOptions,
  CapturedPosition,
  Endpoint,
  EngineErrorCode,
  EngineName,
  PoolStats,
  Row,
  RowForm,
  SqlResult,
  SqlValue,
  Transaction,
} from '@replication-lab/engines';
export { EngineError } from '@replication-lab/engines';
