import { SessionPool } from '../session/node-pool.ts';
import { DEFAULT_CONNECT_TIMEOUT_MS, openInTime } from '../session/open-in-time.ts';
import { ToolConnection } from '../session/tool-connection.ts';
import {
  type Connection,
  type Credentials,
  type Endpoint,
  EngineError,
  type NodePool,
  type PoolOptions,
} from '../types.ts';
import { type OpenOptions, PostgresSession } from './session.ts';

/** A session within `timeoutMs`, else EngineError `connect-failed`. */
export function openSession(
  options: OpenOptions,
  timeoutMs = DEFAULT_CONNECT_TIMEOUT_MS,
): Promise<PostgresSession> {
  return openInTime(options.endpoint, timeoutMs, (onSession) => PostgresSession.open(options, onSession));
}

/** `EngineClient.createPool`. */
export function createPool(
  endpoint: Endpoint,
  credentials: Credentials,
  { database, mode, connectTimeoutMs, ...limits }: PoolOptions,
): NodePool {
  const options = { endpoint, credentials, database, purpose: mode };
  return new SessionPool({ ...limits, endpoint, open: () => openSession(options, connectTimeoutMs) });
}

/** The session of a connection that `connect` made. */
export function sessionOf(connection: Connection): ToolConnection<PostgresSession> {
  if (connection instanceof ToolConnection && connection.session instanceof PostgresSession)
    return connection;
  throw new EngineError('bad-statement', 'this connection was made by another engine');
}
