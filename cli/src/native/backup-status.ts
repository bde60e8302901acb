import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { databaseEnvironment } from '@replication-lab/engines/config';
import { z } from 'zod';

/**
 * What became of the last backup, for whatever watches the lab. A failed attempt leaves `lastProvenAt`, `bytes` and `node` as they
 * were: they tell of the last backup that was restored and compared.
 */
const backupStatus = z.object({
  engine: databaseEnvironment.shape.DB_ENGINE.unwrap(),
  lastProvenAt: z.iso.datetime().nullable(),
  lastAttemptAt: z.iso.datetime(),
  lastOutcome: z.enum(['proved', 'failed']),
  bytes: z.number().int().nonnegative().nullable(),
  node: z.string().nullable(),
});
export type BackupStatus = z.infer<typeof backupStatus>;

/** Of an attempt: what was proved, null when nothing was. */
export interface Attempt {
  readonly engine: BackupStatus['engine'];
  readonly startedMs: number;
  readonly proved: { readonly atMs: number; readonly bytes: number; readonly node: string } | null;
}

export const backupStatusFile = (stateDir: string): string => join(stateDir, 'backup-status.json');

/** Null when nothing was tried yet, or the file cannot be read: then nothing is known of any backup. */
export async function readBackupStatus(stateDir: string): Promise<BackupStatus | null> {
  try {
    return backupStatus.parse(JSON.parse(await readFile(backupStatusFile(stateDir), 'utf8')));
  } catch {
    return null;
  }
}

/** Only what was restored and compared moves `lastProvenAt`. Another engine's proof says nothing of this one. */
export function statusAfter(
  before: BackupStatus | null,
  { engine, startedMs, proved }: Attempt,
): BackupStatus {
  const iso = (ms: number) => new Date(ms).toISOString();
  const kept = before?.engine === engine ? before : null;
  return {
    engine,
    lastProvenAt: proved ? iso(proved.atMs) : (kept?.lastProvenAt ?? null),
    lastAttemptAt: iso(startedMs),
    lastOutcome: proved ? 'proved' : 'failed',
    bytes: proved?.bytes ?? kept?.bytes ?? null,
    node: proved?.node ?? kept?.node ?? null,
  };
}

/** Written whole or not at all; anybody may read it. */
export async function noteAttempt(stateDir: string, attempt: Attempt): Promise<void> {
  const path = backupStatusFile(stateDir);
  const status = statusAfter(await readBackupStatus(stateDir), attempt);
  await writeFile(`${path}.new`, `${JSON.stringify(status, null, 2)}\n`, { mode: 0o644 });
  await rename(`${path}.new`, path);
}

/** A lab that is made anew has no backups yet. */
export const removeBackupStatus = (stateDir: string): Promise<void> =>
  rm(backupStatusFile(stateDir), { force: true });
