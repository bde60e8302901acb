import {
  applyDumpRetention,
  backupEngineOf,
  type DumpRecord,
  isProof,
  type Loaded,
  makeDump,
  proveDump,
  type Repository,
  type Site,
  split,
  writeDump,
} from '@replication-lab/backup';
import { LabError } from '../errors.ts';
import type { LabContext } from '../runtime.ts';
import { inTime, type MakeOptions, withBackups } from './backup-session.ts';

/** A logical dump, and how it was loaded; null: nobody tried. `gone`: older dumps that the retention has let go. */
export interface MadeDump {
  readonly dump: DumpRecord;
  readonly loaded: Loaded | null;
  readonly gone: readonly DumpRecord[];
}

/** The dump of that name, or with null the newest. LabError `no-backup`. */
async function findDump(repository: Repository, id: string | null): Promise<DumpRecord> {
  const { dumps } = split(await repository.records());
  const found = id === null ? dumps[0] : dumps.find((dump) => dump.id === id);
  if (found) return found;
  if (id === null) throw new LabError('no-backup', 'there is no dump', './lab backup --dump');
  throw new LabError('no-backup', `there is no dump ${id}`, './lab backup --list');
}

/** Loads a dump that is there and compares it; null: the newest. */
export const proveDumpOf = (
  context: LabContext,
  id: string | null,
  deadlineMs: number | null,
): Promise<{ dump: DumpRecord; loaded: Loaded }> =>
  inTime(context, deadlineMs, (timed) => {
    const { progress, signal } = timed;
    const work = async (site: Site, repository: Repository) => {
      const dump = await findDump(repository, id);
      return { dump, loaded: await proveDump(site, repository, dump, progress, signal) };
    };
    return withBackups('dump', timed, work, 'proof');
  });

/** Writes a dump into a file; null: the newest. `loadedWith`: the command that reads such a file. */
export const writeDumpOf = (
  context: LabContext,
  id: string | null,
  file: string,
): Promise<{ dump: DumpRecord; loadedWith: string }> =>
  withBackups('restore', context, async ({ engine }, repository) => {
    const dump = await findDump(repository, id);
    await writeDump(repository, dump, file, context.signal);
    return { dump, loadedWith: backupEngineOf(engine.name).dump.loadedWith };
  });

/**
 * Dumps, proves, and lets old dumps go: those never after a proof that has failed. What is said of the last backup stays as it is:
 * from a dump no moment can be got back but its own.
 */
export const dumpLab = (
  context: LabContext,
  { verify, retention, deadlineMs, maxMibPerSecond }: MakeOptions,
): Promise<MadeDump> =>
  inTime(context, deadlineMs, (timed) => {
    const { progress, signal } = timed;
    return withBackups(
      'dump',
      timed,
      async (site, repository) => {
        const dump = await makeDump({ ...site, maxMibPerSecond }, repository, progress, signal);
        const loaded = verify ? await proveDump(site, repository, dump, progress, signal) : null;
        const mayForget = loaded === null || isProof(loaded);
        const gone = mayForget ? await applyDumpRetention(repository, retention, signal) : [];
        return { dump, loaded, gone };
      },
      'proof',
    );
  });
