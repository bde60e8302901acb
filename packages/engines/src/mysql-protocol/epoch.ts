import { DATABASE_NAME } from '../names.ts';
import { MAX_REIGNS, REIGN_COLUMNS, toReigns } from '../reign.ts';
import {
  type CallOptions,
  type Connection,
  EngineError,
  type Position,
  type Reign,
  type Row,
} from '../types.ts';
import { sessionOf } from './client.ts';

/** Last in a probe's text: on a node without the lab's schema it fails, after everything else has been answered. */
export const EPOCH_SQL = `SELECT COALESCE(MAX(epoch), 0) AS epoch FROM ${DATABASE_NAME}.lab_epoch`;

const NO_SUCH_DATABASE = 1049;
const NO_SUCH_TABLE = 1146;
const NO_SUCH_COLUMN = 1054;

/**
 * The answers of a probe whose last statement is `EPOCH_SQL`. A missing table is epoch 0; every other failure is
 * thrown, because a node that cannot tell its epoch must not pass for one that has none.
 */
export function splitEpoch(
  { resultSets, failure }: { resultSets: Row[][]; failure: unknown },
  statements: number,
): { answers: Row[][]; epoch: number } {
  if (failure && !(tableIsMissing(failure) && resultSets.length === statements - 1)) throw failure;
  if (!failure && resultSets.length !== statements) {
    throw new EngineError('other', `a probe of ${statements} statements had ${resultSets.length} answers`);
  }
  return { answers: resultSets, epoch: failure ? 0 : Number(resultSets.at(-1)?.[0]?.epoch) };
}

/** `EngineClient.reigns` of both engines. Needs SELECT on lab_epoch. */
export function reigns(
  connection: Connection,
  afterEpoch: number,
  options: CallOptions | undefined,
  read: (text: string) => Position,
): Promise<readonly Reign[]> {
  return sessionOf(connection).run(async (session) => {
    const rowsOf = async (columns: readonly string[]): Promise<readonly Row[]> => {
      const sql = `SELECT ${columns.join(', ')} FROM ${DATABASE_NAME}.lab_epoch WHERE epoch > ? ORDER BY epoch DESC LIMIT ${MAX_REIGNS}`;
      return (await session.query(sql, [afterEpoch])).rows;
    };
    try {
      return toReigns(await rowsOf(['epoch', 'node', ...REIGN_COLUMNS]), read);
    } catch (error) {
      if (tableIsMissing(error)) return [];
      if (errnoOf(error) !== NO_SUCH_COLUMN) throw error;
      return toReigns(await rowsOf(['epoch', 'node']), read);
    }
  }, options);
}

const tableIsMissing = (error: unknown): boolean =>
  errnoOf(error) === NO_SUCH_TABLE || errnoOf(error) === NO_SUCH_DATABASE;

const errnoOf = (error: unknown): number | undefined => (error as { errno?: number } | null)?.errno;
