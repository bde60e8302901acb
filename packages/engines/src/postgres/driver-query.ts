export interface Named {
  readonly name: string;
  readonly text: string;
}

/** What pg's `Query` asks of its connection, and its own cursor and stream packages too. */
export interface Wire {
  readonly submittedNamedStatements?: Record<string, string>;
  parse(statement: { readonly name: string | undefined; readonly text: string }): void;
  bind(portal: { readonly statement: string | undefined; readonly values: readonly unknown[] }): void;
  describe(what: { readonly type: 'P'; readonly name: string }): void;
  execute(portal?: object): void;
  sync(): void;
}

/** The part of pg's `Query` in which a statement of ours differs from any other. */
export interface DriverQuery {
  name?: string | undefined;
  queryMode?: string;
  text: string;
  values?: readonly unknown[];
  hasBeenParsed(connection: Wire): boolean;
  prepare(connection: Wire): void;
  handleDataRow(message: { readonly fields: readonly (string | null)[] }): void;
  handleCommandComplete(message: { readonly text: string }, connection: Wire): void;
  handleError(error: unknown, connection: Wire): void;
  handleReadyForQuery(connection: Wire): void;
}

const PARTS = [
  'hasBeenParsed',
  'prepare',
  'handleDataRow',
  'handleCommandComplete',
  'handleError',
  'handleReadyForQuery',
] as const satisfies readonly (keyof DriverQuery)[];

/** Null where the driver is built otherwise than we think. */
export function driverQuery(query: object): DriverQuery | null {
  const like = query as DriverQuery;
  return PARTS.every((part) => typeof like[part] === 'function') ? like : null;
}

/** Sends the text of `query` unless the server has it under its name. */
export function parseOnce(query: DriverQuery, connection: Wire): void {
  if (query.hasBeenParsed(connection)) return;
  const { name, text } = query;
  connection.parse({ name, text });
  if (name && connection.submittedNamedStatements) connection.submittedNamedStatements[name] = text;
}

/** Has `query` hear of it when the server says that the statement was executed. A commit may fail still. */
export function onExecuted(query: object, hear: () => void): void {
  const like = driverQuery(query);
  if (!like) return;
  const { handleCommandComplete } = like;
  like.handleCommandComplete = (message, connection) => {
    hear();
    handleCommandComplete.call(like, message, connection);
  };
}
