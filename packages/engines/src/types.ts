/**
 * What the rest of the lab knows of a database engine: these interfaces, and nothing else.
 * Each folder beside this file (`mysql/`, `mariadb/`, `postgres/`) implements them with the same set of files.
 */

import type { EngineFailover } from './failover.ts';
import type { Halt } from './session/halt.ts';

export const ENGINE_NAMES = ['mysql', 'mariadb', 'postgres'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

declare const positionBrand: unique symbol;
/**
 * How far a node's history goes, in the engine's own canonical text: a GTID set (mysql), a GTID list with one
 * entry a domain (mariadb) or `timeline/LSN` (postgres). The empty string is "no history at all".
 * Only the engine's `positions` may look inside.
 */
export type Position = string & { readonly [positionBrand]: true };

/** One database host. A role is something a node has now, so it is not part of this. */
export interface Endpoint {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Present: connections are encrypted and the server's certificate is verified, or there are none. Absent: clear text. */
  readonly tls?: TlsClient | undefined;
}

/** How a client makes sure whom it speaks to. Connections that are given the same object share what is made of it. */
export interface TlsClient {
  /** Certificates of the authorities that are believed, PEM. */
  readonly ca: string;
  /** What the server's certificate must be for: a name or an address. Default: the endpoint's host. */
  readonly serverName?: string | undefined;
  /** The client's own certificate and key, PEM, for servers that ask for one. */
  readonly certificate?: string | undefined;
}

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Certificates of a node, by path on its machine; see `TLS_FILES`. */
export interface NodeTlsFiles {
  readonly ca: string;
  readonly server: string;
  readonly replication: string;
}

/** What a node logs in with at its source. */
export interface ReplicationAccount extends Credentials {
  /** The source is verified, and shown a certificate that is this account's. Absent: clear text. */
  readonly tls?:
    | {
        readonly node: Pick<NodeTlsFiles, 'ca' | 'replication'>;
        /** The same certificate and key in a file on this machine, for whoever acts in the node's name. */
        readonly file: string;
      }
    | undefined;
}

/** One account per purpose, each with the least it needs. `replication` is per node: key = node name. */
export interface Accounts {
  /** The server's own superuser: makes the lab, and is no part of its daily work. */
  readonly admin: Credentials;
  readonly supervisor: Credentials;
  readonly app: Credentials;
  readonly appReadOnly: Credentials;
  readonly monitor: Credentials;
  /** Copies the data and fetches the log, for backups. */
  readonly backup: Credentials;
  readonly replication: Readonly<Record<string, ReplicationAccount>>;
  /** Every account is refused in clear text. */
  readonly tls?: boolean | undefined;
}

export type SqlValue = string | number | bigint | boolean | Date | Buffer | null;
export type Row = Record<string, unknown>;

/** How rows come back: for callers that decode values themselves, as query builders do. */
export interface RowForm {
  /** `array`: the values in column order, in `SqlResult.arrays`, so that columns of one name all survive. Default `object`. */
  readonly rowMode?: 'object' | 'array' | undefined;
  /** postgres: a parser for each column type, in the driver's form, in place of the engine's own. */
  readonly types?: { getTypeParser(oid: number, format?: 'text'): (text: string) => unknown } | undefined;
  /** mysql, mariadb: the driver's `typeCast`, asked for each value in place of the engine's own decoding. */
  readonly typeCast?: ((field: never, next: () => unknown) => unknown) | undefined;
}

/** `R`: what the caller takes a row for. Nobody checks it. */
export interface SqlResult<R = Row> {
  /** Empty with `rowMode: 'array'`. */
  readonly rows: readonly R[];
  /** With `rowMode: 'array'`: the rows, each in the order of `columns`. */
  readonly arrays?: readonly (readonly unknown[])[];
  /** With `rowMode` given: names of the columns in order; undefined when the answer was no table, as of an UPDATE. */
  readonly columns?: readonly string[];
  /** postgres: the server's word for what it did (`INSERT`, `SELECT` …). */
  readonly command?: string;
  /** mysql, mariadb: rows that an UPDATE made different, where `affectedRows` counts all that it matched. */
  readonly changedRows?: number;
  /** Rows changed by the statement; 0 for a read. */
  readonly affectedRows: number;
  /** The generated key of an insert where the protocol reports it (mysql, mariadb), else null: use RETURNING. */
  readonly insertId: number | null;
}

/**
 * Where a write ended in the node's history.
 * `none`: nothing was written. `unknown`: something was written, and the protocol did not say where.
 */
export type CapturedPosition =
  | { readonly kind: 'known'; readonly position: Position }
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown'; readonly why: string };

export interface CallOptions {
  /** Milliseconds until the call fails with EngineError `timeout`. The socket is destroyed, the statement never cancelled. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** One for all calls on a node, where their owner may have to end them together: as an AbortSignal, but cheap to join. */
  readonly halt?: Halt;
}

/** One connection, outside any pool. */
export interface Connection extends AsyncDisposable {
  readonly endpoint: Endpoint;
  query(sql: string, params?: readonly SqlValue[], options?: CallOptions): Promise<SqlResult>;
  /** `listener` is called once, when the connection ends for whatever reason. */
  onClose(listener: () => void): void;
  /** Ends politely; falls back to `destroy` after a second. Never throws. */
  close(): Promise<void>;
  destroy(): void;
}

export interface Transaction {
  query(sql: string, params?: readonly SqlValue[], form?: RowForm): Promise<SqlResult>;
}

export interface ReadOptions extends CallOptions, RowForm {
  /**
   * Also return an upper bound of what the read can have seen, taken on the same connection after it
   * (monotonic reads after a read of the primary). Costs what the engine's docs page says.
   */
  readonly withUpperBound?: boolean;
}

export interface PoolStats {
  readonly size: number;
  readonly idle: number;
  readonly busy: number;
  readonly waiting: number;
}

/** The connections of one purpose to one node. Lazily opened; a broken connection is dropped, never reused. */
export interface NodePool {
  readonly endpoint: Endpoint;
  read(
    sql: string,
    params: readonly SqlValue[],
    options?: ReadOptions,
  ): Promise<SqlResult & { upperBound?: Position }>;
  /** One autocommitted statement. */
  write(
    sql: string,
    params: readonly SqlValue[],
    options?: CallOptions & RowForm,
  ): Promise<SqlResult & { position: CapturedPosition }>;
  /**
   * BEGIN, `work`, COMMIT. Rolls back when `work` throws. When the connection breaks after COMMIT was sent,
   * throws EngineError `outcome-unknown`.
   */
  transaction<T>(
    work: (tx: Transaction) => Promise<T>,
    options?: CallOptions,
  ): Promise<{ value: T; position: CapturedPosition }>;
  /**
   * A READ ONLY transaction: `work`, then COMMIT. `upperBound` as for `read`, taken after `work`. Throws EngineError
   * `connect-failed` or `overloaded` only before `work` has begun.
   */
  readTransaction<T>(
    work: (tx: Transaction) => Promise<T>,
    options?: ReadOptions,
  ): Promise<{ value: T; upperBound?: Position }>;
  stats(): PoolStats;
  /** Ends idle connections, waits for busy ones until `deadlineMs` (default 2000), then destroys them. */
  close(deadlineMs?: number): Promise<void>;
}

export interface PoolOptions {
  readonly database: string;
  /** `read` pools open their sessions read-only as a second net. */
  readonly mode: 'read' | 'write';
  /** Connections at most. */
  readonly size: number;
  /** Callers waiting for a connection at most; one more fails at once with EngineError `overloaded`. */
  readonly queueLimit: number;
  readonly connectTimeoutMs: number;
  /** How long a caller waits for a free connection before EngineError `overloaded`. */
  readonly acquireTimeoutMs: number;
}

/** What one node says of itself, in one round trip. */
export interface NodeProbe {
  /** `primary`: takes client writes now. `replica`: follows a source (running or not). `unknown`: closed and following nobody. */
  readonly role: 'primary' | 'replica' | 'unknown';
  /** True when an ordinary account cannot write. */
  readonly readOnly: boolean;
  /** Applied and visible here (replica), or committed here (primary). */
  readonly position: Position;
  /** Received but perhaps not applied yet; equals `position` on a primary. */
  readonly received: Position;
  /** Both halves of replication (receive, apply) run; null when this node has no source. */
  readonly replicating: boolean | null;
  /** Host of the source as configured, null when none. */
  readonly source: string | null;
  /** The engine's own idea of the lag in ms, null when it has none. Blind in known cases: show it, never decide by it. */
  readonly engineLagMs: number | null;
  /** The newest epoch row this node holds; 0 when there is none. */
  readonly epoch: number;
  /** Identity of the running server process's data (server_uuid, server_id, system identifier). */
  readonly serverId: string;
}

/** One reign of a primary, as its epoch row tells it. */
export interface Reign {
  readonly epoch: number;
  readonly node: string;
  /**
   * All that the new primary held of the reigns before it: a position of an older reign that this covers is part of the
   * history, one that it does not cover was lost. Null: nobody wrote it down.
   */
  readonly fork: Position | null;
  /** The same place in the terms of the new reign (postgres: on the new timeline). Null exactly when `fork` is. */
  readonly start: Position | null;
  /** The promotion was proved to have kept every acknowledged write. */
  readonly lossless: boolean;
}

export interface PositionOps {
  /** Reads untrusted text; null when it is not a position of this engine. Never throws. */
  parse(text: string): Position | null;
  /** Does a node at `have` hold all that `need` names? Everything covers the empty position. */
  covers(have: Position, need: Position): boolean;
  /** The smallest position that covers both. */
  merge(a: Position, b: Position): Position;
  /** Transactions (mysql, mariadb) or bytes (postgres) that `have` lacks of `need`; 0 when covered. */
  distance(have: Position, need: Position): number;
  readonly empty: Position;
}

export type EngineErrorCode =
  | 'connect-failed' // nothing was sent
  | 'connection-lost' // something may have been executed
  | 'outcome-unknown' // a commit was in flight
  | 'timeout'
  | 'aborted'
  | 'overloaded' // pool full, or the server refuses connections
  | 'read-only' // the node does not take writes: nothing was written
  | 'unique-violation'
  | 'deadlock' // serialisation failure or deadlock: rolled back
  | 'access-denied'
  | 'bad-statement'
  | 'other';

export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;
  readonly endpoint: Endpoint | null;
  /** The unique key that was violated, as the engine names it. */
  readonly constraint: string | null;
  constructor(
    code: EngineErrorCode,
    message: string,
    detail: { endpoint?: Endpoint; constraint?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: detail.cause });
    this.code = code;
    this.endpoint = detail.endpoint ?? null;
    this.constraint = detail.constraint ?? null;
  }
}

