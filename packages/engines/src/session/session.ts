import type {
  CapturedPosition,
  Endpoint,
  EngineError,
  Position,
  RowForm,
  SqlResult,
  SqlValue,
} from '../types.ts';

/** What was under way when something failed; it decides what the failure means (`outcome.ts`). */
export type Phase =
  | 'connect' //     nothing was sent
  | 'read' //        nothing can have changed
  | 'write' //       one autocommitted statement was sent
  | 'begin' //       BEGIN was sent: nothing of the caller's
  | 'transaction' // inside a transaction, before COMMIT: nothing is committed
  | 'commit' //      COMMIT was sent
  | 'read-only'; //  inside a READ ONLY transaction, or at its end: nothing can have changed

export type Access = 'read-write' | 'read-only';

/** `error` is null when there is a `result`. */
export type Answer = (error: unknown, result: SqlResult | null) => void;
export type WriteAnswer = (
  error: unknown,
  result: (SqlResult & { position: CapturedPosition }) | null,
) => void;

/**
 * One logged-in connection, as the pool and the tools use it. Methods reject with the driver's own errors, which
 * `translate` turns into EngineErrors. None of them has a time limit: the caller destroys the session instead.
 */
export interface Session {
  readonly endpoint: Endpoint;
  /** True once the connection is of no more use: never lend it again. */
  readonly broken: boolean;
  /** True when the session is as it was at its start: no open transaction, settings untouched. */
  readonly clean: boolean;
  /** Called once, when the connection ends for whatever reason. Returns how to take the listener away again. */
  onClose(listener: () => void): () => void;

  /** Inside a transaction or not. */
  query(sql: string, params: readonly SqlValue[], form?: RowForm): Promise<SqlResult>;
  /**
   * The same outside a transaction, and without a promise: this is the path that every read takes. Never throws. Of a
   * broken connection a driver may call `done` twice: the first call counts.
   */
  ask(sql: string, params: readonly SqlValue[], form: RowForm, done: Answer): void;
  queryWithUpperBound(
    sql: string,
    params: readonly SqlValue[],
    form?: RowForm,
  ): Promise<SqlResult & { upperBound: Position }>;
  /** As `ask`: one autocommitted statement, and the position at which it was committed. */
  write(sql: string, params: readonly SqlValue[], form: RowForm, done: WriteAnswer): void;
  begin(access: Access): Promise<void>;
  commit(): Promise<CapturedPosition>;
  /** COMMIT of a READ ONLY transaction; then, when asked for, an upper bound of what it can have seen. */
  commitReadOnly(withUpperBound: boolean): Promise<Position | undefined>;
  rollback(): Promise<void>;

  translate(error: unknown): EngineError;
  /** Says goodbye to the server; resolves when the socket is closed. */
  end(): Promise<void>;
  /** Closes the socket at once. Whatever runs on the server goes on there (never cancelled, DESIGN invariant 8). */
  destroy(): void;
}

/** Where a write that is done was committed. What cannot be read of the server's answer is no reason to call it failed. */
export function toCaptured(read: () => Position | null): CapturedPosition {
  try {
    const position = read();
    return position === null ? { kind: 'none' } : { kind: 'known', position };
  } catch (error) {
    return { kind: 'unknown', why: String(error) };
  }
}
