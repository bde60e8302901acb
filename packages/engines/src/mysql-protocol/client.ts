import { Deadline } from '../session/deadline.ts';
import { ToolConnection } from '../session/tool-connection.ts';
import type { Connection, ConnectOptions, Credentials, Endpoint } from '../types.ts';
import { EngineError } from '../types.ts';
import { type Dialect, MysqlSession, type OpenOptions } from './session.ts';

export const DEFAULT_CONNECT_TIMEOUT_MS = 5000;

/** Opens a session within `timeoutMs`, else EngineError `connect-failed`. */
export async function openSession(
  options: OpenOptions,
  dialect: Dialect,
  timeoutMs = DEFAULT_CONNECT_TIMEOUT_MS,
): Promise<MysqlSession> {
  let session: MysqlSession | undefined;
  const opening = MysqlSession.open(options, dialect, (opened) => {
    session = opened;
  });
  try {
    return await new Deadline({ timeoutMs }).race(opening, () => session?.destroy());
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'timeout')) throw error;
    const { endpoint } = options;
    const where = `${endpoint.name} (${endpoint.host}:${endpoint.port})`;
    throw new EngineError('connect-failed', `${where}: no login within ${timeoutMs} ms`, {
      endpoint,
      cause: error,
    });
  }
}

/** `EngineClient.connect` of both engines. Texts may hold several statements: nothing of a user's ever comes here. */
export async function connect(
  endpoint: Endpoint,
  credentials: Credentials,
  { database, connectTimeoutMs }: ConnectOptions,
  dialect: Dialect,
): Promise<Connection> {
  const options = {
    endpoint,
    credentials,
    readOnly: false,
    multipleStatements: true,
    ...(database && { database }),
  };
  return new ToolConnection(await openSession(options, dialect, connectTimeoutMs));
}

/** The session of a connection that `connect` made. */
export function sessionOf(connection: Connection): ToolConnection<MysqlSession> {
  if (connection instanceof ToolConnection && connection.session instanceof MysqlSession) return connection;
  throw new EngineError('bad-statement', 'this connection was made by another engine');
}
