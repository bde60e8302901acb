import { type Endpoint, EngineError } from '../types.ts';
import { Deadline } from './deadline.ts';
import type { Session } from './session.ts';

export const DEFAULT_CONNECT_TIMEOUT_MS = 5000;

/**
 * Opens a session within `timeoutMs`, else EngineError `connect-failed`. `open` hands out the session as soon as it
 * exists, so that its socket can be destroyed while the login is still under way, or when it comes too late.
 */
export async function openInTime<S extends Session>(
  endpoint: Endpoint,
  timeoutMs: number,
  open: (onSession: (session: S) => void) => Promise<S>,
): Promise<S> {
  let session: S | undefined;
  let isTooLate = false;
  const opening = open((opened) => {
    session = opened;
    if (isTooLate) opened.destroy();
  });
  const giveUp = (): void => {
    isTooLate = true;
    session?.destroy();
  };
  try {
    return await new Deadline({ timeoutMs }).race(opening, giveUp);
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'timeout')) throw error;
    const where = `${endpoint.name} (${endpoint.host}:${endpoint.port})`;
    throw new EngineError('connect-failed', `${where}: no login within ${timeoutMs} ms`, {
      endpoint,
      cause: error,
    });
  }
}