export interface ConnectOptions {
  readonly database?: string;
  readonly connectTimeoutMs?: number;
}

/** The client's half of an engine: what the router and the tools use. */
export interface EngineClient {
  readonly name: EngineName;
  readonly defaultPort: number;
  readonly positions: PositionOps;
  /** The text of the n-th parameter, from 1: `?` or `$1`. */
  placeholder(index: number): string;
  connect(endpoint: Endpoint, credentials: Credentials, options?: ConnectOptions): Promise<Connection>;
  createPool(endpoint: Endpoint, credentials: Credentials, options: PoolOptions): NodePool;
  /** One round trip. Works on a node without the lab's schema (epoch 0). */
  probe(connection: Connection, options?: CallOptions): Promise<NodeProbe>;
  /** Only `NodeProbe.position`, of a replica, for as little as it can cost. For a node that is known to be one. */
  replicaPosition(connection: Connection, options?: CallOptions): Promise<Position>;
  /**
   * The reigns after `afterEpoch`, oldest first, the 64 newest at most. Empty on a node without the lab's schema. `fork` is
   * null for rows of a schema that did not write it down yet.
   */
  reigns(connection: Connection, afterEpoch: number, options?: CallOptions): Promise<readonly Reign[]>;
  /**
   * Waits until `primary` shows every commit that `witness`, a replica of it, can have shown before this call. A replica can
   * show a commit before its primary does (the log leaves before the row becomes visible, with quorum commit by a whole
   * round trip). With `witness` null (it does not answer) it waits for everything that any replica can have shown.
   * Rejects with EngineError `timeout` when the primary does not get there in time. Connections are the monitor's.
   */
  settle(primary: Connection, witness: Connection | null, options: CallOptions): Promise<void>;
}

