import { escapeId } from 'mysql2';
import { REIGN_COLUMNS, type ReignColumn, writeEpochRow } from '../reign.ts';
import type { Connection, Position, Reign } from '../types.ts';
import { EPOCH_COLUMNS } from './schema.ts';

/** `EngineAdmin.writeEpoch` of both engines. `held` answers all that the node holds. */
export async function writeEpoch(
  connection: Connection,
  database: string,
  reign: Pick<Reign, 'epoch' | 'node' | 'lossless'>,
  held: () => Promise<Position>,
): Promise<void> {
  const table = `${escapeId(database)}.lab_epoch`;
  await writeEpochRow(
    connection,
    {
      select: `SELECT node FROM ${table} WHERE epoch = ?`,
      insert: `INSERT INTO ${table} (epoch, node, ${REIGN_COLUMNS.join(', ')}) VALUES (?, ?, ?, ?, ?)`,
      // A position says the same under every primary.
      held: async () => {
        const position = await held();
        return { fork: position, start: position };
      },
      missingColumns: () => missingColumns(connection, database),
      addColumns: async (columns) => {
        const added = columns.map((column) => `ADD COLUMN ${column} ${EPOCH_COLUMNS[column]}`);
        await connection.query(`ALTER TABLE ${table} ${added.join(', ')}`);
      },
    },
    reign,
  );
}

/** To be asked first: a statement that changes nothing would still be logged, and so become history. */
async function missingColumns(connection: Connection, database: string): Promise<readonly ReignColumn[]> {
  const { rows } = await connection.query(
    `SELECT column_name AS name FROM information_schema.columns WHERE table_schema = ? AND table_name = 'lab_epoch'`,
    [database],
  );
  const present = new Set(rows.map(({ name }) => name));
  return REIGN_COLUMNS.filter((column) => !present.has(column));
}

/** Asks first: INSERT IGNORE would be the same to the reader, but a statement more in the history of every run. */
export async function writeMarker(connection: Connection, database: string): Promise<void> {
  const table = `${escapeId(database)}.lab_marker`;
  const { rows } = await connection.query(`SELECT 1 FROM ${table} WHERE id = 1`);
  if (rows.length === 0) await connection.query(`INSERT INTO ${table} (id) VALUES (1)`);
}
