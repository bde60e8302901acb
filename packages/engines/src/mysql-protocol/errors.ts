import { type Endpoint, EngineError, type EngineErrorCode } from '../types.ts';

/** What mysql2 throws: server errors carry `errno` and `sqlState`, network errors only `code`. */
interface DriverError {
  readonly message: string;
  readonly code?: string;
  readonly errno?: number;
  readonly sqlState?: string;
  readonly fatal?: boolean;
}

/** Server error numbers that MySQL and MariaDB share and that mean something to a caller. */
const BY_NUMBER: Readonly<Record<number, EngineErrorCode>> = {
  1040: 'overloaded', // too many connections
  1203: 'overloaded', // max_user_connections
  1226: 'overloaded', // an account's resource limit
  1044: 'access-denied',
  1045: 'access-denied',
  1142: 'access-denied',
  1143: 'access-denied',
  1227: 'access-denied',
  1370: 'access-denied',
  1419: 'access-denied', // a trigger or a function, where there is a binary log
  1698: 'access-denied',
  1792: 'read-only', // a READ ONLY transaction
  1836: 'read-only',
  1062: 'unique-violation',
  1586: 'unique-violation',
  1020: 'deadlock', // the record changed since the transaction read it
  1205: 'deadlock', // lock wait timeout
  1213: 'deadlock',
  3572: 'deadlock', // NOWAIT
  // The server ends the connection, or a commit failed half-way: nobody can tell what was done.
  1053: 'connection-lost', // shutdown in progress
  1080: 'connection-lost',
  1152: 'connection-lost',
  1153: 'connection-lost', // packet too large
  1158: 'connection-lost',
  1159: 'connection-lost',
  1160: 'connection-lost',
  1161: 'connection-lost',
  1180: 'outcome-unknown', // error during COMMIT
  1184: 'connection-lost',
  1927: 'connection-lost', // connection was killed (mariadb)
  4031: 'connection-lost', // disconnected for inactivity (mysql)
};

/** 1290 is used for many options; only its read-only form says that the node does not take writes. */
const OPTION_PREVENTS_STATEMENT = 1290;

/** SQLSTATE classes of statements that are wrong in themselves: syntax, names, data, constraints. */
const CALLERS_FAULT = /^(?:42|22|23|21|0A|07)/;

/** `… for key 'users.users_email_key'`: the name is the last quoted part, MySQL puts the table before it. */
const DUPLICATE_KEY = /for key '([^']+)'$/;

export interface TranslateContext {
  readonly endpoint: Endpoint;
  readonly connected: boolean;
}

/** An EngineError for anything that mysql2 may throw. EngineErrors pass through with the endpoint added. */
export function translateError(error: unknown, { endpoint, connected }: TranslateContext): EngineError {
  if (error instanceof EngineError) {
    if (error.endpoint) return error;
    const { code, constraint, cause } = error;
    return new EngineError(code, error.message, { endpoint, ...(constraint && { constraint }), cause });
  }
  const driverError = (error instanceof Error ? error : new Error(String(error))) as DriverError;
  const code = connected ? codeOf(driverError) : connectCodeOf(driverError);
  const constraint = code === 'unique-violation' ? constraintOf(driverError.message) : undefined;
  const where = `${endpoint.name} (${endpoint.host}:${endpoint.port})`;
  return new EngineError(code, `${where}: ${driverError.message}`, {
    endpoint,
    ...(constraint && { constraint }),
    cause: error,
  });
}

function codeOf(error: DriverError): EngineErrorCode {
  if (error.errno !== undefined && error.sqlState !== undefined) {
    const known = BY_NUMBER[error.errno];
    if (known) return known;
    if (error.errno === OPTION_PREVENTS_STATEMENT && /read.only/i.test(error.message)) return 'read-only';
    if (error.fatal) return 'connection-lost';
    return CALLERS_FAULT.test(error.sqlState) || isBadArgument(error.errno) ? 'bad-statement' : 'other';
  }
  if (error instanceof TypeError || error instanceof RangeError) return 'bad-statement'; // refused by the driver, not sent
  return error.fatal || error.code ? 'connection-lost' : 'other';
}

/** Before the login is complete nothing of the caller's was sent, whatever happened. */
function connectCodeOf(error: DriverError): EngineErrorCode {
  const known = error.errno === undefined ? undefined : BY_NUMBER[error.errno];
  return known === 'access-denied' || known === 'overloaded' ? known : 'connect-failed';
}

/** General-class (HY000) errors that are still the statement's fault. */
function isBadArgument(errno: number): boolean {
  return [1048, 1054, 1146, 1210, 1264, 1364, 1366, 1406, 3140, 3819, 4025].includes(errno);
}

function constraintOf(message: string): string | undefined {
  const key = DUPLICATE_KEY.exec(message)?.[1];
  return key?.slice(key.lastIndexOf('.') + 1);
}
