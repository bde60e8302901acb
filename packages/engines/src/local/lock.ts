import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { resolve } from 'node:path';
import type { ServerSpec } from '../types.ts';
import { waitFor } from '../wait-for.ts';
import { LocalError } from './errors.ts';

/** Longer than anything but the copy of much data takes. */
const WAIT_TIMEOUT_MS = 60_000;

/**
 * Runs `work` while no other process changes this node's files or starts its server: the command and the node's agent both
 * may, and two at once could leave a server that no pid file names, or one whose data is being wiped. LocalError `busy` when
 * the other one takes longer than `timeoutMs`. Not for a caller who has the lock already.
 */
export async function withNodeLock<T>(
  spec: ServerSpec,
  options: { readonly timeoutMs?: number | undefined; readonly signal?: AbortSignal | undefined },
  work: () => Promise<T>,
): Promise<T> {
  // Only Linux has sockets without a file; a file would outlive its holder.
  if (process.platform !== 'linux') return work();
  const { timeoutMs = WAIT_TIMEOUT_MS, signal } = options;
  const lock = await waitFor(() => take(spec), { timeoutMs, everyMs: 50, signal });
  if (!lock) {
    throw new LocalError(
      'busy',
      `another process has been working on ${spec.node.name} for ${timeoutMs} ms, and goes on. Wait for it.`,
    );
  }
  try {
    return await work();
  } finally {
    await new Promise<void>((done) => lock.close(() => done()));
  }
}

/** A listening socket, which the kernel takes back whenever the process ends. Null when another process has it. */
async function take({ stateDir }: ServerSpec): Promise<Server | null> {
  const name = createHash('sha256').update(resolve(stateDir)).digest('hex').slice(0, 32);
  const server = createServer((stranger) => stranger.destroy());
  try {
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen({ path: `\0replication-lab-node-${name}` }, done);
    });
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return null;
    throw error;
  }
}
