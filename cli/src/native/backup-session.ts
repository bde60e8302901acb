import {
  type BaseRecord,
  isProof,
  prove,
  Repository,
  type Restored,
  type Site,
} from '@replication-lab/backup';
import { LabError, messageOf } from '../errors.ts';
import { withLock } from '../lock.ts';
import { stateDirectory } from '../paths.ts';
import type { LabContext } from '../runtime.ts';
import { type LabState, requireState } from '../state.ts';
import { type Attempt, noteAttempt } from './backup-status.ts';
import { asLabErrors, backupNeeds, siteOf } from './backups.ts';
import { openNativeLab } from './lab.ts';
import { ensurePackages } from './packages.ts';

const LOCK_WAIT_MS = 600_000;

/** Opens the backups of the lab that is up, or was last; one command at a time. Installs what is missing. */
export async function withBackups<T>(
  purpose: string,
  context: LabContext,
  work: (site: Site, repository: Repository) => Promise<T>,
): Promise<T> {
  const stateDir = stateDirectory();
  const state = await requireNative(stateDir);
  await ensurePackages(backupNeeds(state.engine), context);
  const site = siteOf(await openNativeLab(stateDir, state));
  const lock = { name: 'backup', purpose, waitMs: LOCK_WAIT_MS, signal: context.signal };
  const onWait = (holder: string) => context.progress(`waiting for ${holder}`);
  return withLock(stateDir, { ...lock, onWait }, () =>
    asLabErrors(async () => work(site, await Repository.open(site.directory))),
  );
}

async function requireNative(stateDir: string): Promise<LabState> {
  const state = await requireState(stateDir);
  if (state.runtime === 'native') return state;
  throw new LabError('usage', 'backups are of the native lab', './lab up --runtime native');
}

/**
 * As `withBackups`, for work that proves a backup, by what it is given for that: what becomes of it is written down for whatever
 * watches the lab. What a person has ended is no failure.
 */
export async function attemptProof<T>(
  purpose: string,
  context: LabContext,
  work: (site: Site, repository: Repository, proveIt: (base: BaseRecord) => Promise<Restored>) => Promise<T>,
): Promise<T> {
  const { progress, signal } = context;
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
    return await withBackups(purpose, context, (site, repository) =>
      work(site, repository, async (base) => {
        const restored = await prove(site, repository, base, progress, signal);
        const { bytes, node } = base;
        await note(isProof(restored) ? { atMs: Date.now(), bytes, node } : null);
        return restored;
      }),
    );
  } catch (error) {
    if (!noted && !signal.aborted) await note(null);
    throw error;
  }
}
