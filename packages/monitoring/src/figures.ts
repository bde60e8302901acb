import { statfs } from 'node:fs/promises';

/** What no part of the lab measures of itself: the ends of certificates, the last backup, room on the disk. */
export interface LabFigures {
  /** Null: there is none that can be read. */
  readonly certificates: readonly { readonly file: string; readonly writtenEnd: Date | null }[];
  /** Null before the first attempt. `lastProvenAt` is of the last backup that was restored and compared. */
  readonly backup: {
    readonly lastProvenAt: string | null;
    readonly lastOutcome: 'proved' | 'failed';
  } | null;
  readonly disk: { readonly freeBytes: number; readonly sizeBytes: number };
}

/** Of the disk that holds `path`: what the databases' users may take. The reserve is for root. */
export async function readDisk(path: string): Promise<LabFigures['disk']> {
  const disk = await statfs(path);
  return { freeBytes: disk.bavail * disk.bsize, sizeBytes: disk.blocks * disk.bsize };
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
