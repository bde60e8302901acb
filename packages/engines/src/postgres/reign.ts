import { REIGN_COLUMNS, type ReignColumn, writeEpochRow } from '../reign.ts';
import { type Connection, EngineError, type Position, type Reign } from '../types.ts';
import { forkOf, held } from './history.ts';
import { positionFromServer } from './positions.ts';
import { probe } from './probe.ts';
import { EPOCH_COLUMNS } from './schema.ts';

/** All that a node holds, its past included; and the same place on its own timeline. */
interface Holdings {
  readonly held: Position;
  readonly position: Position;
}

/**
 * `EngineAdmin.writeEpoch`, in a session that may write; answers whether the row was written now. `holdings`: how this session
 * learns what the node holds; `mayWrite`: as for `writeEpochRow`.
 */
export async function writeEpoch(
  connection: Connection,
  reign: Pick<Reign, 'epoch' | 'node' | 'lossless'>,
  holdings: () => Promise<Holdings> = () => askHoldings(connection),
  mayWrite?: Promise<void>,
): Promise<boolean> {
  return writeEpochRow(
    connection,
    {
      select: 'SELECT node FROM lab_epoch WHERE epoch = $1',
      insert: `INSERT INTO lab_epoch (epoch, node, ${REIGN_COLUMNS.join(', ')}) VALUES ($1, $2, $3, $4, $5)`,
      held: () => forkAndStart(connection, holdings),
      missingColumns: () => missingColumns(connection),
      addColumns: async (columns) => {
        const added = columns.map((column) => `ADD COLUMN ${column} ${EPOCH_COLUMNS[column]}`);
        await connection.query(`ALTER TABLE lab_epoch ${added.join(', ')}`);
      },
    },
    reign,
    mayWrite,
  );
}

async function forkAndStart(
  connection: Connection,
  holdings: () => Promise<Holdings>,
): Promise<{ fork: Position; start: Position }> {
  const [{ held, position }, last] = await Promise.all([holdings(), lastReign(connection)]);
  const fork = forkOf(held, last);
  if (fork !== null) return { fork, start: position };
  // The server wrote that file itself when it was promoted. Somebody has removed it.
  const { endpoint } = connection;
  const message = `${endpoint.name} is at ${position} and has no history file that says where that timeline began`;
  throw new EngineError('other', message, { endpoint });
}

async function askHoldings(connection: Connection): Promise<Holdings> {
  const state = await probe(connection);
  return { held: await held(connection, state), position: state.position };
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

/** To be asked first: ALTER TABLE waits for every reader, even where it changes nothing. */
async function missingColumns(connection: Connection): Promise<readonly ReignColumn[]> {
  const { rows } = await connection.query(
    `SELECT attname AS name FROM pg_attribute WHERE attrelid = 'lab_epoch'::regclass AND NOT attisdropped`,
  );
  const present = new Set(rows.map(({ name }) => name));
  return REIGN_COLUMNS.filter((column) => !present.has(column));
}
