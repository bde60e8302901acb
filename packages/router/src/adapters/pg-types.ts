// biome-ignore-all lint/suspicious/noExplicitAny: as loose as the drivers' own types, which these have to fit.
import type { Absent, EmitterMembers } from './absent.ts';

export interface PgQueryConfig {
  readonly text: string;
  readonly values?: readonly unknown[] | undefined;
  readonly rowMode?: string | undefined;
  readonly types?: { getTypeParser(oid: number, format?: 'text'): (text: string) => unknown } | undefined;
}

export type PgField = { readonly name: string } & Absent<
  'tableID' | 'columnID' | 'dataTypeID' | 'dataTypeSize' | 'dataTypeModifier' | 'format'
>;

/** The commands that query builders tell apart; of others comes whatever word the server has. */
export type PgCommand = 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE' | 'MERGE' | 'COMMIT' | 'ROLLBACK';

export interface PgResult<Row> {
  command: PgCommand;
  rowCount: number;
  oid: never;
  fields: PgField[];
  rows: Row[];
}

export interface PgQueryable {
  query<Row = any>(statement: string | PgQueryConfig, values?: readonly unknown[]): Promise<PgResult<Row>>;
  /** Throws: there are no cursors and no streams. */
  query(cursor: { read(count: number): unknown } | { submit(connection: never): void }): never;
  /** Throws: there are no callbacks. */
  query(statement: string | PgQueryConfig, callback: (...results: never) => void): never;
}

type ClientMembers =
  | EmitterMembers
  | 'connect'
  | 'connection'
  | 'copyFrom'
  | 'copyTo'
  | 'end'
  | 'escapeIdentifier'
  | 'escapeLiteral'
  | 'getTransactionStatus'
  | 'getTypeParser'
  | 'host'
  | 'pauseDrain'
  | 'pipeline'
  | 'port'
  | 'processID'
  | 'resumeDrain'
  | 'setTypeParser'
  | 'ssl';

/** Stands where pg's PoolClient is asked for. */
export interface PgPoolClient extends PgQueryable, Absent<ClientMembers> {
  /** Gives it back; rolls back a transaction that is still open. */
  release(destroy?: Error | boolean): void;
}

type PoolMembers =
  | EmitterMembers
  | 'ended'
  | 'ending'
  | 'expiredCount'
  | 'idleCount'
  | 'totalCount'
  | 'waitingCount';

/** Stands where pg's Pool is asked for: Kysely's PostgresDialect, Drizzle's node-postgres driver. */
export interface PgPool extends PgQueryable, Absent<PoolMembers> {
  readonly options: any;
  connect(): Promise<PgPoolClient>;
  /** No more calls through this pool. The router stays open: close it yourself. */
  end(): Promise<void>;
}
