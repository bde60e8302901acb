import type { Client, QueryResult, QueryResultRow } from 'pg';
import { loadDriver } from '../session/load-driver.ts';
import type { Access, Answer, Session, WriteAnswer } from '../session/session.ts';
import { newSocket } from '../session/socket.ts';
import {
  type CapturedPosition,
  type Credentials,
  type Endpoint,
  EngineError,
  type Position,
  type RowForm,
  type SqlResult,
  type SqlValue,
} from '../types.ts';
import { Capture, NOTHING } from './capture.ts';
import { translateError } from './errors.ts';
import { positionAt } from './positions.ts';
import { PIN_SYNC_COMMIT, SEAL, UPPER_BOUND } from './session-sql.ts';
import { Statements } from './statements.ts';
import { pgTls } from './tls.ts';
import { typesOf } from './values.ts';
import { checkCommitted, configOf, toParameter, toResult, wireOf } from './wire.ts';
import { Writes } from './writes.ts';

type Driver = typeof import('pg');
let driver: Driver | undefined;

async function loadPg(): Promise<Driver> {
  driver ??= await loadDriver('pg', () => import('pg'));
  return driver;
}

export interface OpenOptions {
  readonly endpoint: Endpoint;
  readonly credentials: Credentials;
  readonly database: string;
  /** `read`: may not write. `write`: settings that acknowledge writes are pinned. `tool`: as the account finds it. */
  readonly purpose: 'read' | 'write' | 'tool';
}

const OPTIONS: Readonly<Record<OpenOptions['purpose'], string>> = {
  read: '-c timezone=UTC -c default_transaction_read_only=on',
  write: '-c timezone=UTC -c client_min_messages=warning',
  tool: '-c timezone=UTC',
};

/** A session over pg in pipeline mode: queries that are not awaited travel together. See `Session` for the promises. */
export class PostgresSession implements Session {
  readonly endpoint: Endpoint;
  readonly #driver: Client;
  readonly #purpose: OpenOptions['purpose'];
  readonly #statements: Statements;
  readonly #capture: Capture;
  readonly #writes: Writes;
  readonly #socket: ReturnType<typeof newSocket>;
  readonly #closeListeners = new Set<() => void>();
  #timeline = 0;
  #connected = false;
  #broken = false;

  /** Connects and logs in. No time limit of its own: `onSession` hands out the session at once, for the caller to destroy. */
  static async open(
    options: OpenOptions,
    onSession: (session: PostgresSession) => void,
  ): Promise<PostgresSession> {
    const session = new PostgresSession(options, await loadPg());
    onSession(session);
    try {
      await session.#driver.connect();
      if (options.purpose === 'write') {
        const [{ rows }] = await Promise.all([
          session.send<{ level: string }>(PIN_SYNC_COMMIT),
          session.#writes.prepare(),
        ]);
        session.#capture.syncLevel = rows[0]?.level ?? 'on';
      }
      session.#connected = true;
      return session;
    } catch (error) {
      session.destroy();
      throw session.translate(error);
    }
  }

