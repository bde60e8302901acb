import { type Connection, EngineError, type Position, type Reign, type Row, type SqlValue } from './types.ts';

/** A client asks only for what it does not know yet; more than this in one go is a stranger's table. */
export const MAX_REIGNS = 64;

/** The columns that lab_epoch did not have at first. */
export const REIGN_COLUMNS = ['fork_position', 'start_position', 'lossless'] as const;

export type ReignColumn = (typeof REIGN_COLUMNS)[number];

/** What an engine gives `writeEpochRow`. */
export interface EpochTable {
  /** The owner of epoch $1. */
  readonly select: string;
  /** epoch, node, fork, start, lossless. */
  readonly insert: string;
  /** Everything this node held until now, and the same place in its present terms. */
  held(): Promise<{ readonly fork: Position; readonly start: Position }>;
  /** Those that an older lab's table lacks. */
  missingColumns(): Promise<readonly ReignColumn[]>;
  addColumns(columns: readonly ReignColumn[]): Promise<void>;
}

/**
 * Writes the row that begins a reign; answers whether it did. A repeat for the same node changes nothing; an epoch that another
 * node has already taken is an error, never a second owner.
 *
 * When the node cannot say what it held, this fails, and the node stays closed: a reign without a fork would have every
 * client of older reigns told that its history may be lost. It blocks no opening that would otherwise succeed, because the
 * questions go to the server that has to take the row, on the same connection, and need no right that opening it does not.
 * They come before anything is written here, new columns included: MariaDB numbers its transactions on from the last reign,
 * so what this one writes would cover what the last one lost. They are sent together: clients wait for this.
 *
 * `mayWrite` is waited for before that, while the questions are asked.
 */
export async function writeEpochRow(
  connection: Connection,
  table: EpochTable,
  { epoch, node, lossless }: Pick<Reign, 'epoch' | 'node' | 'lossless'>,
  mayWrite: Promise<void> = Promise.resolve(),
): Promise<boolean> {
  const [asked, held, missing] = await Promise.allSettled([
    connection.query(table.select, [epoch]),
    table.held(),
    table.missingColumns(),
  ]);
  const owner = answerOf(asked).rows[0]?.node;
  if (owner === node) {
    await mayWrite;
    return false;
  }
  if (owner !== undefined) {
    throw new EngineError('other', `epoch ${epoch} belongs to ${owner}, ${node} cannot have it`, {
      endpoint: connection.endpoint,
    });
  }
  const { fork, start } = answerOf(held);
  const columns = answerOf(missing);
  await mayWrite;
  if (columns.length > 0) await table.addColumns(columns);
  const values: SqlValue[] = [epoch, node, fork, start, lossless];
  await connection.query(table.insert, values);
  return true;
}

function answerOf<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}

/** What `EngineClient.reigns` answers, from rows in any order. A fork that cannot be read is one that nobody wrote down. */
export function toReigns(rows: readonly Row[], read: (text: string) => Position): Reign[] {
  return rows
    .map((row) => {
      const fork = positionOf(row.fork_position, read);
      const start = positionOf(row.start_position, read);
      const known = fork !== null && start !== null;
      return {
        epoch: Number(row.epoch),
        node: String(row.node),
        fork: known ? fork : null,
        start: known ? start : null,
        lossless: known && Boolean(row.lossless),
      };
    })
    .sort((a, b) => a.epoch - b.epoch);
}

function positionOf(value: unknown, read: (text: string) => Position): Position | null {
  if (typeof value !== 'string') return null;
  try {
    return read(value);
  } catch {
    return null;
  }
}
