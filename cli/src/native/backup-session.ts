import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  applyRetention,
  archiveLog,
  type BackupRecord,
  type BaseRecord,
  backUp,
  isProof,
  prove,
  Repository,
  type Restored,
  type Retention,
  type Site,
} from '@replication-lab/backup';
import { z } from 'zod';
import { formatDurationMs } from '../duration.ts';
import { LabError, messageOf } from '../errors.ts';
import { withLock } from '../lock.ts';
import { stateDirectory } from '../paths.ts';
import type { LabContext } from '../runtime.ts';
import { type LabState, requireState } from '../state.ts';
import { type Attempt, noteAttempt } from './backup-status.ts';
import { asLabErrors, backupNeeds, type ScratchPlace, siteOf } from './backups.ts';
import { openNativeLab } from './lab.ts';
import { ensurePackages } from './packages.ts';

const directories = z.array(z.string());
const LOCK_WAIT_MS = 600_000;

/** Opens the backups of the lab that is up, or was last; one command at a time. Installs what is missing. */
export async function withBackups<T>(
  purpose: string,
  context: LabContext,
  work: (site: Site, repository: Repository) => Promise<T>,
  place: ScratchPlace = 'restore',
): Promise<T> {
  const stateDir = stateDirectory();
  const state = await requireNative(stateDir);
  await ensurePackages(backupNeeds(state.engine), context);
  const site = siteOf(await openNativeLab(stateDir, state), place);
  const lock = { name: 'backup', purpose, waitMs: LOCK_WAIT_MS, signal: context.signal };
  const onWait = (holder: string) => context.progress(`waiting for ${holder}`);
  return withLock(stateDir, { ...lock, onWait }, () =>
    asLabErrors(async () => work(site, await openRepository(stateDir, site.directory))),
  );
}

/**
 * Remembers where backups were made. A directory that has lost them is most likely one whose disk is not mounted: to begin anew there
 * would be to have none, unnoticed.
 */
async function openRepository(stateDir: string, directory: string): Promise<Repository> {
  const memory = join(stateDir, 'backup-directories.json');
  const known = await readDirectories(memory);
  if (known.includes(directory) && !Repository.isThere(directory))
    throw new LabError(
      'backups-gone',
      `the backups that were in ${directory} are gone`,
      `mount their disk; or, to begin anew, remove ${memory}`,
    );
  const repository = await Repository.open(directory);
  if (!known.includes(directory)) {
    await writeFile(`${memory}.new`, `${JSON.stringify([...known, directory], null, 2)}\n`);
    await rename(`${memory}.new`, memory);
  }
  return repository;
}

/** What cannot be read is forgotten: it only guards against a mistake. */
async function readDirectories(path: string): Promise<readonly string[]> {
  try {
    return directories.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return [];
  }
}

async function requireNative(stateDir: string): Promise<LabState> {
  const state = await requireState(stateDir);
  if (state.runtime === 'native') return state;
  throw new LabError('usage', 'backups are of the native lab', './lab up --runtime native');
}

export interface AttemptLimits {
  readonly deadlineMs: number | null;
  /** See `Site.maxMibPerSecond`. */
  readonly maxMibPerSecond: number;
}

/** What the work of an attempt is given. */
export interface AttemptTools {
  readonly site: Site;
  readonly repository: Repository;
  readonly progress: (message: string) => void;
  /** Aborts at the deadline too. */
  readonly signal: AbortSignal;
  readonly prove: (base: BaseRecord) => Promise<Restored>;
}

/**
 * As `withBackups`, for work that proves a backup: what becomes of it is written down for whatever watches the lab. What a person has
 * ended is no failure; what was not ready at the deadline is one (LabError `not-in-time`).
 */
export async function attemptProof<T>(
  purpose: string,
  context: LabContext,
  work: (tools: AttemptTools) => Promise<T>,
  { deadlineMs, maxMibPerSecond }: AttemptLimits,
): Promise<T> {
  const { progress } = context;
  const stateDir = stateDirectory();
  const { engine } = await requireNative(stateDir);
  const startedMs = Date.now();
  let noted = false;
  const note = async (proved: Attempt['proved']) => {
    noted = true;
    await noteAttempt(stateDir, { engine, startedMs, proved }).catch((error: unknown) =>
      progress(`the status of backups was not written: ${messageOf(error)}`),
    );
  };
  try {
    return await inTime(context, deadlineMs, (timed) => {
      const { signal } = timed;
      const attempt = (paceless: Site, repository: Repository) => {
        const site = { ...paceless, maxMibPerSecond };
        return work({
          ...{ site, repository, progress, signal },
          prove: async (base) => {
            const restored = await prove(site, repository, base, progress, signal);
            const { bytes, node } = base;
            await note(isProof(restored) ? { atMs: Date.now(), bytes, node } : null);
            return restored;
          },
        });
      };
      return withBackups(purpose, timed, attempt, 'proof');
    });
  } catch (error) {
    if (!context.signal.aborted && !noted) await note(null);
    throw error;
  }
}

/** Ends the work at the deadline too; then LabError `not-in-time`. */
export async function inTime<T>(
  context: LabContext,
  deadlineMs: number | null,
  work: (context: LabContext) => Promise<T>,
): Promise<T> {
  if (deadlineMs === null) return work(context);
  const deadline = AbortSignal.timeout(deadlineMs);
  try {
    return await work({ ...context, signal: AbortSignal.any([context.signal, deadline]) });
  } catch (error) {
    if (context.signal.aborted || !deadline.aborted) throw error;
    const what = `the backup was not ready within ${formatDurationMs(deadlineMs)}, and was ended`;
    throw new LabError('not-in-time', what, 'a longer --deadline, or a longer interval', error);
  }
}

export interface MakeOptions extends AttemptLimits {
  readonly verify: boolean;
  readonly retention: Retention;
}

/** A copy, and how it was restored; null: nobody tried. `gone`: what the retention has let go. */
export interface Made {
  readonly base: BaseRecord;
  readonly proof: Restored | null;
  readonly gap: string | null;
  readonly gone: readonly BackupRecord[];
}

/** Copies, proves, and lets old copies go: those never after a proof that has failed. */
export function makeBackup(
  context: LabContext,
  { verify, retention, deadlineMs, maxMibPerSecond }: MakeOptions,
): Promise<Made> {
  const work = async ({
    site,
    repository,
    progress,
    signal,
    prove: proveIt,
  }: AttemptTools): Promise<Made> => {
    const base = await backUp(site, repository, progress, signal);
    const proof = verify ? await proveIt(base) : null;
    const gap = verify ? null : (await archiveLog(site, repository, signal)).gap;
    const mayForget = proof === null || isProof(proof);
    const gone = mayForget ? await applyRetention(site, repository, retention, signal) : [];
    return { base, proof, gap, gone };
  };
  return attemptProof('backup', context, work, { deadlineMs, maxMibPerSecond });
}