  private constructor({ endpoint, credentials, database, purpose }: OpenOptions, pg: Driver) {
    this.endpoint = endpoint;
    this.#purpose = purpose;
    const socket = newSocket(endpoint);
    this.#socket = socket;
    socket.once('close', () => this.#closed());
    this.#driver = new pg.Client({
      host: endpoint.host,
      port: endpoint.port,
      user: credentials.user,
      password: credentials.password,
      database,
      application_name: `replication-lab-${purpose}`,
      options: OPTIONS[purpose],
      stream: () => socket,
      ...(endpoint.tls && { ssl: pgTls(endpoint.tls) }),
      pipeline: true,
      types: typesOf(pg),
    });
    this.#driver.on('error', () => this.destroy()); // who waited for an answer is told by the driver
    this.#statements = new Statements(this.#driver, pg, () => this.#broken);
    this.#capture = new Capture(this.#driver, this.#statements);
    this.#writes = new Writes(this.#statements, this.#capture, (send) => this.#inOnePacket(send));
  }

  get broken(): boolean {
    return this.#broken;
  }

  get clean(): boolean {
    return !this.#broken && !this.#capture.tampered && this.#driver.getTransactionStatus() === 'I';
  }

  #inOnePacket(send: () => void): void {
    const { stream } = wireOf(this.#driver);
    stream.cork();
    try {
      send();
    } finally {
      stream.uncork();
    }
  }

  onClose(listener: () => void): () => void {
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  async query(sql: string, params: readonly SqlValue[], form?: RowForm): Promise<SqlResult> {
    return toResult(await this.#statement(sql, params, form), form);
  }

  ask(sql: string, params: readonly SqlValue[], form: RowForm, done: Answer): void {
    this.#statements.ask(sql, params, form, done);
  }

  /** One round trip: the question for the bound travels behind the read. */
  async queryWithUpperBound(
    sql: string,
    params: readonly SqlValue[],
    form?: RowForm,
  ): Promise<SqlResult & { upperBound: Position }> {
    const [read, bound] = await Promise.allSettled([this.#statement(sql, params, form), this.#upperBound()]);
    if (read.status === 'rejected') throw read.reason;
    if (bound.status === 'rejected') throw bound.reason;
    return { ...toResult(read.value, form), upperBound: bound.value };
  }

  write(sql: string, params: readonly SqlValue[], form: RowForm, done: WriteAnswer): void {
    const refusal = this.#refusal(sql);
    if (refusal) return void process.nextTick(done, refusal, null);
    this.#writes.write(sql, params, form, done);
  }

  #refusal(sql: string): EngineError | null {
    if (this.#purpose !== 'write' || !/set_config/i.test(sql)) return null;
    return new EngineError(
      'bad-statement',
      'set_config could switch off what makes this write safe: use it in a transaction, which pins that before COMMIT',
    );
  }

  async begin(access: Access): Promise<void> {
    await this.send(access === 'read-only' ? 'BEGIN READ ONLY' : 'BEGIN');
  }

  /** One round trip for three statements: seal, COMMIT, position. */
  async commit(): Promise<CapturedPosition> {
    this.#capture.begin();
    const [seal, done, position] = await Promise.allSettled([
      this.prepared<{ wrote: boolean }>(SEAL, [this.#capture.syncLevel]),
      this.send('COMMIT'),
      this.#capture.flushed(),
    ]);
    if (done.status === 'rejected') throw done.reason;
    checkCommitted(done.value);
    this.#capture.checkSyncWait();
    if (seal.status === 'fulfilled' && seal.value[0]?.wrote === false) return NOTHING;
    // Committed without doubt: what failed here is only the question where.
    if (position.status === 'rejected') return { kind: 'unknown', why: String(position.reason) };
    return position.value;
  }

  /** One round trip: the question for the bound travels behind the COMMIT, so that a failed transaction cannot fail it. */
  async commitReadOnly(withUpperBound: boolean): Promise<Position | undefined> {
    const [done, bound] = await Promise.allSettled([
      this.send('COMMIT'),
      withUpperBound ? this.#upperBound() : undefined,
    ]);
    if (done.status === 'rejected') throw done.reason;
    checkCommitted(done.value);
    if (bound.status === 'rejected') throw bound.reason;
    return bound.value;
  }

  async rollback(): Promise<void> {
    await this.send('ROLLBACK');
  }

  async #upperBound(): Promise<Position> {
    const [row] = await this.prepared<{ timeline: number; lsn: string }>(UPPER_BOUND);
    if (!row) throw new EngineError('other', 'the server answered no position');
    return positionAt(this.latestTimeline(row.timeline), row.lsn);
  }

  /**
   * The highest timeline that this session has heard of. A replica that has lost its primary knows its timeline only from
   * its last restart point, which can be minutes old and a promotion behind; a node never goes back to an older one.
   */
  latestTimeline(said: number): number {
    this.#timeline = Math.max(this.#timeline, said);
    return this.#timeline;
  }

  /** A statement of the caller's. In pools it must be one: the extended protocol refuses a text with several. */
  #statement(sql: string, params: readonly SqlValue[], form: RowForm = {}): Promise<QueryResult> {
    if (this.#purpose === 'tool') return this.send(sql, params);
    return this.#driver.query(configOf(sql, params, form));
  }

  send<R extends QueryResultRow>(sql: string, params: readonly SqlValue[] = []): Promise<QueryResult<R>> {
    return this.#driver.query<R>(sql, params.map(toParameter));
  }

  /** A statement of our own that is asked again and again. */
  async prepared<R extends QueryResultRow>(
    statement: { readonly name: string; readonly text: string },
    values: readonly string[] = [],
  ): Promise<R[]> {
    try {
      return (await this.#driver.query<R>({ ...statement, values: [...values] })).rows;
    } catch (error) {
      this.#capture.noticeLoss(error);
      throw error;
    }
  }

  translate(error: unknown): EngineError {
    return translateError(error, { endpoint: this.endpoint, connected: this.#connected });
  }

  async end(): Promise<void> {
    if (this.#broken) return;
    await this.#driver.end();
    this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#closed();
  }

  #closed(): void {
    if (this.#broken) return;
    this.#broken = true;
    for (const listener of this.#closeListeners) listener();
  }
}
