import type { Client, QueryConfig, QueryResult, QueryResultRow } from 'pg';
import { loadDriver } from '../session/load-driver.ts';
import { type Access, type Answer, type Session, toCaptured, type WriteAnswer } from '../session/session.ts';
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
import { bareQuery } from './bare-query.ts';
import { translateError } from './errors.ts';
import { positionAt } from './positions.ts';
import { isNotOurs, mayBeOutdated, PreparedNames } from './prepared-names.ts';
import { FIRST_FLUSHED, FLUSHED, PIN_SYNC_COMMIT, SEAL, UPPER_BOUND } from './session-sql.ts';
import { pgTls } from './tls.ts';
import { typesOf } from './values.ts';
import { cancelledWait, checkCommitted, configOf, toParameter, toResult, wireOf } from './wire.ts';

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

/** Waits for a standby's confirmation were cancelled: the commit is done here and perhaps nowhere else. */
const CANCELLED_SYNC_WAIT = 'SyncRepWaitForLSN';

const NOTHING: CapturedPosition = { kind: 'none' };

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
  readonly #pg: Driver;
  readonly #socket: ReturnType<typeof newSocket>;
  readonly #closeListeners = new Set<() => void>();
  readonly #names = new PreparedNames();
  #syncLevel = 'on';
  #cancelledWait = false;
  #tampered = false;
  #timeline = 0;
  #primaryTimeline: number | null = null;
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
        const { rows } = await session.send<{ level: string }>(PIN_SYNC_COMMIT);
        session.#syncLevel = rows[0]?.level ?? 'on';
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
    this.#pg = pg;
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
    this.#driver.on('notice', (notice) => {
      if (notice.routine === CANCELLED_SYNC_WAIT) this.#cancelledWait = true;
    });
  }

  get broken(): boolean {
    return this.#broken;
  }

  get clean(): boolean {
    return !this.#broken && !this.#tampered && this.#driver.getTransactionStatus() === 'I';
  }

  onClose(listener: () => void): () => void {
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  async query(sql: string, params: readonly SqlValue[], form?: RowForm): Promise<SqlResult> {
    return toResult(await this.#statement(sql, params, form), form);
  }

  /**
   * A text that comes again and again is prepared under a name: parsing and planning cost the server as much as a lookup by
   * key. Not in transactions, where a statement that has gone stale (somebody changed the table) could not be asked again.
   */
  ask(sql: string, params: readonly SqlValue[], form: RowForm, done: Answer): void {
    const name = this.#names.nameOf(sql);
    this.#start(name, sql, params, form, (error, answer) => {
      if (!error) {
        if (name === undefined) this.#names.used(sql);
        done(null, toResult(answer, form));
        return;
      }
      if (this.#isStale(name, sql, error)) this.ask(sql, params, form, done);
      else done(error, null);
    });
  }

  /** Did a prepared statement fail because it is prepared? Then it is not any more. */
  #isStale(name: string | undefined, sql: string, error: unknown): boolean {
    const state = (error as { code?: string }).code;
    if (name === undefined || this.#broken || !(isNotOurs(state) || mayBeOutdated(state))) return false;
    if (isNotOurs(state)) this.#names.turnOff();
    else this.#names.forget(sql);
    return true;
  }

  /**
   * Never throws. The driver copies a configuration object property by property, which costs as much as sending it, so the
   * usual form goes as a query that is made already.
   */
  #start(
    name: string | undefined,
    text: string,
    params: readonly SqlValue[],
    form: RowForm,
    done: (error: unknown, answer: QueryResult) => void,
  ): void {
    try {
      if (form.rowMode || form.types) {
        this.#driver.query({ name, ...configOf(text, params, form) } as QueryConfig, done);
      } else {
        this.#driver.query(this.#plainQuery(name, text, params.map(toParameter), done));
      }
    } catch (error) {
      process.nextTick(done, error, undefined); // such a value cannot be sent
    }
  }

  #plainQuery(
    name: string | undefined,
    text: string,
    values: ReturnType<typeof toParameter>[],
    done: (error: unknown, answer: QueryResult) => void,
  ) {
    const { Query } = this.#pg;
    const query = new Query(text, values, done as unknown as ConstructorParameters<typeof Query>[2]);
    return Object.assign(query, { name, queryMode: 'extended' as const });
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

  /**
   * One round trip: the question for the position travels behind the write and is answered after its commit. A plain write
   * is prepared as a read is. One that the server refuses as stale was refused: nothing of it was done, so it may be sent anew.
   */
  write(sql: string, params: readonly SqlValue[], form: RowForm, done: WriteAnswer): void {
    const refusal = this.#refusal(sql);
    if (refusal) return void process.nextTick(done, refusal, null);
    this.#cancelledWait = false;
    const isPlain = PLAIN_WRITE.test(sql) && this.#purpose !== 'tool';
    const name = isPlain ? this.#names.nameOf(sql) : undefined;
    let failure: unknown = null;
    let answer: QueryResult | null = null;
    const { stream } = wireOf(this.#driver);
    stream.cork(); // one packet for both
    this.#start(name, sql, params, form, (error, written) => {
      if (error) failure = error;
      else answer = written;
    });
    // Questions are answered in their order, and those of a connection that ends fail in it.
    this.#askFlushed((why, flushed) => {
      if (answer === null) {
        if (this.#isStale(name, sql, failure)) this.write(sql, params, form, done);
        else done(failure, null);
        return;
      }
      if (isPlain && name === undefined) this.#names.used(sql);
      if (this.#cancelledWait) return done(cancelledWait(), null);
      const result = toResult(answer, form);
      // Committed without doubt: what may have failed is only the question where.
      if (wroteNothing(sql, answer)) done(null, { ...result, position: NOTHING });
      else done(null, { ...result, position: flushed ?? { kind: 'unknown', why: String(why) } });
    });
    stream.uncork();
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
    this.#cancelledWait = false;
    const [seal, done, position] = await Promise.allSettled([
      this.prepared<{ wrote: boolean }>(SEAL, [this.#syncLevel]),
      this.send('COMMIT'),
      this.#flushed(),
    ]);
    if (done.status === 'rejected') throw done.reason;
    checkCommitted(done.value);
    this.#checkSyncWait();
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

  #flushed(): Promise<CapturedPosition> {
    return new Promise((resolve, reject) => {
      this.#askFlushed((error, position) => (position === null ? reject(error) : resolve(position)));
    });
  }

  #askFlushed(done: (error: unknown, position: CapturedPosition | null) => void): void {
    const timeline = this.#primaryTimeline;
    const question = timeline === null ? FIRST_FLUSHED : FLUSHED;
    const answer: { row: readonly (string | null)[] | null } = { row: null };
    const finish = (error: unknown): void => {
      if (error) this.#noticeLoss(error);
      const [lsn, level, first] = answer.row ?? [];
      const why = error ?? new EngineError('other', 'the server answered no position');
      if (error || !lsn || !level) done(why, null);
      else done(null, this.#captured({ lsn, level, timeline: timeline ?? Number(first) }));
    };
    const bare = bareQuery(this.#plainQuery(question.name, question.text, [], finish), question, answer);
    if (bare) {
      this.#driver.query(bare);
      return;
    }
    this.#start(question.name, question.text, [], { rowMode: 'array' }, (error, result) => {
      answer.row = error ? null : ((result.rows as unknown[][])[0]?.map(String) ?? null);
      finish(error);
    });
  }

  #captured({ timeline, lsn, level }: { timeline: number; lsn: string; level: string }): CapturedPosition {
    this.#primaryTimeline = timeline;
    // Both are pinned: one makes a commit wait for its replica, the other lets us hear that a wait was cancelled.
    if (level === `${this.#syncLevel}/warning`) {
      return toCaptured(() => positionAt(timeline, lsn));
    }
    // Somebody found a way past the guard (set_config in a query): this session is not lent again.
    this.#tampered = true;
    return {
      kind: 'unknown',
      why: `synchronous_commit or client_min_messages was changed on the way (${level})`,
    };
  }

  #checkSyncWait(): void {
    if (!this.#cancelledWait) return;
    throw cancelledWait();
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
      this.#noticeLoss(error);
      throw error;
    }
  }

  /** Somebody has dropped a statement of ours (a function can, with EXECUTE): this session is not lent again. */
  #noticeLoss(error: unknown): void {
    if (isNotOurs((error as { code?: string }).code)) this.#tampered = true;
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

/** Only what is plainly one INSERT, UPDATE, DELETE or MERGE: behind WITH or SELECT anything may have been written. */
const PLAIN_WRITE = /^\s*(?:insert|update|delete|merge)\b/i;
const wroteNothing = (sql: string, { rowCount }: QueryResult): boolean =>
  rowCount === 0 && PLAIN_WRITE.test(sql);
