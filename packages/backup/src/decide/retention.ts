import type { BackupEngine, BackupRecord, BaseRecord } from '../types.ts';
import { split } from './chain.ts';

export interface Retention {
  /** So many of the newest copies stay, however old. */
  readonly keepLast: number;
  /** And every copy that is not older than this; null: age does not matter. */
  readonly keepWithinMs: number | null;
}

/**
 * What may go: copies beyond both limits, and the log that no remaining copy needs. The newest copy that was proved by restoring it
 * always stays, so that a series of bad backups cannot drive out the last good one. Each history by itself: those of a lab that was
 * made anew by mistake do not drive out the old one's.
 */
export function toForget(
  records: readonly BackupRecord[],
  { keepLast, keepWithinMs }: Retention,
  nowMs: number,
  rules: Pick<BackupEngine, 'reaches'>,
): BackupRecord[] {
  const { bases, logs } = split(records);
  const kept = [...Map.groupBy(bases, ({ lineage }) => lineage).values()].flatMap((own) => {
    const lastProved = own.find(({ verified }) => verified !== null);
    const isYoung = ({ takenMs }: BaseRecord) => keepWithinMs !== null && nowMs - takenMs <= keepWithinMs;
    return own.filter((base, index) => index < Math.max(1, keepLast) || base === lastProved || isYoung(base));
  });
  const isNeeded = (log: (typeof logs)[number]) =>
    kept.some(
      (base) =>
        base.lineage === log.lineage &&
        (!rules.reaches(base.position, log.to) || log.throughUs > base.clockUs),
    );
  return [...bases.filter((base) => !kept.includes(base)), ...logs.filter((log) => !isNeeded(log))];
}
