import { join } from 'node:path';
import { lockHolder } from '../lock.ts';
import { repositoryRoot } from '../paths.ts';
import type { ProcessIdentity } from '../processes.ts';
import type { LabState } from '../state.ts';
import type { NativePlan } from './layout.ts';
import { monitorNames } from './monitoring.ts';

/** Scheduled backups of a native lab (`./lab up --with backups`): `./lab backup --every`, as a part of the lab. */

export const BACKUPS = 'backups';
const DEFAULT_EVERY = '1h';
/** Held as long as a schedule runs: there is one for each lab. */
export const SCHEDULE_LOCK = 'backup-schedule';

export const hasBackups = ({ with: parts }: Pick<LabState, 'with'>): boolean => parts.includes(BACKUPS);

/** All parts that a lab has because it was asked for them. */
export const optionalNames = (lab: Pick<LabState, 'with'>): readonly string[] => [
  ...monitorNames(lab),
  ...(hasBackups(lab) ? [BACKUPS] : []),
];

/** How it is started. `--keep`, `--keep-for` and `--max-rate` come from LAB_BACKUP_KEEP, LAB_BACKUP_KEEP_FOR and LAB_BACKUP_MAX_RATE. */
export const scheduleCommand = (
  { stateDir }: Pick<NativePlan, 'stateDir'>,
  env: NodeJS.ProcessEnv = process.env,
) => ({
  file: process.execPath,
  args: [
    join(repositoryRoot, 'cli/src/main.ts'),
    ...['backup', '--every', env.LAB_BACKUP_EVERY || DEFAULT_EVERY, '--yes'],
  ],
  env: { ...env, LAB_STATE_DIR: stateDir },
  cwd: repositoryRoot,
});

/** It has read what it was told, and waits or works. */
export const isScheduling = async (stateDir: string, { pid }: ProcessIdentity): Promise<boolean> =>
  (await lockHolder(stateDir, SCHEDULE_LOCK))?.pid === pid;
