import { DATABASE_NAME } from '../config.ts';
import { EngineError, type Row } from '../types.ts';

/** Last in a probe's text: on a node without the lab's schema it fails, after everything else has been answered. */
export const EPOCH_SQL = `SELECT COALESCE(MAX(epoch), 0) AS epoch FROM ${DATABASE_NAME}.lab_epoch`;

const NO_SUCH_DATABASE = 1049;
const NO_SUCH_TABLE = 1146;

/**
 * The answers of a probe whose last statement is `EPOCH_SQL`. A missing table is epoch 0; every other failure is
 * thrown, because a node that cannot tell its epoch must not pass for one that has none.
 */
export function splitEpoch(
  { resultSets, failure }: { resultSets: Row[][]; failure: unknown },
  statements: number,
): { answers: Row[][]; epoch: number } {
  const errno = (failure as { errno?: number } | null)?.errno;
  const tableIsMissing = errno === NO_SUCH_TABLE || errno === NO_SUCH_DATABASE;
  if (failure && !(tableIsMissing && resultSets.length === statements - 1)) throw failure;
  if (!failure && resultSets.length !== statements) {
    throw new EngineError('other', `a probe of ${statements} statements had ${resultSets.length} answers`);
  }
  return { answers: resultSets, epoch: failure ? 0 : Number(resultSets.at(-1)?.[0]?.epoch) };
}
