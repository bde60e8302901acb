import { readFile, rm } from 'node:fs/promises';
import { isAlive, markOf } from '../local/process.ts';
import { waitFor } from '../wait-for.ts';

/** A server that starts writes its number into its lock file at once; one that was killed in between never will. */
const WRITES_WITHIN_MS = 200;

/**
 * Removes the lock files of a server that does not run any more: the one in its data directory and the one beside its
 * socket. PostgreSQL takes every process of that number for a running server, also one that was killed and only waits to be
 * counted by its parent, and refuses to start. A server that really runs keeps its locks.
 */
export async function dropStaleLocks(files: readonly string[]): Promise<void> {
  for (const file of files) {
    const text = await contentOf(file);
    if (text === null) continue;
    const pid = Number.parseInt(text, 10);
    if (text !== '' && !Number.isInteger(pid)) continue;
    const runs = text !== '' && isAlive(markOf(pid)) && (await isServer(pid));
    if (!runs) await rm(file, { force: true });
  }
}

/** Null: there is no such file. Empty: nobody is about to write into it either. */
async function contentOf(file: string): Promise<string | null> {
  const read = () => readFile(file, 'utf8').catch(() => null);
  await waitFor(async () => (await read()) !== '', { timeoutMs: WRITES_WITHIN_MS, everyMs: 20 });
  return read();
}

/** The number may belong to another program by now. Run through the loader of an image a server has the loader's name. */
async function isServer(pid: number): Promise<boolean> {
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => null);
  return name === null || /^(?:postgres|ld-linux)/.test(name);
}
