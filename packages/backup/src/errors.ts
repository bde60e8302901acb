/** What can go wrong with a backup or a restore. */
export type BackupErrorCode =
  | 'no-backup' //            nothing to restore from
  | 'no-node' //              no node that could be copied
  | 'no-account' //           the lab was made before it had an account for backups
  | 'tool-missing'
  | 'tool-failed'
  | 'disk-full'
  | 'damaged' //              the repository does not give back what was put into it
  | 'before-first-backup' //  the target is older than every backup
  | 'log-not-archived' //     the log was not archived as far as the target
  | 'in-the-future'
  | 'not-whole-seconds' //    the engine's log cannot tell times within a second apart
  | 'bad-target'
  | 'file-exists' //          where a dump was to be written
  | 'not-writable'
  | 'target-missed'; //       recovery ended somewhere else than it was told to

/** `mend`: what the person can do. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly code: BackupErrorCode;
  readonly mend: string | null;
  constructor(code: BackupErrorCode, message: string, mend: string | null = null, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.mend = mend;
  }
}
