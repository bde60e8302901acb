// biome-ignore-all lint/suspicious/noExplicitAny: as loose as the drivers' own types, which these have to fit.
import type { Absent, EmitterMembers } from './absent.ts';

export interface MysqlQueryOptions {
  readonly sql: string;
  readonly values?: any;
  readonly rowsAsArray?: boolean | undefined;
  readonly typeCast?: any;
  readonly nestTables?: any;
  readonly namedPlaceholders?: boolean | undefined;
}

export type MysqlField = { readonly name: string } & Absent<
  'catalog' | 'constructor' | 'decimals' | 'flags' | 'orgName' | 'orgTable' | 'table'
>;

/** What a statement did that answers no rows. */
export type MysqlHeader = {
  readonly affectedRows: number;
  readonly changedRows: number;
  readonly insertId: number;
} & Absent<'constructor' | 'fieldCount' | 'info' | 'serverStatus' | 'warningStatus'>;

/** What `query` with a callback gives back at once. */
export interface MysqlStatement extends Absent<EmitterMembers | 'determinePacket' | 'sql' | 'start'> {
  /** Throws: there are no streams. */
  stream(options?: object): never;
}

type Callback = ((error: any, result: any, fields: any) => unknown) | undefined;

interface CallbackQueryable {
  query(statement: string | MysqlQueryOptions, callback?: Callback): MysqlStatement;
  query(statement: string | MysqlQueryOptions, values: any, callback?: Callback): MysqlStatement;
  execute(statement: string | MysqlQueryOptions, callback?: Callback): MysqlStatement;
  execute(statement: string | MysqlQueryOptions, values: any, callback?: Callback): MysqlStatement;
}

interface PromiseQueryable {
  query<T = any>(statement: string | MysqlQueryOptions, values?: any): Promise<[T, MysqlField[]]>;
  execute<T = any>(statement: string | MysqlQueryOptions, values?: any): Promise<[T, MysqlField[]]>;
}

type BothConnections =
  | EmitterMembers
  | 'beginTransaction'
  | 'changeUser'
  | 'commit'
  | 'config'
  | 'connect'
  | 'end'
  | 'escape'
  | 'escapeId'
  | 'format'
  | 'pause'
  | 'ping'
  | 'prepare'
  | 'reset'
  | 'resume'
  | 'rollback'
  | 'state'
  | 'threadId'
  | 'unprepare';

interface Lent {
  /** Gives it back; rolls back a transaction that is still open. */
  release(): void;
  destroy(): void;
}

/** Stands where mysql2's PoolConnection is asked for. */
export interface MysqlPoolConnection
  extends CallbackQueryable,
    Lent,
    Absent<
      | BothConnections
      | 'authorized'
      | 'connection'
      | 'sequenceId'
      | 'serverHandshake'
      | 'writeEof'
      | 'writeError'
      | 'writeOk'
      | 'writePacket'
      | 'writeTextResult'
      | typeof Symbol.dispose
    > {
  promise(): MysqlPromiseConnection;
}

/** Stands where the PoolConnection of mysql2/promise is asked for. */
export interface MysqlPromiseConnection
  extends PromiseQueryable,
    Lent,
    Absent<BothConnections | 'connection' | typeof Symbol.asyncDispose> {}

/** Stands where the Pool of mysql2/promise is asked for. */
export interface MysqlPromisePool
  extends PromiseQueryable,
    Absent<
      Exclude<BothConnections, 'end'> | 'destroy' | 'pool' | 'releaseConnection' | typeof Symbol.asyncDispose
    > {
  getConnection(): Promise<MysqlPromiseConnection>;
  end(): Promise<void>;
}

/** Stands where mysql2's Pool is asked for: Kysely's MysqlDialect, Drizzle's mysql2 driver. */
export interface MysqlPool
  extends CallbackQueryable,
    Absent<
      | EmitterMembers
      | 'config'
      | 'escape'
      | 'escapeId'
      | 'format'
      | 'releaseConnection'
      | 'unprepare'
      | typeof Symbol.dispose
    > {
  getConnection(callback: (error: any, connection: MysqlPoolConnection) => unknown): void;
  /** No more calls through this pool. The router stays open: close it yourself. */
  end(callback?: (error: any) => unknown): void;
  /** The same pool with promises in place of callbacks. */
  promise(): MysqlPromisePool;
}
