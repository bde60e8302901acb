import type { Position } from '../types.ts';
import { lowered, positions } from './positions.ts';

/** What a primary says of its commits, in one text; the fields in the order in which they were read. */
export interface Sample {
  /** All that the binary log has. It is written before a commit becomes visible. */
  readonly logged: Position;
  /** Up to where in the binary log commits are visible, most of the time: see `Reference`. */
  readonly file: string;
  readonly offset: string;
  /** Transactions that have become visible since the server started. Read together with the two before. */
  readonly commits: number;
  /** Groups of them: what was written together becomes visible together. */
  readonly groups: number;
  /** Commits that wait for a replica's confirmation in front of becoming visible. */
  readonly waiting: number;
  /** `logged` once more. */
  readonly loggedAfter: Position;
}

/**
 * A moment of which it is known what was visible: `shown` when the counter stood at `commits`. Whoever knows that and what is
 * logged knows how many of the last transactions are not visible yet, since they become visible in the order of the log.
 *
 * Not simply the server's own `binlog_snapshot_position` at every moment. To translate it into GTIDs the server reads the file
 * from its start (1 ms and more a megabyte), and about the change of a file it is wrong: the new file's start (or a
 * place that does not exist) stands for commits of the old one that still wait (seen on 10.11).
 */
export interface Reference {
  readonly file: string;
  readonly offset: string;
  readonly commits: number;
  readonly shown: Position;
}

/**
 * The log is written by at most three groups whose commits are not visible: one becoming visible, one waiting for a
 * confirmation, one written and waiting behind it. When three more have become visible, all of that moment is. One more,
 * because without binlog_optimize_thread_scheduling a group is counted when its first commit becomes visible.
 */
const GROUPS_UNDER_WAY = 4;

/** Whether all that was logged when `before` was taken is visible in `now`, by counting groups alone. */
export const hasOvertaken = (now: Sample, beforeGroups: number): boolean =>
  now.groups - beforeGroups >= GROUPS_UNDER_WAY;

/**
 * A lower bound of what is visible. Statements that are not transactions (DDL, GRANT) are logged and not counted: after one
 * of them the bound is too low until there is a new reference.
 */
export function shownAt({ logged, commits, file, offset }: Sample, reference: Reference): Position {
  if (file === reference.file && offset === reference.offset && commits === reference.commits) {
    return reference.shown;
  }
  const written = positions.distance(reference.shown, logged);
  const unseen = Math.max(0, written - (commits - reference.commits));
  return positions.merge(reference.shown, lowered(logged, unseen));
}

/** More has become visible than was ever written: the reference was taken at one of the server's wrong moments. */
export const contradicts = ({ loggedAfter, commits }: Sample, reference: Reference): boolean =>
  commits < reference.commits ||
  positions.distance(reference.shown, loggedAfter) < commits - reference.commits;

export const isSameMoment = (a: Sample, b: Sample): boolean =>
  a.loggedAfter === b.logged && a.commits === b.commits && a.file === b.file && a.offset === b.offset;

/**
 * What `sample` proves with the server's translation of its place in the log (`at`, null where there is no such place)
 * and of the start of that file. Null: nothing, for it may be one of the wrong moments.
 */
export function referenceFrom(
  sample: Sample,
  at: Position | null,
  fileStart: Position | null,
): Reference | null {
  const { file, offset, commits } = sample;
  const isAboutChangeOfFile = at === null || at === fileStart;
  const someoneMustNotWait = at === sample.logged && sample.waiting > 0;
  return isAboutChangeOfFile || someoneMustNotWait ? null : { file, offset, commits, shown: at };
}

/**
 * For a server about whose place in the log nothing can be said (its last file has no commit yet) and that has stood still
 * for a while, with nobody waiting: everything is visible.
 */
export function referenceFromRest(before: Sample, after: Sample): Reference | null {
  if (!isSameMoment(before, after) || after.waiting > 0) return null;
  const { file, offset, commits, logged } = after;
  return { file, offset, commits, shown: logged };
}
