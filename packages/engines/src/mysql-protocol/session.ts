import mysql, { type Connection as DriverConnection } from 'mysql2';
import type { Access, Session } from '../session/session.ts';
import { newSocket } from '../session/socket.ts';
import {
  type CapturedPosition,
  type Credentials,
  type Endpoint,
  EngineError,
  type Position,
  type Row,
  type SqlResult,
  type SqlValue,
} from '../types.ts';
import { translateError } from './errors.ts';

/** The OK packet as mysql2 gives it. `stateChanges` is missing from its typings. */
export interface OkHeader {
  readonly affectedRows: number;
  readonly insertId: number | string;
  readonly serverStatus: number;
  readonly stateChanges?: {
    readonly systemVariables: Readonly<Record<string, string>>;
    readonly gtids: readonly string[];
  };
}

/** A statement's whole answer: the OK packets and the result sets, in order. */
interface Reply {
  readonly headers: readonly OkHeader[];
  readonly resultSets: readonly (readonly Row[])[];
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

const IN_TRANSACTION = 1; // SERVER_STATUS_IN_TRANS
const AUTOCOMMIT = 2; // SERVER_STATUS_AUTOCOMMIT

/** A session over mysql2. Made by `open`; see `Session` for the promises. */
export class MysqlSession implements Session {
  readonly endpoint: Endpoint;
  readonly driver: DriverConnection;
  readonly #dialect: Dialect;
  readonly #destroySocket: () => void;
  readonly #closeListeners = new Set<() => void>();
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
    const session = new MysqlSession(options, dialect);
    onSession(session);
    try {
      await session.#login(options.readOnly);
      return session;
    } catch (error) {
      session.destroy();
      throw session.translate(error);
    }
  }

  private constructor(options: OpenOptions, dialect: Dialect) {
    this.endpoint = options.endpoint;
    this.#dialect = dialect;
    const socket = newSocket();
    this.#destroySocket = () => socket.destroy();
    socket.once('close', () => this.#closed());
    this.driver = mysql.createConnection({
      host: options.endpoint.host,
      port: options.endpoint.port,
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

  async query(sql: string, params: readonly SqlValue[]): Promise<SqlResult> {
    return toResult(await this.send(sql, params));
  }

  /** Two round trips: mysql2 does not pipeline, and pools do not allow two statements in one text. */
  async queryWithUpperBound(sql: string, params: readonly SqlValue[]) {
    const result = await this.query(sql, params);
    return { ...result, upperBound: await this.#upperBound() };
  }

  async #upperBound(): Promise<Position> {
    const [row] = (await this.query(this.#dialect.upperBoundSql, [])).rows;
    return this.#dialect.upperBound(row ?? {});
  }

  async write(sql: string, params: readonly SqlValue[]) {
    const reply = await this.send(sql, params);
    return { ...toResult(reply), position: this.#captureFrom(reply) };
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
    const position = reply.headers.map((header) => this.#dialect.capture(header)).findLast((p) => p !== null);
    if (position !== undefined && position !== null) return { kind: 'known', position };
    if (reply.headers.length > 0) return { kind: 'none' };
    // A result set ends with an EOF packet, which has no room for a position (INSERT … RETURNING, SELECT f()).
    return {
      kind: 'unknown',
      why: 'the statement answered with rows, and such an answer carries no position',
    };
  }

  /**
   * One statement. With parameters it is prepared (once a connection) and executed: values never become part of
   * the text, and the server keeps the parsed form. Without, it goes as text, in one round trip.
   */
  async send(sql: string, params: readonly SqlValue[] = []): Promise<Reply> {
    const answer = await new Promise<unknown>((resolve, reject) => {
      const done = (error: Error | null, result: unknown): void => (error ? reject(error) : resolve(result));
      if (params.length === 0) this.driver.query(sql, done);
      else this.driver.execute(sql, params.map(toParameter), done);
    });
    const reply = toReply(answer);
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
 * Whole numbers are sent as integers. Left to itself the driver sends a JavaScript number as DOUBLE, which MySQL
 * refuses in `LIMIT ?`.
 */
function toParameter(value: SqlValue) {
  const isInteger = typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value));
  return isInteger ? mysql.TypedParameter.BIGINT(value) : value;
}

/** mysql2 answers one statement with one value, and several (or a CALL) with an array of them. */
function toReply(answer: unknown): Reply {
  const parts: unknown[] = Array.isArray(answer) && answer.some((part) => isResult(part)) ? answer : [answer];
  return {
    headers: parts.filter(isHeader),
    resultSets: parts.filter((part): part is Row[] => Array.isArray(part)),
  };
}

const isHeader = (part: unknown): part is OkHeader => part?.constructor?.name === 'ResultSetHeader';
const isResult = (part: unknown): boolean => Array.isArray(part) || isHeader(part);

function toResult({ headers, resultSets }: Reply): SqlResult {
  const header = headers.at(-1);
  return {
    rows: resultSets.at(-1) ?? [],
    affectedRows: header?.affectedRows ?? 0,
    insertId: header?.insertId ? Number(header.insertId) : null,
  };
}
