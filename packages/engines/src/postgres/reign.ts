import { REIGN_COLUMNS, writeEpochRow } from '../reign.ts';
import { type Connection, EngineError, type Position, type Reign } from '../types.ts';
import { forkOf, held } from './history.ts';
import { positionFromServer } from './positions.ts';
import { probe } from './probe.ts';
import { EPOCH_COLUMNS } from './schema.ts';

/** `EngineAdmin.writeEpoch`, in a session that may write. `historySql`: as for `held`; `mayWrite`: as for `writeEpochRow`. */
export async function writeEpoch(
  connection: Connection,
  reign: Pick<Reign, 'epoch' | 'node' | 'lossless'>,
  historySql?: string,
  mayWrite?: Promise<void>,
): Promise<void> {
  await writeEpochRow(
    connection,
    {
      select: 'SELECT node FROM lab_epoch WHERE epoch = $1',
      insert: `INSERT INTO lab_epoch (epoch, node, ${REIGN_COLUMNS.join(', ')}) VALUES ($1, $2, $3, $4, $5)`,
      held: () => forkAndStart(connection, historySql),
      addMissingColumns: () => addMissingColumns(connection),
    },
    reign,
    mayWrite,
  );
}

async function forkAndStart(
  connection: Connection,
  historySql?: string,
): Promise<{ fork: Position; start: Position }> {
  const state = await probe(connection);
  const fork = forkOf(await held(connection, state, historySql), await lastReign(connection));
  if (fork !== null) return { fork, start: state.position };
  // The server wrote that file itself when it was promoted. Somebody has removed it.
  const { endpoint } = connection;
  const message = `${endpoint.name} is at ${state.position} and has no history file that says where that timeline began`;
  throw new EngineError('other', message, { endpoint });
}

/** Null before the first one; a `start` of null where nobody wrote it down. */
async function lastReign(connection: Connection): Promise<{ start: Position | null } | null> {
  // Through JSON, because the table may lack the column.
  const { rows } = await connection.query(
    `SELECT to_jsonb(lab_epoch) ->> 'start_position' AS start FROM lab_epoch ORDER BY epoch DESC LIMIT 1`,
  );
  const [row] = rows;
  if (!row) return null;
  return { start: typeof row.start === 'string' ? positionFromServer(row.start) : null };
}

/** Asks first: ALTER TABLE waits for every reader, even where it changes nothing. */
async function addMissingColumns(connection: Connection): Promise<void> {
  const { rows } = await connection.query(
    `SELECT attname AS name FROM pg_attribute WHERE attrelid = 'lab_epoch'::regclass AND NOT attisdropped`,
  );
  const present = new Set(rows.map(({ name }) => name));
  const missing = REIGN_COLUMNS.filter((column) => !present.has(column));
  if (missing.length === 0) return;
  const added = missing.map((column) => `ADD COLUMN ${column} ${EPOCH_COLUMNS[column]}`);
  await connection.query(`ALTER TABLE lab_epoch ${added.join(', ')}`);
}