/**
 * The administrator's half: statements that change a node's part in replication. All are idempotent:
 * a repeat after success changes nothing. `connection` is of the admin account.
 */
export interface EngineAdmin {
  /** No user history and no lab schema: what a node looks like after its first boot. */
  isPristine(connection: Connection): Promise<boolean>;
  /** The empty database. On the open primary; `connection` names no database. */
  createDatabase(connection: Connection, database: string): Promise<void>;
  /**
   * Tables (users, idempotency_keys, lab_epoch, lab_marker). On the open primary; `connection` is to this database, here
   * and wherever a method takes `database`, because PostgreSQL cannot change it later.
   */
  createSchema(connection: Connection, database: string): Promise<void>;
  /** Application, read-only, monitoring and replication accounts. On the open primary. */
  createAccounts(connection: Connection, accounts: Accounts, database: string): Promise<void>;
  /**
   * Makes the node writable and stops it following anybody. What it has received and not applied is lost where the
   * engine forgets it (mysql, mariadb), so wait for that first. `beforeClients` runs when administrators can write and
   * ordinary accounts cannot yet: the place for the epoch row. When it throws, the node stays closed to clients.
   */
  open(connection: Connection, beforeClients?: () => Promise<void>): Promise<void>;
  /** Read-only in the strongest form the engine has. */
  close(connection: Connection): Promise<void>;
  /**
   * Writes the row that begins a reign, with what the node held until then (`held`) as its fork. A repeat for the same node
   * changes nothing. `lossless`: see `Reign`.
   */
  writeEpoch(
    connection: Connection,
    database: string,
    epoch: number,
    node: string,
    options?: { readonly lossless?: boolean },
  ): Promise<void>;
  /** The marker row that health checks read: written last, so that its presence means "all is there". */
  writeMarker(connection: Connection, database: string): Promise<void>;
  /**
   * All that the node holds, applied or only received, so named that it covers every position of its own past. More than
   * the probe says where a position does not name its past by itself (postgres, after a promotion).
   */
  held(connection: Connection, probe: NodeProbe): Promise<Position>;
  /** Makes this (closed) node follow `source`, from wherever it is, and returns once both halves run. */
  attach(
    connection: Connection,
    node: Endpoint,
    source: Endpoint,
    replication: ReplicationAccount,
    options?: CallOptions,
  ): Promise<void>;
  /** Stops receiving and applying (postgres: receiving) until the next `attach`. Data and slot stay. */
  detach(connection: Connection): Promise<void>;
  /** Holds every transaction back for that many whole seconds before it is applied; 0 ends it. */
  setApplyDelay(connection: Connection, seconds: number): Promise<void>;
  readApplyDelay(connection: Connection): Promise<number>;
  /** The statement that has the server read its certificate anew. Connections stay as they are; no history is written. */
  readonly reloadCertificates: string;
  /**
   * Whether a fresh replica needs the primary's data copied before it can attach (postgres), or can
   * start empty and fetch the whole history (mysql, mariadb).
   */
  readonly replicaNeedsCopy: boolean;
}

