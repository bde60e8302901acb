import type { Connection as DriverConnection, QueryOptions } from 'mysql2';
import { loadDriver } from '../session/load-driver.ts';
import { type Access, type Answer, type Session, toCaptured, type WriteAnswer } from '../session/session.ts';
import { newSocket } from '../session/socket.ts';
import {
  type CapturedPosition,
  type Credentials,
  type Endpoint,
  EngineError,
  type Position,
  type Row,
  type RowForm,
  type SqlResult,
  type SqlValue,
} from '../types.ts';
import { translateError } from './errors.ts';
import { parametersFor } from './parameters.ts';
import { PreparedStatements } from './prepared.ts';
import { mysqlTls, nameForTls } from './tls.ts';

type Driver = typeof import('mysql2');
let loaded: { readonly driver: Driver; readonly toParameter: ReturnType<typeof parametersFor> } | undefined;

async function loadMysql2(): Promise<NonNullable<typeof loaded>> {
  if (!loaded) {
    const driver = (await loadDriver('mysql2', () => import('mysql2'))).default;
    loaded = { driver, toParameter: parametersFor(driver) };
  }
  return loaded;
}

/** The OK packet as mysql2 gives it. `stateChanges` is missing from its typings. */
export interface OkHeader {
  readonly affectedRows: number;
  readonly insertId: number | string;
  readonly changedRows?: number;
  readonly serverStatus: number;
  readonly stateChanges?: {
    readonly systemVariables: Readonly<Record<string, string>>;
    readonly gtids: readonly string[];
  };
}

interface Column {
  readonly name: string;
}

interface ResultSet {
  readonly columns: readonly Column[];
  /** Objects or arrays, as asked for. */
  readonly rows: readonly unknown[];
}

/** A statement's whole answer: the OK packets and the result sets, in order. */
interface Reply {
  readonly headers: readonly OkHeader[];
  readonly resultSets: readonly ResultSet[];
}

/** What MySQL and MariaDB do differently in a client's session. */
export interface Dialect {
  /** Run in order after login. `readOnly`: a session that may not write. */
  initialise(readOnly: boolean): readonly string[];
  /** One row, which `whyNotCaptured` reads: can this session learn the positions of its writes? */
  readonly captureCheckSql: string;
  /** Null when OK packets will carry positions, else the reason why not. */
  whyNotCaptured(row: Row): string | null;
  /** The position that an OK packet carries, null when it carries none. */
  capture(header: OkHeader): Position | null;
  /** One row, which `upperBound` reads: see `ReadOptions.withUpperBound`. */
  readonly upperBoundSql: string;
  upperBound(row: Row): Position;
}

export interface OpenOptions {
  readonly endpoint: Endpoint;
  readonly credentials: Credentials;
  readonly database?: string;
  readonly readOnly: boolean;
  /** Several statements in one text: for the tools' and the monitor's own texts, never in pools. */
  readonly multipleStatements: boolean;
}

type TypeCast = Exclude<QueryOptions['typeCast'], boolean | undefined>;

const IN_TRANSACTION = 1; // SERVER_STATUS_IN_TRANS
const AUTOCOMMIT = 2; // SERVER_STATUS_AUTOCOMMIT

/** A session over mysql2. Made by `open`; see `Session` for the promises. */
export class MysqlSession implements Session {
  readonly endpoint: Endpoint;
  readonly driver: DriverConnection;
  readonly #dialect: Dialect;
  readonly #toParameter: ReturnType<typeof parametersFor>;
  readonly #destroySocket: () => void;
  readonly #closeListeners = new Set<() => void>();
  readonly #prepared: PreparedStatements;
  #whyNotCaptured: string | null = 'the session is not initialised';
  #connected = false;
  #broken = false;
  #serverStatus = AUTOCOMMIT;

  /**
   * Connects, logs in and initialises. Has no time limit of its own: `onSession` hands out the session at once, so
   * that the caller can destroy it.
   */
  static async open(
    options: OpenOptions,
    dialect: Dialect,
    onSession: (session: MysqlSession) => void,
  ): Promise<MysqlSession> {
    const session = new MysqlSession(options, dialect, await loadMysql2());
    onSession(session);
    try {
      await session.#login(options.readOnly);
      return session;
    } catch (error) {
      session.destroy();
      throw session.translate(error);
    }
  }

