import type { Connection } from '@replication-lab/engines';
import type { TableSum } from '../types.ts';

/** For one table. */
const SUM_MS = 600_000;

export const one = async (connection: Connection, sql: string): Promise<unknown> =>
  Object.values((await connection.query(sql)).rows[0] ?? {})[0];

export const clockUs = async (connection: Connection): Promise<number> =>
  Number(await one(connection, 'SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS UNSIGNED) AS us'));

/** When this history was complete for the first time: a row that is written once, and that all nodes have. */
export const lineage = async (connection: Connection): Promise<string> =>
  String(
    await one(
      connection,
      "SELECT DATE_FORMAT(ready_at, '%Y%m%dT%H%i%s%f') AS lineage FROM lab_marker WHERE id = 1",
    ),
  );

export const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** NULL is told from the empty text by its own list. SHA2, because MySQL 9 has no MD5 any more. */
export async function sums(connection: Connection, database: string): Promise<TableSum[]> {
  const { rows } = await connection.query(
    `SELECT c.TABLE_NAME AS tab, c.COLUMN_NAME AS col FROM information_schema.COLUMNS c
       JOIN information_schema.TABLES t USING (TABLE_SCHEMA, TABLE_NAME)
      WHERE t.TABLE_TYPE = 'BASE TABLE' AND c.TABLE_SCHEMA = ? ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION`,
    [database],
  );
  const columns = Map.groupBy(rows, ({ tab }) => String(tab));
  const found: TableSum[] = [];
  for (const [table, own] of columns) {
    const names = own.map(({ col }) => quoted(String(col)));
    const row = `CONCAT_WS('#', ${names.join(', ')}, CONCAT(${names.map((name) => `ISNULL(${name})`).join(', ')}))`;
    const hash = `CAST(CONV(LEFT(SHA2(${row}, 256), 16), 16, 10) AS UNSIGNED)`;
    const sql = `SELECT COUNT(*) AS n, CAST(BIT_XOR(${hash}) AS CHAR) AS checksum FROM ${quoted(database)}.${quoted(table)}`;
    const [sum] = (await connection.query(sql, [], { timeoutMs: SUM_MS })).rows;
    found.push({ table, rows: Number(sum?.n), checksum: String(sum?.checksum) });
  }
  return found;
}