/** A server binary found on this machine. */
export interface ServerBinary {
  readonly path: string;
  /** As the server prints it, for example `10.11.19-MariaDB`. */
  readonly version: string;
  readonly major: number;
}

/** All that is needed to run one server as a plain process. */
export interface ServerSpec {
  readonly node: Endpoint;
  readonly serverId: number;
  /** Owned by the node; everything the server writes is below. Short: socket paths end at 107 bytes. */
  readonly stateDir: string;
  readonly admin: Credentials;
  readonly supervisor: Credentials;
  readonly replication: ReplicationAccount;
  /** The server speaks TLS only, and shows this certificate; the server's user can read the files. Absent: clear text. */
  readonly tls?: NodeTlsFiles | undefined;
  /** Unprivileged user to run as when we are root; null when we are not. */
  readonly runAs: { readonly uid: number; readonly gid: number; readonly name: string } | null;
  /**
   * A supervisor looks after this node (mysql, mariadb): a replica then follows nobody by itself after a restart, since it may
   * have been detached from a primary that must not get another confirmation. The supervisor attaches it again.
   */
  readonly supervised?: boolean;
}

export interface ServerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The server's half: how the engine runs as a plain process (native runtime and tests). */
export interface EngineServer {
  /** The server on this machine in a version that the lab supports, or null: then `explainMissing` says what mends it. */
  find(): Promise<ServerBinary | null>;
  /** What was looked for, where, and how to get it: one or two sentences for a person. */
  readonly explainMissing: string;
  /** Debian packages that bring it; empty when the distribution has none. */
  readonly debianPackages: readonly string[];
  /** Makes a fresh, closed data directory. A half-made one (marker file) is wiped and made again; a whole one is left alone. */
  initialise(spec: ServerSpec, binary: ServerBinary, signal?: AbortSignal): Promise<void>;
  /** Whether there is no whole data directory yet, so that `initialise` or `copyFrom` has to come before a boot. */
  isEmpty(spec: ServerSpec): boolean;
  /** Copies the data of `source` into this stopped node's empty data directory (postgres); throws where not needed. */
  copyFrom(spec: ServerSpec, binary: ServerBinary, source: Endpoint, signal?: AbortSignal): Promise<void>;
  /** The command that boots it closed. Also rewrites what a boot must rewrite (standby.signal …). */
  prepareBoot(spec: ServerSpec, binary: ServerBinary): Promise<ServerCommand>;
}

export interface Engine {
  readonly name: EngineName;
  readonly client: EngineClient;
  readonly admin: EngineAdmin;
  readonly failover: EngineFailover;
  readonly server: EngineServer;
}