  private constructor(
    options: OpenOptions,
    dialect: Dialect,
    { driver, toParameter }: NonNullable<typeof loaded>,
  ) {
    this.#toParameter = toParameter;
    this.endpoint = options.endpoint;
    this.#dialect = dialect;
    const socket = newSocket(options.endpoint);
    this.#destroySocket = () => socket.destroy();
    socket.once('close', () => this.#closed());
    this.driver = driver.createConnection({
      host: nameForTls(options.endpoint),
      port: options.endpoint.port,
      ...(options.endpoint.tls && { ssl: mysqlTls(options.endpoint.tls) }),
      user: options.credentials.user,
      password: options.credentials.password,
      ...(options.database !== undefined && { database: options.database }),
      stream: () => socket.connect(options.endpoint.port, options.endpoint.host),
      connectTimeout: 0, // the caller's deadline rules
      charset: 'utf8mb4',
      timezone: 'Z',
      supportBigNumbers: true, // a bigint above 2^53 arrives as text instead of being rounded
      multipleStatements: options.multipleStatements,
      maxPreparedStatements: 256,
      flags: ['-LOCAL_FILES'], // no server may ask this process for its files
    });
    this.#prepared = new PreparedStatements(this.driver);
    this.driver.on('error', () => this.destroy()); // who waited for an answer is told by the driver
  }

  get broken(): boolean {
    return this.#broken;
  }

  get clean(): boolean {
    return !this.#broken && (this.#serverStatus & (IN_TRANSACTION | AUTOCOMMIT)) === AUTOCOMMIT;
  }

  onClose(listener: () => void): () => void {
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  async #login(readOnly: boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.driver.connect((error) => (error ? reject(error) : resolve()));
    });
    for (const statement of this.#dialect.initialise(readOnly)) await this.send(statement);
    const [row] = (await this.query(this.#dialect.captureCheckSql, [])).rows;
    this.#whyNotCaptured = this.#dialect.whyNotCaptured(row ?? {});
    this.#connected = true;
  }

  async query(sql: string, params: readonly SqlValue[], form?: RowForm): Promise<SqlResult> {
    return toResult(await this.send(sql, params, form), form);
  }

  ask(sql: string, params: readonly SqlValue[], form: RowForm, done: Answer): void {
    this.#start(sql, params, form, (error, answer, fields) => {
      if (error) done(error, null);
      else if (isOneTable(answer, fields)) done(null, tableOnly({ rows: answer, columns: fields }, form));
      else done(null, toResult(this.#noted(toReply(answer, fields)), form));
    });
  }

  /** Two round trips: mysql2 does not pipeline, and pools do not allow two statements in one text. */
  async queryWithUpperBound(sql: string, params: readonly SqlValue[], form?: RowForm) {
    const result = await this.query(sql, params, form);
    return { ...result, upperBound: await this.#upperBound() };
  }

  async #upperBound(): Promise<Position> {
    const [row] = (await this.query(this.#dialect.upperBoundSql, [])).rows;
    return this.#dialect.upperBound(row ?? {});
  }

  write(sql: string, params: readonly SqlValue[], form: RowForm, done: WriteAnswer): void {
    this.#start(sql, params, form, (error, answer, fields) => {
      if (error) return done(error, null);
      const reply = this.#noted(toReply(answer, fields));
      done(null, { ...toResult(reply, form), position: this.#captureFrom(reply) });
    });
  }

  async begin(access: Access): Promise<void> {
    await this.send(access === 'read-only' ? 'START TRANSACTION READ ONLY' : 'START TRANSACTION');
  }

  async commit(): Promise<CapturedPosition> {
    return this.#captureFrom(await this.send('COMMIT'));
  }

  async commitReadOnly(withUpperBound: boolean): Promise<Position | undefined> {
    await this.send('COMMIT');
    return withUpperBound ? this.#upperBound() : undefined;
  }

  async rollback(): Promise<void> {
    await this.send('ROLLBACK');
  }

  #captureFrom(reply: Reply): CapturedPosition {
    if (this.#whyNotCaptured !== null) return { kind: 'unknown', why: this.#whyNotCaptured };
    if (reply.headers.length > 0) return toCaptured(() => this.#lastCaptured(reply));
    // A result set ends with an EOF packet, which has no room for a position (INSERT … RETURNING, SELECT f()).
    return {
      kind: 'unknown',
      why: 'the statement answered with rows, and such an answer carries no position',
    };
  }

  #lastCaptured({ headers }: Reply): Position | null {
    for (let index = headers.length - 1; index >= 0; index--) {
      const position = this.#dialect.capture(headers[index]!);
      if (position !== null) return position;
    }
    return null;
  }

  /**
   * One statement. With parameters it is prepared (once a connection) and executed: values never become part of
   * the text, and the server keeps the parsed form. Without, it goes as text, in one round trip.
   */
  async send(sql: string, params: readonly SqlValue[] = [], form: RowForm = {}): Promise<Reply> {
    const reply = await new Promise<Reply>((resolve, reject) => {
      this.#start(sql, params, form, (error, answer, fields) =>
        error ? reject(error) : resolve(toReply(answer, fields)),
      );
    });
    return this.#noted(reply);
  }

  #start(
    sql: string,
    params: readonly SqlValue[],
    { rowMode, typeCast }: RowForm,
    done: (error: unknown, answer: unknown, fields: unknown) => void,
  ): void {
    try {
      if (params.length > 0 && !rowMode && !typeCast) {
        this.#prepared.execute(sql, params.map(this.#toParameter), done);
        return;
      }
      const statement: QueryOptions = {
        sql,
        rowsAsArray: rowMode === 'array',
        ...(typeCast && { typeCast: typeCast as TypeCast }),
      };
      if (params.length === 0) this.driver.query(statement, done);
      else this.driver.execute(statement, params.map(this.#toParameter), done);
    } catch (error) {
      process.nextTick(done, error, undefined, undefined); // the driver refuses such a value
    }
  }

  #noted(reply: Reply): Reply {
    const status = reply.headers.at(-1)?.serverStatus;
    if (status !== undefined) this.#serverStatus = status;
    return reply;
  }

  /**
   * Several statements in one text, so in one round trip (`multipleStatements` sessions only). Answers the result
   * sets up to the first statement that failed, and what it failed with.
   */
  queryMany(statements: readonly string[]): Promise<{ resultSets: Row[][]; failure: unknown }> {
    return new Promise((resolve, reject) => {
      const resultSets: Row[][] = [];
      let failure: unknown = null;
      const forget = this.onClose(() =>
        reject(new EngineError('connection-lost', 'the connection ended unanswered')),
      );
      // Through events, because the driver's callback forgets the earlier results when a later statement fails.
      this.driver
        .query(statements.join(';'))
        .on('fields', (fields: unknown) => fields !== undefined && resultSets.push([]))
        .on('result', (row: Row) => resultSets.at(-1)?.push(row))
        .on('error', (error: unknown) => {
          failure = error;
        })
        .on('end', () => {
          forget();
          resolve({ resultSets, failure });
        });
    });
  }

  translate(error: unknown): EngineError {
    return translateError(error, { endpoint: this.endpoint, connected: this.#connected });
  }

  async end(): Promise<void> {
    if (this.#broken) return;
    await new Promise<void>((resolve) => {
      this.onClose(resolve);
      this.driver.end(() => this.#destroySocket());
    });
  }

  destroy(): void {
    this.#destroySocket();
    this.#closed();
  }

  #closed(): void {
    if (this.#broken) return;
    this.#broken = true;
    for (const listener of this.#closeListeners) listener();
  }
}

/**
 * mysql2 answers one statement with one value, and several (or a CALL) with an array of them. `fields` tells them apart, as
 * rows cannot that may be arrays themselves: the columns of one table, nothing for an OK packet, or an array of these.
 */
function toReply(answer: unknown, fields: unknown): Reply {
  const isMany = Array.isArray(fields) && fields.some((part) => part === undefined || Array.isArray(part));
  const answers = isMany ? (answer as unknown[]) : [answer];
  const columns = isMany ? (fields as unknown[]) : [fields];
  return {
    headers: answers.filter(isHeader),
    resultSets: answers.flatMap((rows, index) =>
      Array.isArray(rows) ? [{ rows, columns: (columns[index] ?? []) as Column[] }] : [],
    ),
  };
}

const isHeader = (part: unknown): part is OkHeader => part?.constructor?.name === 'ResultSetHeader';

/** `fields` has something in it, and that is a column. */
const isOneTable = (answer: unknown, fields: unknown): answer is unknown[] =>
  Array.isArray(answer) && Array.isArray(fields) && fields[0] !== undefined && !Array.isArray(fields[0]);

function tableOnly(table: { rows: readonly unknown[]; columns: unknown }, form: RowForm): SqlResult {
  return { ...inForm(table as ResultSet, form), affectedRows: 0, insertId: null };
}

function toResult({ headers, resultSets }: Reply, form: RowForm = {}): SqlResult {
  const header = headers.at(-1);
  return {
    ...inForm(resultSets.at(-1), form),
    affectedRows: header?.affectedRows ?? 0,
    ...(form.rowMode && { changedRows: header?.changedRows ?? 0 }),
    insertId: header?.insertId ? Number(header.insertId) : null,
  };
}

/** Names and arrays only for those who ask: most calls want objects and nothing else. */
function inForm(
  table: ResultSet | undefined,
  { rowMode }: RowForm,
): Pick<SqlResult, 'rows' | 'arrays' | 'columns'> {
  const rows = table?.rows ?? [];
  if (rowMode === undefined) return { rows: rows as readonly Row[] };
  const columns = table && { columns: table.columns.map(({ name }) => name) };
  if (rowMode === 'object') return { rows: rows as readonly Row[], ...columns };
  return { rows: [], arrays: rows as readonly unknown[][], ...columns };
}
