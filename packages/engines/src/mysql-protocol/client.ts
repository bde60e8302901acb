import { SessionPool } from '../session/node-pool.ts';
import { DEFAULT_CONNECT_TIMEOUT_MS, openInTime } from '../session/open-in-time.ts';
import { ToolConnection } from '../session/tool-connection.ts';
import {
  type Connection,
  type ConnectOptions,
  type Credentials,
  type Endpoint,
  EngineError,
  type NodePool,
  type PoolOptions,
} from '../types.ts';
import { type Dialect, MysqlSession, type OpenOptions } from './session.ts';

function openSession(
  options: OpenOptions,
  dialect: Dialect,
  timeoutMs = DEFAULT_CONNECT_TIMEOUT_MS,
): Promise<MysqlSession> {
  return openInTime(options.endpoint, timeoutMs, (onSession) =>
    MysqlSession.open(options, dialect, onSession),
  );
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

/** `EngineClient.createPool` of both engines. */
export function createPool(
  endpoint: Endpoint,
  credentials: Credentials,
  { database, mode, connectTimeoutMs, ...limits }: PoolOptions,
  dialect: Dialect,
): NodePool {
  const options = { endpoint, credentials, database, readOnly: mode === 'read', multipleStatements: false };
  return new SessionPool({
    ...limits,
    endpoint,
    open: () => openSession(options, dialect, connectTimeoutMs),
  });
}

/** The session of a connection that `connect` made. */
export function sessionOf(connection: Connection): ToolConnection<MysqlSession> {
  if (connection instanceof ToolConnection && connection.session instanceof MysqlSession) return connection;
  throw new EngineError('bad-statement', 'this connection was made by another engine');
}
