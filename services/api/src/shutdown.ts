import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from './logging.ts';

export interface ShutdownPlan {
  readonly server: Server;
  /** Ends what the requests used; called once none is left. */
  readonly release: () => Promise<void>;
  readonly logger: Logger;
  /** From failing `/readyz` (the caller's doing, before this) to closing the listener. */
  readonly drainMs: number;
  /** For all of it. */
  readonly timeoutMs: number;
}

/**
 * Stops without dropping a request: the proxy gets `drainMs` to notice that this replica is not ready and to send its
 * requests elsewhere, while those that still come are served; then the listener closes, what is under way is finished,
 * and the rest is released. Closing at once would race with requests already on their way over idle connections.
 * @returns false when the deadline came first and connections were cut
 */
export async function shutDown({
  server,
  release,
  logger,
  drainMs,
  timeoutMs,
}: ShutdownPlan): Promise<boolean> {
  const deadline = AbortSignal.timeout(timeoutMs);
  logger.info({ drainMs }, 'stopping: not ready any more, waiting for the proxy to notice');
  await sleep(drainMs, undefined, { signal: deadline }).catch(() => {});
  const clean = await closeServer(server, deadline);
  if (!clean) logger.warn({ timeoutMs }, 'stopping: cut the connections that were left at the deadline');
  await Promise.race([release(), aborted(deadline)]);
  logger.info('stopped');
  return clean;
}

const SWEEP_MS = 100;

/** Closes the listener, then each connection as soon as it is idle; at the deadline all of them. */
async function closeServer(server: Server, deadline: AbortSignal): Promise<boolean> {
  const closed = new Promise<true>((resolve) => server.close(() => resolve(true)));
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  try {
    return await Promise.race([closed, aborted(deadline).then(() => false)]);
  } finally {
    clearInterval(sweep);
    server.closeAllConnections();
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
