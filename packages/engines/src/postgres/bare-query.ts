/** What pg's `Query` asks of its connection, and its own cursor and stream packages too. */
interface Wire {
  readonly submittedNamedStatements?: Record<string, string>;
  parse(statement: { readonly name: string; readonly text: string }): void;
  bind(portal: { readonly statement: string; readonly values: readonly string[] }): void;
  execute(portal?: object): void;
  sync(): void;
}

interface QueryLike {
  name?: string;
  queryMode?: string;
  hasBeenParsed?(connection: Wire): boolean;
  prepare?(connection: Wire): void;
  handleDataRow?(message: { readonly fields: readonly (string | null)[] }): void;
}

/**
 * Makes of `query` one that asks a prepared statement without parameters for one row of text, with as little as the protocol
 * allows: without a description of columns that we know. That is a quarter of what the question behind each write costs.
 * Null where the driver is built otherwise than we think; then ask in the usual way.
 */
export function bareQuery<Q extends object>(
  query: Q,
  { name, text }: { readonly name: string; readonly text: string },
  answer: { row: readonly (string | null)[] | null },
): Q | null {
  const like = query as QueryLike;
  if (!(like.hasBeenParsed && like.prepare && like.handleDataRow)) return null;
  like.name = name;
  like.queryMode = 'extended';
  like.prepare = (connection) => {
    if (!like.hasBeenParsed!(connection)) {
      connection.parse({ name, text });
      if (connection.submittedNamedStatements) connection.submittedNamedStatements[name] = text;
    }
    connection.bind({ statement: name, values: [] });
    connection.execute();
    connection.sync();
  };
  like.handleDataRow = ({ fields }) => {
    answer.row = fields;
  };
  return query;
}
