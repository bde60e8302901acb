import { type Connection, EngineError } from './types.ts';

/**
 * Writes the row that begins a reign. A repeat for the same node changes nothing; an epoch that another node has
 * already taken is an error, never a second owner.
 */
export async function writeEpochRow(
  connection: Connection,
  sql: { readonly select: string; readonly insert: string },
  epoch: number,
  node: string,
): Promise<void> {
  const { rows } = await connection.query(sql.select, [epoch]);
  const owner = rows[0]?.node;
  if (owner === node) return;
  if (owner !== undefined) {
    throw new EngineError('other', `epoch ${epoch} belongs to ${owner}, ${node} cannot have it`, {
      endpoint: connection.endpoint,
    });
  }
  await connection.query(sql.insert, [epoch, node]);
}
