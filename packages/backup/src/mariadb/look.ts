import type { Connection, Position } from '@replication-lab/engines';
import { one } from '../mysql-protocol/look.ts';
import { listOf } from './copy.ts';

/** The binary log is written before commits wait for a replica. */
export const logEnd = async (connection: Connection): Promise<Position> =>
  listOf(String(await one(connection, 'SELECT @@global.gtid_binlog_pos AS position')));

/** The server itself tells which place of its binary log a consistent snapshot is of. */
export async function snapshot(connection: Connection): Promise<Position | null> {
  await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
  await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
  const { rows } = await connection.query("SHOW STATUS LIKE 'binlog_snapshot_%'");
  const status = new Map(rows.map((row) => [String(row.Variable_name).toLowerCase(), String(row.Value)]));
  const file = status.get('binlog_snapshot_file');
  const offset = Number(status.get('binlog_snapshot_position'));
  if (!file || !Number.isSafeInteger(offset)) return null;
  const list = await one(connection, `SELECT BINLOG_GTID_POS('${file}', ${offset}) AS position`);
  return list === null ? null : listOf(String(list));
}
