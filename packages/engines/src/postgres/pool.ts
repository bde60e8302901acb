import { Deadline } from '../session/deadline.ts';
import { EngineError } from '../types.ts';
import { type OpenOptions, PostgresSession } from './session.ts';

export const DEFAULT_CONNECT_TIMEOUT_MS = 5000;

/** Opens a session within `timeoutMs`, else EngineError `connect-failed`. */
export async function openSession(
  options: OpenOptions,
  timeoutMs = DEFAULT_CONNECT_TIMEOUT_MS,
): Promise<PostgresSession> {
  let session: PostgresSession | undefined;
  const opening = PostgresSession.open(options, (opened) => {
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
