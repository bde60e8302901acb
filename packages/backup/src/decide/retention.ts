import type { BackupEngine, BackupRecord, BaseRecord, DumpRecord } from '../types.ts';
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
  retention: Retention,
  nowMs: number,
  rules: Pick<BackupEngine, 'reaches'>,
): BackupRecord[] {
  const { bases, logs } = split(records);
  const kept = keptOf(bases, retention, nowMs);
  const isNeeded = (log: (typeof logs)[number]) =>
    kept.some(
      (base) =>
        base.lineage === log.lineage &&
        (!rules.reaches(base.position, log.to) || log.throughUs > base.clockUs),
    );
  return [...bases.filter((base) => !kept.includes(base)), ...logs.filter((log) => !isNeeded(log))];
}

/** The same of dumps, which are counted by themselves: no copy goes because of a dump, and no dump because of a copy. */
export function dumpsToForget(
  records: readonly BackupRecord[],
  retention: Retention,
  nowMs: number,
): DumpRecord[] {
  const { dumps } = split(records);
  const kept = keptOf(dumps, retention, nowMs);
  return dumps.filter((dump) => !kept.includes(dump));
}

/** Of copies or of dumps, newest first. */
function keptOf<T extends BaseRecord | DumpRecord>(
  newestFirst: readonly T[],
  { keepLast, keepWithinMs }: Retention,
  nowMs: number,
): T[] {
  return [...Map.groupBy(newestFirst, ({ lineage }) => lineage).values()].flatMap((own) => {
    const lastProved = own.find(({ verified }) => verified !== null);
    const isYoung = ({ takenMs }: T) => keepWithinMs !== null && nowMs - takenMs <= keepWithinMs;
    return own.filter((one, index) => index < Math.max(1, keepLast) || one === lastProved || isYoung(one));
  });
}
