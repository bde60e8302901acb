import { type Endpoint, EngineError, type EngineErrorCode } from '../types.ts';

/** What pg throws: server errors carry a five-character SQLSTATE in `code`, network errors a name like ECONNRESET. */
interface DriverError {
  readonly message: string;
  readonly code?: string;
  readonly severity?: string;
  readonly constraint?: string;
}

/** SQLSTATEs that mean something to a caller; a two-character key stands for its whole class. */
const BY_STATE: Readonly<Record<string, EngineErrorCode>> = {
  '08P01': 'bad-statement', // as an ERROR: the wrong number of parameters, for example
  '08': 'connection-lost',
  '57P01': 'connection-lost', // terminated by an administrator or a shutdown
  '57P02': 'connection-lost', // the server crashed
  '57P03': 'connection-lost', // starting up or shutting down
  '57P05': 'connection-lost', // idle session timeout
  '25P03': 'connection-lost', // idle in transaction timeout
  '40003': 'outcome-unknown', // statement completion unknown
  '40001': 'deadlock',
  '40P01': 'deadlock',
  '55P03': 'deadlock', // lock not available
  '53300': 'overloaded',
  '25006': 'read-only',
  '23505': 'unique-violation',
  '42501': 'access-denied',
  '28': 'access-denied',
  '22': 'bad-statement',
  '23': 'bad-statement',
  '26': 'bad-statement',
  '42': 'bad-statement',
  '0A': 'bad-statement',
};

export interface TranslateContext {
  readonly endpoint: Endpoint;
  readonly connected: boolean;
}

/** An EngineError for anything that pg may throw. EngineErrors pass through with the endpoint added. */
export function translateError(error: unknown, { endpoint, connected }: TranslateContext): EngineError {
  if (error instanceof EngineError) {
    if (error.endpoint) return error;
    const { code, constraint, cause } = error;
    return new EngineError(code, error.message, { endpoint, ...(constraint && { constraint }), cause });
  }
  const driverError = (error instanceof Error ? error : new Error(String(error))) as DriverError;
  const code = connected ? codeOf(driverError) : connectCodeOf(driverError);
  const where = `${endpoint.name} (${endpoint.host}:${endpoint.port})`;
  return new EngineError(code, `${where}: ${driverError.message}`, {
    endpoint,
    ...(code === 'unique-violation' && driverError.constraint && { constraint: driverError.constraint }),
    cause: error,
  });
}

function codeOf(error: DriverError): EngineErrorCode {
  const state = stateOf(error);
  const isRefusedByDriver = error instanceof TypeError || error instanceof RangeError; // a value, and nothing was sent
  if (state === null) return isRefusedByDriver ? 'bad-statement' : 'connection-lost';
  // These end the session, so no one can tell how far the statement came.
  if (error.severity === 'FATAL' || error.severity === 'PANIC') return 'connection-lost';
  return BY_STATE[state] ?? BY_STATE[state.slice(0, 2)] ?? 'other';
}

/** Before the login is complete nothing of the caller's was sent, whatever happened. */
function connectCodeOf(error: DriverError): EngineErrorCode {
  const state = stateOf(error);
  const known = state === null ? undefined : (BY_STATE[state] ?? BY_STATE[state.slice(0, 2)]);
  return known === 'access-denied' || known === 'overloaded' ? known : 'connect-failed';
}

/** Only server errors have a severity; a socket's EPIPE is also five characters long. */
function stateOf(error: DriverError): string | null {
  return error.severity !== undefined && error.code !== undefined ? error.code : null;
}
