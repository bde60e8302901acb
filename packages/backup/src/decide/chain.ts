import type { Position } from '@replication-lab/engines';
import { BackupError } from '../errors.ts';
import type { BackupEngine, BackupRecord, BaseRecord, DumpRecord, LogRecord, Target } from '../types.ts';
import { timeText } from './target.ts';

/** A copy, and the pieces of log that lead from it to the target and perhaps beyond. */
export interface Chain {
  readonly base: BaseRecord;
  readonly pieces: readonly LogRecord[];
}

type Rules = Pick<BackupEngine, 'joins' | 'reaches' | 'tickUs'>;

/** When a commit of the target's last tick is surely in the log. */
const needsUs = (us: number, { tickUs }: Pick<Rules, 'tickUs'>): number => us + tickUs - 1;

/** The pieces that continue the base, each without a gap and with something new. */
export function piecesAfter(base: BaseRecord, logs: readonly LogRecord[], rules: Rules): LogRecord[] {
  const pieces: LogRecord[] = [];
  let have = base.position;
  for (const piece of logs) {
    if (piece.lineage !== base.lineage || !rules.joins(have, piece.from)) continue;
    const isLater = piece.throughUs > (pieces.at(-1)?.throughUs ?? base.clockUs);
    const goesOn = !rules.reaches(have, piece.to);
    if (!goesOn && !isLater) continue;
    pieces.push(piece);
    if (goesOn) have = piece.to;
  }
  return pieces;
}

/**
 * Where the log that continues each base of this history ends. The next piece has to continue all of them, as far as the node still
 * can: else times between an older base's log and a newer base would be nowhere.
 */
export function chainEnds(records: readonly BackupRecord[], lineage: string, rules: Rules): Position[] {
  const { bases, logs } = split(records.filter((record) => record.lineage === lineage));
  return bases.map((base) => {
    const last = piecesAfter(base, logs, rules).at(-1);
    return last && !rules.reaches(base.position, last.to) ? last.to : base.position;
  });
}

interface Split {
  readonly bases: BaseRecord[];
  readonly logs: LogRecord[];
  readonly dumps: DumpRecord[];
}

const newestFirst = (a: BaseRecord | DumpRecord, b: BaseRecord | DumpRecord): number =>
  b.takenMs - a.takenMs || (a.id < b.id ? 1 : -1);

/** Bases and dumps newest first, logs oldest first. */
export function split(records: readonly BackupRecord[]): Split {
  return {
    bases: records.filter((record) => record.kind === 'base').toSorted(newestFirst),
    dumps: records.filter((record) => record.kind === 'dump').toSorted(newestFirst),
    logs: records.filter((record) => record.kind === 'log').toSorted((a, b) => a.throughUs - b.throughUs),
  };
}

/**
 * All ways to get to the target, the one with the least log first: when its copy turns out to be damaged, the next one leads to the
 * same place. Throws BackupError when there is none, with the reason of the one that came nearest.
 */
export function chainsTo(
  target: Target,
  records: readonly BackupRecord[],
  rules: Rules,
  wanted: { readonly lineage: string | null; readonly base: string | null },
): Chain[] {
  const { bases, logs } = split(records);
  if (bases.length === 0) throw new BackupError('no-backup', 'there is no backup', './lab backup');
  const lineage = wanted.lineage ?? bases[0]!.lineage;
  const candidates = bases.filter(({ id, lineage: own }) =>
    wanted.base ? id === wanted.base : own === lineage,
  );
  if (candidates.length === 0) {
    const what = wanted.base
      ? `there is no backup ${wanted.base}`
      : 'there is no backup of this lab since it was made';
    throw new BackupError('no-backup', what, './lab backup --list shows those that are there');
  }
  const early = candidates.filter((base) => isBefore(base, target, rules));
  if (early.length === 0) throw tooEarly(target, candidates.at(-1)!);
  const chains = early.map((base) => chainFrom(base, logs, target, rules)).filter((chain) => chain !== null);
  if (chains.length > 0) return chains;
  throw notArchived(target, early[0]!, piecesAfter(early[0]!, logs, rules).at(-1));
}

function isBefore(base: BaseRecord, target: Target, rules: Rules): boolean {
  if (target.kind === 'time') return base.clockUs <= target.us;
  return rules.reaches(target.position, base.position);
}

/** By the fewest pieces: each is the first that gets there, or else the one that leads furthest. */
function chainFrom(base: BaseRecord, logs: readonly LogRecord[], target: Target, rules: Rules): Chain | null {
  const isThere = (piece: LogRecord) =>
    target.kind === 'time'
      ? piece.throughUs >= needsUs(target.us, rules)
      : rules.reaches(piece.to, target.position);
  const pieces: LogRecord[] = [];
  let [have, throughUs] = [base.position, base.clockUs];
  if (target.kind === 'position' && rules.reaches(have, target.position)) return { base, pieces };
  for (;;) {
    const usable = piecesAfter({ ...base, position: have, clockUs: throughUs }, logs, rules).filter((piece) =>
      rules.joins(have, piece.from),
    );
    const next = usable.find(isThere) ?? usable.at(-1);
    if (!next) return null;
    pieces.push(next);
    if (isThere(next)) return { base, pieces };
    if (!rules.reaches(have, next.to)) have = next.to;
    throughUs = Math.max(throughUs, next.throughUs);
  }
}

function tooEarly(target: Target, oldest: BaseRecord): BackupError {
  const asked = target.kind === 'time' ? timeText(target.us) : target.position;
  return new BackupError(
    'before-first-backup',
    `the oldest backup, ${oldest.id}, was complete at ${timeText(oldest.clockUs)} and is later than ${asked}`,
    './lab backup --list shows from when on one can restore',
  );
}

function notArchived(target: Target, base: BaseRecord, last: LogRecord | undefined): BackupError {
  const asked = target.kind === 'time' ? timeText(target.us) : target.position;
  const end = timeText(last?.throughUs ?? base.clockUs);
  return new BackupError(
    'log-not-archived',
    `the log that continues backup ${base.id} was archived up to ${end}, and does not come up to ${asked}`,
    'when a node of the lab answers: ./lab backup --log, then again',
  );
}
