import { statfs } from 'node:fs/promises';
import { type BackupStatus, readBackupStatus } from './backup-status.ts';
import { listEnds } from './certificates.ts';

/** What no part of the lab measures of itself: the ends of certificates, the last backup, room on the disk. */
export interface LabFigures {
  /** Null: there is none that can be read. */
  readonly certificates: readonly { readonly file: string; readonly writtenEnd: Date | null }[];
  readonly backup: BackupStatus | null;
  readonly disk: { readonly freeBytes: number; readonly sizeBytes: number };
}

export async function readFigures(stateDir: string): Promise<LabFigures> {
  const [certificates, backup, disk] = await Promise.all([
    listEnds(stateDir),
    readBackupStatus(stateDir),
    statfs(stateDir),
  ]);
  // What the databases' users may take: the reserve is for root.
  return {
    certificates,
    backup,
    disk: { freeBytes: disk.bavail * disk.bsize, sizeBytes: disk.blocks * disk.bsize },
  };
}

type Sample = readonly [labels: string, value: number];

/** In Prometheus's text format. What is unknown is left out, and never 0. */
export function renderFigures({ certificates, backup, disk }: LabFigures): string {
  const seconds = (date: Date | string) => new Date(date).getTime() / 1000;
  const provenAt = backup?.lastProvenAt ?? null;
  return [
    gauge(
      'lab_certificate_end_timestamp_seconds',
      'When a certificate ends; 0 for one that is missing or cannot be read.',
      certificates.map(
        ({ file, writtenEnd }): Sample => [`{file="${file}"}`, writtenEnd === null ? 0 : seconds(writtenEnd)],
      ),
    ),
    gauge(
      'lab_backup_proven_timestamp_seconds',
      'When the last backup was proved that was restored and compared; absent before the first.',
      provenAt === null ? [] : [['', seconds(provenAt)]],
    ),
    gauge(
      'lab_backup_failed',
      'Whether the last attempt at a backup failed; absent before the first.',
      backup === null ? [] : [['', Number(backup.lastOutcome === 'failed')]],
    ),
    gauge('lab_disk_free_bytes', "Room on the disk of the lab's data.", [['', disk.freeBytes]]),
    gauge('lab_disk_size_bytes', 'Size of that disk.', [['', disk.sizeBytes]]),
  ].join('');
}

function gauge(name: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => `${name}${labels} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`;
}
