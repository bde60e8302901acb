import { MAX_REIGNS, REIGN_COLUMNS, toReigns } from '../reign.ts';
import type { CallOptions, Connection, Reign } from '../types.ts';
import { sessionOf } from './pool.ts';
import { positionFromServer } from './positions.ts';

export const EPOCH_SQL = 'SELECT coalesce(max(epoch), 0) AS epoch FROM lab_epoch';

const NO_SUCH_TABLE = '42P01';
const NO_SUCH_COLUMN = '42703';

/** `EngineClient.reigns`. Needs SELECT on lab_epoch. */
export function reigns(
  connection: Connection,
  afterEpoch: number,
  options?: CallOptions,
): Promise<readonly Reign[]> {
  return sessionOf(connection).run(async (session) => {
    const rowsOf = async (columns: readonly string[]) => {
      const sql = `SELECT ${columns.join(', ')} FROM lab_epoch WHERE epoch > $1 ORDER BY epoch DESC LIMIT ${MAX_REIGNS}`;
      return (await session.send(sql, [afterEpoch])).rows;
    };
    try {
      return toReigns(await rowsOf(['epoch', 'node', ...REIGN_COLUMNS]), positionFromServer);
    } catch (error) {
      if (tableIsMissing(error)) return [];
      if (stateOf(error) !== NO_SUCH_COLUMN) throw error;
      return toReigns(await rowsOf(['epoch', 'node']), positionFromServer);
    }
  }, options);
}

export const tableIsMissing = (error: unknown): boolean => stateOf(error) === NO_SUCH_TABLE;

const stateOf = (error: unknown): string | undefined => (error as { code?: string } | null)?.code;
