import { driverQuery, type Named, parseOnce } from './driver-query.ts';

/**
 * Makes of `query` one that asks a prepared statement without parameters for one row of text, with as little as the protocol
 * allows: without a description of columns that we know. That is a quarter of what the question behind each write costs.
 * Null where the driver is built otherwise than we think; then ask in the usual way.
 */
export function bareQuery<Q extends object>(
  query: Q,
  { name }: Named,
  answer: { row: readonly (string | null)[] | null },
): Q | null {
  const like = driverQuery(query);
  if (!like) return null;
  Object.assign(like, { name, queryMode: 'extended' });
  like.prepare = (connection) => {
    parseOnce(like, connection);
    connection.bind({ statement: name, values: [] });
    connection.execute();
    connection.sync();
  };
  like.handleDataRow = ({ fields }) => {
    answer.row = fields;
  };
  return query;
}
