import { escapeId } from 'mysql2';
import { writeEpochRow } from '../reign.ts';
import type { Connection } from '../types.ts';

export async function writeEpoch(
  connection: Connection,
  database: string,
  epoch: number,
  node: string,
): Promise<void> {
  const table = `${escapeId(database)}.lab_epoch`;
  const select = `SELECT node FROM ${table} WHERE epoch = ?`;
  await writeEpochRow(
    connection,
    { select, insert: `INSERT INTO ${table} (epoch, node) VALUES (?, ?)` },
    epoch,
    node,
  );
}

/** Asks first: INSERT IGNORE would be the same to the reader, but a statement more in the history of every run. */
export async function writeMarker(connection: Connection, database: string): Promise<void> {
  const table = `${escapeId(database)}.lab_marker`;
  const { rows } = await connection.query(`SELECT 1 FROM ${table} WHERE id = 1`);
  if (rows.length === 0) await connection.query(`INSERT INTO ${table} (id) VALUES (1)`);
}
