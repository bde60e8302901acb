import { readFile, rm } from 'node:fs/promises';
import { isAlive, markOf } from '../local/process.ts';

/**
 * Removes the lock files of a server that does not run any more: the one in its data directory and the one beside its
 * socket. PostgreSQL takes every process of that number for a running server, also one that was killed and only waits to be
 * counted by its parent, and refuses to start. A server that really runs keeps its locks.
 */
export async function dropStaleLocks(files: readonly string[]): Promise<void> {
  for (const file of files) {
    const pid = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10);
    if (!Number.isInteger(pid)) continue;
    if (!(isAlive(markOf(pid)) && (await isServer(pid)))) await rm(file, { force: true });
  }
}

/** The number may belong to another program by now. Run through the loader of an image a server has the loader's name. */
async function isServer(pid: number): Promise<boolean> {
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => null);
  return name === null || /^(?:postgres|ld-linux)/.test(name);
}
