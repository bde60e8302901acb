import { link, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError, systemCode } from './errors.ts';
import { identify, isAlive, type ProcessIdentity, processIdentity, readIdentity } from './processes.ts';
import { makeStateDirectory } from './state.ts';
import { waitFor } from './wait.ts';

interface LockOptions {
  readonly name: string;
  /** What we want it for, shown to whoever waits: `up`, `down`, `healing db-2`. */
  readonly purpose: string;
  readonly waitMs: number;
  readonly signal?: AbortSignal;
  readonly onWait?: (holder: string) => void;
}

/**
 * One at a time among all lab commands on this state directory. The lock is a file made by link(2), which fails when
 * it exists, and holds its owner's process identity: a dead owner's lock counts for nothing.
 */
export async function withLock<T>(
  stateDir: string,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  await makeStateDirectory(stateDir);
  const path = join(stateDir, `${options.name}.lock`);
  const mine = `${path}.${process.pid}`;
  await writeFile(mine, JSON.stringify({ ...identify(process.pid), purpose: options.purpose }));
  let told = false;
  try {
    await waitFor(
      async () => {
        if (await tryLink(mine, path)) return true;
        const holder = await readHolder(path);
        if (holder && !told) options.onWait?.(holder);
        told ||= holder !== null;
        return false;
      },
      {
        what: `another lab command (${path})`,
        timeoutMs: options.waitMs,
        everyMs: 100,
        signal: options.signal,
        code: 'busy',
        mend: async () =>
          `it is ${(await readHolder(path)) ?? 'gone now'}: wait for it, or end it, then try again`,
      },
    );
  } finally {
    await unlink(mine).catch(() => {});
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function tryLink(mine: string, path: string): Promise<boolean> {
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') {
      throw new LabError(
        'state-dir-not-writable',
        `cannot lock ${path}: ${error}`,
        'check the disk and LAB_STATE_DIR',
      );
    }
    return false;
  }
}

/** The live process that holds the lock; null: nobody. */
export async function lockHolder(stateDir: string, name: string): Promise<ProcessIdentity | null> {
  return readIdentity(join(stateDir, `${name}.lock`));
}

/** Who holds it, in words; removes the lock of a dead holder. */
async function readHolder(path: string): Promise<string | null> {
  try {
    const holder = JSON.parse(await readFile(path, 'utf8'));
    const identity = processIdentity.safeParse(holder);
    if (identity.success && isAlive(identity.data)) return `process ${identity.data.pid} (${holder.purpose})`;
  } catch {
    // half-written is impossible (link), so it is gone or garbage
  }
  await rm(path, { force: true });
  return null;
}
