import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../wait-for.ts';

/** How long a server that was killed may take to be gone. */
const GONE_TIMEOUT_MS = 5_000;

/**
 * Removes the lock file of a server that does not run any more. PostgreSQL takes every process of that number for a
 * running server, also one that was killed and only waits for its parent to notice, and refuses to start. One that really
 * runs keeps its lock.
 */
export async function dropStaleLock(dataDir: string): Promise<void> {
  const file = join(dataDir, 'postmaster.pid');
  const text = await readFile(file, 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  if (!Number.isInteger(pid)) return;
  const isGone = async () => !(await isServer(pid));
  if (await waitFor(isGone, { timeoutMs: GONE_TIMEOUT_MS, everyMs: 20 })) await rm(file, { force: true });
}

/** Where there is no /proc only the number can be looked at. */
async function isServer(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return process.platform !== 'linux' && answersSignals(pid);
  const nameEnd = stat.lastIndexOf(')');
  const name = stat.slice(stat.indexOf('(') + 1, nameEnd);
  const state = stat.slice(nameEnd + 2, nameEnd + 3);
  // Run through the loader of an image the process has the loader's name.
  return state !== 'Z' && state !== 'X' && /^(?:postgres|ld-linux)/.test(name);
}

function answersSignals(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
